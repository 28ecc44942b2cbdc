#include "pkg/kube/cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kube/cluster_transport.h"
#include "pkg/kube/small_file.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {
namespace {

constexpr size_t kMaxVersionBytes = size_t{64} << 10;

using Done = std::function<void(absl::StatusOr<ProcessResult>)>;

// Brings the result of a process to the loop, unless it has been destroyed by then.
class LoopHandle final : public ProcessHandle {
 public:
  LoopHandle(std::shared_ptr<Done> done, std::unique_ptr<ProcessHandle> process)
      : done_(std::move(done)), process_(std::move(process)) {}
  ~LoopHandle() override { *done_ = nullptr; }

 private:
  std::shared_ptr<Done> done_;  // the loop's
  std::unique_ptr<ProcessHandle> process_;
};

std::unique_ptr<ProcessHandle> RunOn(async::Loop& loop, async::BlockingPool& pool, ProcessCall call, Done done) {
  auto shared = std::make_shared<Done>(std::move(done));
  auto process =
      StartProcess(pool, std::move(call), [shared, mailbox = loop.mailbox()](absl::StatusOr<ProcessResult> result) {
        mailbox->Post([shared, result = std::move(result)]() mutable {
          if (const Done last = std::exchange(*shared, nullptr)) last(std::move(result));
        });
      });
  return std::make_unique<LoopHandle>(std::move(shared), std::move(process));
}

Machine RealMachine(async::Loop& loop, async::BlockingPool& pool) {
  return {.read =
              [&loop, &pool](std::string path) {
                return pool.Run<std::string>(loop, [path = std::move(path)] { return ReadSmallFile(path); });
              },
          .run = [&loop, &pool](ProcessCall call,
                                Done done) { return RunOn(loop, pool, std::move(call), std::move(done)); }};
}

}  // namespace

std::unique_ptr<http::Transport> MakeClusterTransport(async::AsioLoop& loop, async::BlockingPool& pool,
                                                      ClusterConfig config, ClusterOptions options) {
  http::CloudOptions cloud{.user_agent = options.user_agent, .proxy = config.proxy_url, .resolver = options.resolver};
  auto connect = [&loop, &pool, cloud = std::move(cloud)](const http::TlsOptions& tls) {
    http::CloudOptions with = cloud;
    with.tls = tls;
    return http::MakeCloudTransport(loop, pool, std::move(with));
  };
  return std::make_unique<ClusterTransport>(loop, std::move(config), std::move(options), RealMachine(loop, pool),
                                            std::move(connect));
}

async::Task<absl::StatusOr<std::string>> CheckCluster(http::Transport& transport, ClusterConfig config,
                                                      async::BootTime deadline) {
  async::Loop& loop = (co_await async::CurrentContext()).loop();
  http::Request request{.url = absl::StrCat(config.server, "/version"), .max_body_bytes = kMaxVersionBytes};
  request.headers.Add("Accept", "application/json");
  absl::StatusOr<http::Response> response = co_await transport.Send(std::move(request), deadline);
  if (!response.ok()) co_return Explain(config, response.status(), loop.Now().wall);
  const std::string retry_after = response->headers.Get("Retry-After").value_or("");
  const absl::StatusOr<std::string> text = co_await http::ReadAll(std::move(response->body), kMaxVersionBytes);
  if (!text.ok()) co_return Explain(config, text.status(), loop.Now().wall);
  if (response->status == 403) co_return "unknown";  // it knows us, and does not tell everybody its version
  if (response->status != 200) {
    const kubeapi::ApiError error = kubeapi::ApiErrorFromAnswer(response->status, *text, retry_after);
    co_return Explain(config, Annotate("get /version", kubeapi::ToStatus(error)), loop.Now().wall);
  }
  const absl::StatusOr<nlohmann::json> answer = codec::ReadJson(*text);
  const std::string version = answer.ok() ? codec::StringOr(*answer, {"gitVersion"}, "") : "";
  if (!version.empty()) co_return version;
  co_return absl::UnavailableError(absl::StrCat(
      config.server, " answers, but not as a Kubernetes API server: check the ", "server of ", config.source));
}

std::string UserAgent(absl::string_view version, absl::string_view revision, absl::string_view part) {
#if defined(__aarch64__)
  constexpr char kPlatform[] = "linux/arm64";
#else
  constexpr char kPlatform[] = "linux/amd64";
#endif
  return absl::StrCat("ottoscale/", version, " (", kPlatform, ") ", revision, part.empty() ? "" : "/", part);
}

}  // namespace ottoscale::kube
