#include "pkg/kube/client.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {

using kubeapi::ObjectKey;
using kubeapi::Resource;
using nlohmann::json;

namespace {

constexpr int kMaxRetries = 10;                            // of client-go
constexpr absl::Duration kAfterBroken = absl::Seconds(1);  // the same
constexpr absl::string_view kPageSize = "500";
constexpr size_t kMaxWarnings = 100;
constexpr size_t kMaxErrorBytes = size_t{1} << 20;

struct Parameter {
  absl::string_view name;
  absl::string_view value;
};

// "a=1&b=2" of those that have a value.
std::string Query(std::initializer_list<Parameter> parameters) {
  std::string query;
  for (const Parameter& parameter : parameters) {
    if (parameter.value.empty()) continue;
    absl::StrAppend(&query, query.empty() ? "" : "&", parameter.name, "=", http::EncodeComponent(parameter.value));
  }
  return query;
}

// "list pods in shop", "watch pods everywhere".
std::string Tried(absl::string_view verb, const Resource& resource, const std::string& ns) {
  if (!resource.namespaced) return absl::StrCat(verb, " ", resource.plural);
  return absl::StrCat(verb, " ", resource.plural,
                      ns.empty() ? " in all namespaces" : absl::StrCat(" in namespace ", ns));
}

std::string WithQuery(const std::string& path, const std::string& query) {
  return query.empty() ? path : absl::StrCat(path, "?", query);
}

// How long to wait before a read is tried again; nullopt: it is not.
std::optional<absl::Duration> PauseBeforeRetry(const absl::Status& status) {
  if (const std::optional<kubeapi::ApiError> error = kubeapi::ApiErrorOf(status)) {
    if (error->code != 429 && error->code < 500) return std::nullopt;
    return error->retry_after;
  }
  if (!absl::IsUnavailable(status)) return std::nullopt;
  return http::FailureOf(status).kind == http::Failure::kDisconnected ? std::optional(kAfterBroken) : std::nullopt;
}

// The same for a write: a server that is too busy has done nothing.
std::optional<absl::Duration> PauseBeforeRepeat(const absl::Status& status) {
  const std::optional<kubeapi::ApiError> error = kubeapi::ApiErrorOf(status);
  return error && error->code == 429 ? error->retry_after : std::nullopt;
}

// What stands between the quotes of `299 - "text", 299 - "text"`; the whole, when there are none.
std::vector<std::string> WarningTexts(absl::string_view header) {
  std::vector<std::string> texts;
  bool inside = false;
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i] == '"') {
      inside = !inside;
      if (inside) texts.emplace_back();
    } else if (inside) {
      if (header[i] == '\\' && i + 1 < header.size()) ++i;
      texts.back() += header[i];
    }
  }
  if (texts.empty()) texts.emplace_back(header);
  return texts;
}

absl::StatusOr<json> ParseBody(absl::string_view text, size_t max_bytes) {
  absl::StatusOr<json> body = codec::ReadJson(text, {.max_bytes = max_bytes, .max_nodes = max_bytes / 4});
  if (body.ok()) return body;
  return absl::DataLossError(absl::StrCat("the answer of the API server is unusable: ", body.status().message()));
}

ObjectKey KeyOf(const json& object) {
  return {kubeapi::TextAt(object, {"metadata", "namespace"}), kubeapi::TextAt(object, {"metadata", "name"})};
}

}  // namespace

bool Covers(const json& stored, const json& sent) {
  if (sent.is_array()) {
    return stored.is_array() && std::equal(stored.begin(), stored.end(), sent.begin(), sent.end(), Covers);
  }
  if (!sent.is_object()) return stored == sent;
  if (!stored.is_object()) return false;
  for (const auto& [name, value] : sent.items()) {
    const json* found = kubeapi::Find(stored, Sv(name));
    if (found == nullptr ? !value.is_null() : !Covers(*found, value)) return false;
  }
  return true;
}

async::BootTime Client::Sooner(async::Loop& loop, async::BootTime deadline) const {
  return std::min(deadline, loop.Now().boot + options_.timeout);
}

void Client::Count(const std::string& method, std::string code) const {
  ++counters_.requests[{method, std::move(code)}];
}

void Client::NoteWarnings(const http::Headers& headers) const {
  if (!options_.on_warning) return;
  for (const http::Header& header : headers.list()) {
    if (!absl::EqualsIgnoreCase(header.name, "Warning")) continue;
    for (const std::string& text : WarningTexts(header.value)) {
      if (warned_.size() < kMaxWarnings && warned_.insert(text).second) options_.on_warning(text);
    }
  }
}

async::Task<absl::StatusOr<http::Response>> Client::SendOnce(Call call, async::BootTime deadline) const {
  http::Request request{.method = call.method, .url = options_.base_url + call.path, .body = std::move(call.body)};
  request.headers.Add("Accept", "application/json");
  request.headers.Add("User-Agent", options_.user_agent);
  if (!call.content_type.empty()) request.headers.Add("Content-Type", call.content_type);
  request.streaming = call.streaming;
  request.idle_timeout = call.idle_timeout;
  request.max_body_bytes = call.max_bytes;
  absl::StatusOr<http::Response> response = co_await transport_.Send(std::move(request), deadline);
  Count(call.method, response.ok() ? std::to_string(response->status) : "<error>");
  if (response.ok()) NoteWarnings(response->headers);
  co_return response;
}

// The answer with its body unread, or the error that it is.
async::Task<absl::StatusOr<Client::Answer>> Client::Open(Call call, async::BootTime deadline) const {
  absl::StatusOr<http::Response> response = co_await SendOnce(std::move(call), deadline);
  if (!response.ok()) co_return response.status();
  const std::string retry_after = response->headers.Get("Retry-After").value_or("");
  if (response->status >= 200 && response->status <= 299) {
    co_return Answer{response->status, retry_after, std::move(response->body)};
  }
  // An error whose body does not come is still that error.
  const absl::StatusOr<std::string> text = co_await http::ReadAll(std::move(response->body), kMaxErrorBytes);
  co_return kubeapi::ToStatus(
      kubeapi::ApiErrorFromAnswer(response->status, text.ok() ? absl::string_view(*text) : "", retry_after));
}

async::Task<absl::StatusOr<json>> Client::Exchange(Call call, async::BootTime deadline) const {
  const size_t max_bytes = call.max_bytes;
  absl::StatusOr<Answer> answer = co_await Open(std::move(call), deadline);
  if (!answer.ok()) co_return answer.status();
  const absl::StatusOr<std::string> text = co_await http::ReadAll(std::move(answer->body), max_bytes);
  if (!text.ok()) co_return text.status();
  co_return ParseBody(*text, max_bytes);
}

// Tries again as long as `pause_before` says when, and the deadline allows.
async::Task<absl::StatusOr<json>> Client::Repeat(Call call, PauseRule pause_before, async::BootTime deadline) const {
  async::Loop& loop = (co_await async::CurrentContext()).loop();
  deadline = Sooner(loop, deadline);
  for (int tries = 0;; ++tries) {
    absl::StatusOr<json> body = co_await Exchange(call, deadline);
    const std::optional<absl::Duration> pause = body.ok() ? std::nullopt : pause_before(body.status());
    if (!pause || tries == kMaxRetries || loop.Now().boot + *pause >= deadline) co_return body;
    ++counters_.retries;
    CO_RETURN_IF_ERROR(co_await async::Sleep(*pause));
  }
}

async::Task<absl::StatusOr<json>> Client::Read(Call call, async::BootTime deadline) const {
  co_return co_await Repeat(std::move(call), &PauseBeforeRetry, deadline);
}

async::Task<absl::StatusOr<json>> Client::Write(Call call, async::BootTime deadline) const {
  call.max_bytes = options_.max_object_bytes;
  co_return co_await Repeat(std::move(call), &PauseBeforeRepeat, deadline);
}

async::Task<absl::StatusOr<json>> Client::Get(Resource resource, ObjectKey key, async::BootTime deadline) const {
  Call call{.path = resource.ObjectPath(key.ns, key.name), .max_bytes = options_.max_object_bytes};
  absl::StatusOr<json> object = co_await Read(std::move(call), deadline);
  if (object.ok()) co_return object;
  co_return Annotate(absl::StrCat("get ", resource.plural, " ", key.ToString()), object.status());
}

async::Task<absl::StatusOr<ListResult>> Client::ListOnce(std::string path, std::string query, bool paged,
                                                         async::BootTime deadline) const {
  ListResult result;
  std::string token;
  do {
    // The token of a page stands for the whole query but the selectors and the limit.
    const std::string page = Query({{"limit", paged ? kPageSize : ""}, {"continue", token}});
    const std::string all = absl::StrCat(query, query.empty() || page.empty() ? "" : "&", page);
    absl::StatusOr<json> body =
        co_await Read(Call{.path = WithQuery(path, all), .max_bytes = options_.max_list_bytes}, deadline);
    if (!body.ok()) co_return body.status();
    result.resource_version = kubeapi::TextAt(*body, {"metadata", "resourceVersion"});
    token = kubeapi::TextAt(*body, {"metadata", "continue"});
    const auto items = body->find("items");
    if (items == body->end() || !(items->is_array() || items->is_null())) {
      co_return absl::DataLossError("the answer of the API server is no list");
    }
    for (json& item : *items) result.items.push_back(std::move(item));
  } while (!token.empty());
  if (result.resource_version.empty()) co_return absl::DataLossError("the list has no resourceVersion");
  co_return result;
}

async::Task<absl::StatusOr<ListResult>> Client::List(Resource resource, ListOptions options,
                                                     async::BootTime deadline) const {
  deadline = Sooner((co_await async::CurrentContext()).loop(), deadline);
  const std::string path = resource.CollectionPath(options.ns);
  const std::string query = Query({{"labelSelector", options.label_selector},
                                   {"fieldSelector", options.field_selector},
                                   {"resourceVersion", options.resource_version}});
  // With a resourceVersion the server answers from its cache, whole; only the newest state comes in pages.
  const bool paged = options.resource_version.empty();
  absl::StatusOr<ListResult> list = co_await ListOnce(path, query, paged, deadline);
  if (paged && kubeapi::IsExpired(list.status())) list = co_await ListOnce(path, query, paged, deadline);
  if (list.ok()) co_return list;
  co_return Annotate(Tried("list", resource, options.ns), list.status());
}

async::Task<absl::StatusOr<std::unique_ptr<LineReader>>> Client::Watch(Resource resource, WatchOptions options,
                                                                       async::BootTime deadline) const {
  deadline = Sooner((co_await async::CurrentContext()).loop(), deadline);
  const std::string query = Query({{"watch", "1"},
                                   {"allowWatchBookmarks", "true"},
                                   {"labelSelector", options.label_selector},
                                   {"fieldSelector", options.field_selector},
                                   {"resourceVersion", options.resource_version},
                                   {"timeoutSeconds", std::to_string(absl::ToInt64Seconds(options.timeout))}});
  Call call{.path = WithQuery(resource.CollectionPath(options.ns), query),
            .max_bytes = options_.max_list_bytes,
            .streaming = true,
            .idle_timeout = options.idle_timeout};
  absl::StatusOr<Answer> answer = co_await Open(std::move(call), deadline);
  if (!answer.ok()) co_return Annotate(Tried("watch", resource, options.ns), answer.status());
  co_return std::make_unique<LineReader>(std::move(answer->body));
}

async::Task<absl::StatusOr<json>> Client::Create(Resource resource, json object, async::BootTime deadline) const {
  const ObjectKey key = KeyOf(object);
  Call call{.method = "POST",
            .path = resource.CollectionPath(key.ns),
            .content_type = "application/json",
            .body = codec::Dump(object)};
  absl::StatusOr<json> created = co_await Write(std::move(call), deadline);
  if (created.ok()) co_return created;
  const absl::Status why = Annotate(absl::StrCat("create ", resource.plural, " ", key.ToString()), created.status());
  if (!kubeapi::Is(why, kubeapi::ErrorReason::kAlreadyExists)) co_return why;
  absl::StatusOr<json> stored = co_await Get(resource, key, deadline);
  if (stored.ok() && Covers(*stored, object)) co_return stored;
  co_return why;
}

async::Task<absl::StatusOr<json>> Client::Update(Resource resource, json object, async::BootTime deadline) const {
  const ObjectKey key = KeyOf(object);
  if (kubeapi::TextAt(object, {"metadata", "resourceVersion"}).empty()) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("update ", resource.plural, " ", key.ToString(), ": the object has no resourceVersion"));
  }
  Call call{.method = "PUT",
            .path = resource.ObjectPath(key.ns, key.name),
            .content_type = "application/json",
            .body = codec::Dump(object)};
  absl::StatusOr<json> updated = co_await Write(std::move(call), deadline);
  if (updated.ok()) co_return updated;
  co_return Annotate(absl::StrCat("update ", resource.plural, " ", key.ToString()), updated.status());
}

async::Task<absl::StatusOr<json>> Client::MergePatch(Resource resource, ObjectKey key, json patch,
                                                     async::BootTime deadline) const {
  Call call{.method = "PATCH",
            .path = resource.ObjectPath(key.ns, key.name),
            .content_type = "application/merge-patch+json",
            .body = codec::Dump(patch)};
  absl::StatusOr<json> patched = co_await Write(std::move(call), deadline);
  if (patched.ok()) co_return patched;
  co_return Annotate(absl::StrCat("patch ", resource.plural, " ", key.ToString()), patched.status());
}

async::Task<absl::Status> Client::ApplyStatus(Resource resource, ObjectKey key, json status,
                                              async::BootTime deadline) const {
  json object = json::object();
  object["apiVersion"] = resource.ApiVersion();
  object["kind"] = resource.kind;
  object["metadata"]["name"] = key.name;
  if (resource.namespaced) object["metadata"]["namespace"] = key.ns;
  object["status"] = std::move(status);
  const std::string query = Query({{"fieldManager", options_.field_manager}, {"force", "true"}});
  Call call{.method = "PATCH",
            .path = WithQuery(resource.StatusPath(key.ns, key.name), query),
            .content_type = "application/apply-patch+yaml",
            .body = codec::Dump(object)};
  const absl::StatusOr<json> applied = co_await Write(std::move(call), deadline);
  if (applied.ok()) co_return absl::OkStatus();
  co_return Annotate(absl::StrCat("apply status of ", resource.plural, " ", key.ToString()), applied.status());
}

async::Task<absl::Status> Client::Delete(Resource resource, ObjectKey key, std::string uid,
                                         async::BootTime deadline) const {
  json options = json::object();
  options["apiVersion"] = "v1";
  options["kind"] = "DeleteOptions";
  options["propagationPolicy"] = "Background";
  if (!uid.empty()) options["preconditions"]["uid"] = std::move(uid);
  Call call{.method = "DELETE",
            .path = resource.ObjectPath(key.ns, key.name),
            .content_type = "application/json",
            .body = codec::Dump(options)};
  const absl::StatusOr<json> deleted = co_await Write(std::move(call), deadline);
  if (deleted.ok()) co_return absl::OkStatus();
  co_return Annotate(absl::StrCat("delete ", resource.plural, " ", key.ToString()), deleted.status());
}

}  // namespace ottoscale::kube
