// The Kubernetes API as tasks: one method a verb. Errors of the API carry their kubeapi::ApiError, failures of the
// network their http::FailureDetail. Nothing waits past its deadline. Credentials are the transport's
// (pkg/kube/cluster.h).
//
// Writes are sent once by us, but the transport may repeat one whose connection died: so names are ours (never
// generateName), replaces carry a resourceVersion, applies are absolute, and a create that finds its own object is a
// success. After an error with FailureOf(status).maybe_sent the write may have happened: read before anything else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/async/instant.h"
#include "pkg/async/task.h"
#include "pkg/http/http.h"
#include "pkg/kube/line_splitter.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::kube {

struct ClientOptions {
  std::string base_url;  // "https://10.0.0.1:443", with a path prefix or none, without "/" behind
  std::string user_agent = "ottoscale";
  std::string field_manager = "ottoscale";     // owner of what ApplyStatus writes; at most 128 characters
  absl::Duration timeout = absl::Seconds(30);  // of every call whose deadline is later
  size_t max_object_bytes = size_t{8} << 20;
  size_t max_list_bytes = size_t{256} << 20;          // of one page
  std::function<void(absl::string_view)> on_warning;  // the text of each distinct `Warning:` of the server, once
};

struct ListOptions {
  std::string ns;  // "": all
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;  // "": the newest; "0": any; else: at least as new
};

struct ListResult {
  std::string resource_version;
  std::vector<nlohmann::json> items;
};

struct WatchOptions {
  std::string ns;
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;                     // where to begin: everything after it
  absl::Duration timeout = absl::Minutes(5);        // the server ends the stream after that
  absl::Duration idle_timeout = absl::Seconds(90);  // without a byte for so long it counts as broken
};

struct ClientCounters {
  struct Request {
    std::string method;
    std::string code;  // "200", or "<error>" when no answer came
    auto operator<=>(const Request&) const = default;
  };
  std::map<Request, uint64_t> requests;  // rest_client_requests_total
  uint64_t retries = 0;                  // rest_client_request_retries_total
};

class Client {
 public:
  // The transport outlives the client, the client its calls and their streams.
  Client(http::Transport& transport, ClientOptions options) : transport_(transport), options_(std::move(options)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Reads. They are tried again, within the deadline, after a 429 or 5xx with Retry-After and after a lost connection.
  async::Task<absl::StatusOr<nlohmann::json>> Get(kubeapi::Resource resource, kubeapi::ObjectKey key,
                                                  async::BootTime deadline) const;
  // All pages; begun anew, once, when a page says that the list has expired.
  async::Task<absl::StatusOr<ListResult>> List(kubeapi::Resource resource, ListOptions options,
                                               async::BootTime deadline) const;
  // The lines of a watch, each one event (pkg/kube/watch_event.h). `deadline` bounds the opening; not retried.
  async::Task<absl::StatusOr<std::unique_ptr<LineReader>>> Watch(kubeapi::Resource resource, WatchOptions options,
                                                                 async::BootTime deadline) const;

  // All answer with the object as the server has it now. They are tried again, within the deadline, only after a 429
  // with Retry-After, which is given before anything is done.
  // The object names itself. When there is one of this name that has everything that was sent, it counts as created;
  // another one is AlreadyExists.
  async::Task<absl::StatusOr<nlohmann::json>> Create(kubeapi::Resource resource, nlohmann::json object,
                                                     async::BootTime deadline) const;
  // Replaces the object; it has the resourceVersion that it was read with. Conflict: read again.
  async::Task<absl::StatusOr<nlohmann::json>> Update(kubeapi::Resource resource, nlohmann::json object,
                                                     async::BootTime deadline) const;
  async::Task<absl::StatusOr<nlohmann::json>> MergePatch(kubeapi::Resource resource, kubeapi::ObjectKey key,
                                                         nlohmann::json patch, async::BootTime deadline) const;
  // Server-side apply of the whole `status` to /status, with force, as options.field_manager: what an earlier apply had
  // and this one has not is removed. NotFound when there is no such object.
  async::Task<absl::Status> ApplyStatus(kubeapi::Resource resource, kubeapi::ObjectKey key, nlohmann::json status,
                                        async::BootTime deadline) const;
  // With a `uid`, only the object that has it (else Conflict). NotFound may be the echo of a repeated request.
  async::Task<absl::Status> Delete(kubeapi::Resource resource, kubeapi::ObjectKey key, std::string uid,
                                   async::BootTime deadline) const;

  const ClientCounters& counters() const { return counters_; }

 private:
  struct Call {
    std::string method = "GET";
    std::string path;  // and query
    std::string content_type;
    std::string body;
    size_t max_bytes = 0;
    bool streaming = false;
    absl::Duration idle_timeout;
  };
  struct Answer {
    int status = 0;
    std::string retry_after;
    http::Body body;
  };

  using PauseRule = std::optional<absl::Duration> (*)(const absl::Status& status);
  async::Task<absl::StatusOr<nlohmann::json>> Repeat(Call call, PauseRule pause_before, async::BootTime deadline) const;
  async::Task<absl::StatusOr<nlohmann::json>> Read(Call call, async::BootTime deadline) const;
  async::Task<absl::StatusOr<nlohmann::json>> Write(Call call, async::BootTime deadline) const;
  async::Task<absl::StatusOr<ListResult>> ListOnce(std::string path, std::string query, bool paged,
                                                   async::BootTime deadline) const;
  async::Task<absl::StatusOr<nlohmann::json>> Exchange(Call call, async::BootTime deadline) const;
  async::Task<absl::StatusOr<Answer>> Open(Call call, async::BootTime deadline) const;
  async::Task<absl::StatusOr<http::Response>> SendOnce(Call call, async::BootTime deadline) const;
  void Count(const std::string& method, std::string code) const;
  void NoteWarnings(const http::Headers& headers) const;
  async::BootTime Sooner(async::Loop& loop, async::BootTime deadline) const;

  http::Transport& transport_;
  const ClientOptions options_;
  // Observation only: they change nothing about what a call does.
  mutable ClientCounters counters_;
  mutable std::set<std::string> warned_;
};

// True when everything in `sent` is in `stored` too: objects member by member, lists element by element. What the
// server adds (defaults, metadata) does not matter.
bool Covers(const nlohmann::json& stored, const nlohmann::json& sent);

}  // namespace ottoscale::kube
