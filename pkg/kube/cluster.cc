#include "pkg/kube/cluster.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kube/cluster_transport.h"
#include "pkg/kube/small_file.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {
namespace {

constexpr size_t kMaxAnswerBytes = size_t{64} << 10;

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

struct Answer {
  int status = 0;
  std::string text;
  absl::Status error;  // of a status that is no success
};

async::Task<absl::StatusOr<Answer>> Ask(http::Transport& transport, http::Request request, async::BootTime deadline) {
  request.headers.Add("Accept", "application/json");
  request.max_body_bytes = kMaxAnswerBytes;
  CO_ASSIGN_OR_RETURN(http::Response response, co_await transport.Send(std::move(request), deadline));
  const std::string retry_after = response.headers.Get("Retry-After").value_or("");
  CO_ASSIGN_OR_RETURN(std::string text, co_await http::ReadAll(std::move(response.body), kMaxAnswerBytes));
  Answer answer{.status = response.status, .text = std::move(text)};
  if (answer.status < 200 || answer.status > 299) {
    answer.error = kubeapi::ToStatus(kubeapi::ApiErrorFromAnswer(answer.status, answer.text, retry_after));
  }
  co_return answer;
}

// "" of a server of something else.
async::Task<absl::StatusOr<std::string>> AskVersion(http::Transport& transport, const ClusterConfig& config,
                                                    async::BootTime deadline) {
  CO_ASSIGN_OR_RETURN(const Answer answer,
                      co_await Ask(transport, {.url = absl::StrCat(config.server, "/version")}, deadline));
  if (answer.status == 403) co_return "unknown";  // it does not tell everybody
  if (!answer.error.ok()) co_return Annotate("get /version", answer.error);
  const absl::StatusOr<nlohmann::json> body = codec::ReadJson(answer.text);
  co_return body.ok() ? codec::StringOr(*body, {"gitVersion"}, "") : "";
}

bool HasCredential(const ClusterConfig& config) {
  return config.token || config.basic || config.exec || !config.tls.certificate_pem.empty();
}

// The error of somebody whom the server does not know. Servers that cannot be asked (before Kubernetes 1.28) know us.
async::Task<absl::Status> AskWhoWeAre(http::Transport& transport, const ClusterConfig& config,
                                      async::BootTime deadline) {
  http::Request request{.method = "POST",
                        .url = absl::StrCat(config.server, "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
                        .body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})"};
  request.headers.Add("Content-Type", "application/json");
  CO_ASSIGN_OR_RETURN(const Answer answer, co_await Ask(transport, std::move(request), deadline));
  if (answer.status == 401 || (answer.status == 403 && absl::StrContains(answer.text, "system:anonymous"))) {
    co_return Annotate("create selfsubjectreviews", answer.error);
  }
  co_return absl::OkStatus();
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
  const absl::StatusOr<std::string> version = co_await AskVersion(transport, config, deadline);
  if (!version.ok()) co_return Explain(config, version.status(), loop.Now().wall);
  if (version->empty()) {
    co_return absl::UnavailableError(absl::StrCat(
        config.server, " answers, but not as a Kubernetes API server: check the server of ", config.source));
  }
  if (!HasCredential(config)) co_return version;
  const absl::Status known = co_await AskWhoWeAre(transport, config, deadline);
  if (!known.ok()) co_return Explain(config, known, loop.Now().wall);
  co_return version;
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
