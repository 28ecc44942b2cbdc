#include "pkg/kube/credentials.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/http/check_request.h"
#include "pkg/kubeapi/base64.h"

namespace ottoscale::kube {
namespace {

constexpr absl::Duration kTokenAge = absl::Seconds(50);    // a minute, with a leeway of 10 s
constexpr absl::Duration kFileRetry = absl::Seconds(5);    // after it could not be read
constexpr absl::Duration kPluginLimit = absl::Minutes(1);  // of one run
constexpr absl::Duration kPluginPause = absl::Seconds(5);  // between a run and one that a failure or a 401 asks for

Secret BasicText(const BasicAuth& basic) {
  return Secret(kubeapi::EncodeBase64(absl::StrCat(basic.username, ":", basic.password.Reveal())));
}

}  // namespace

Credentials::Credentials(async::Loop& loop, const ClusterConfig& config, Machine machine,
                         std::function<void(absl::string_view)> on_trouble,
                         std::function<void(const Secret&)> on_secret)
    : loop_(loop),
      config_(config),
      machine_(std::move(machine)),
      on_trouble_(std::move(on_trouble)),
      on_secret_(std::move(on_secret)),
      read_at_(loop.Now().boot + kTokenAge) {
  if (config_.token) Take({.secret = config_.token});
  if (config_.basic && on_secret_) on_secret_(config_.basic->password);
  if (config_.basic) Take({.scheme = "Basic", .secret = BasicText(*config_.basic)});
}

Credentials::~Credentials() { loop_.CancelTimer(limit_); }

void Credentials::Take(Credential credential) {
  if (credential.secret && on_secret_) on_secret_(*credential.secret);
  credential.version = current_.version + 1;
  current_ = std::move(credential);
}

async::Task<absl::StatusOr<Credential>> Credentials::Get() {
  if (config_.exec) CO_RETURN_IF_ERROR(co_await RunPlugin());
  if (!config_.token_file.empty()) CO_RETURN_IF_ERROR(co_await ReadTokenFile());
  co_return current_;
}

bool Credentials::Refused(uint64_t version) {
  if (version != current_.version) return true;
  const async::BootTime now = loop_.Now().boot;
  if (!config_.token_file.empty()) {
    read_at_ = now;
    return true;
  }
  if (!config_.exec || now < retry_at_) return false;
  expires_ = absl::InfinitePast();
  return true;
}

// Who comes while it is being read uses the old token.
async::Task<absl::Status> Credentials::ReadTokenFile() {
  const async::BootTime now = loop_.Now().boot;
  if (now < read_at_) co_return absl::OkStatus();
  read_at_ = now + kTokenAge;
  const async::Context& context = co_await async::CurrentContext();
  const absl::StatusOr<std::string> text = co_await machine_.read(config_.token_file);
  if (!text.ok() && context.cancelled()) {
    read_at_ = now;
    co_return context.status();
  }
  const Secret token(text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "");
  if (http::IsCredential(token.Reveal())) {
    if (current_.secret != token) Take({.secret = token});
    co_return absl::OkStatus();
  }
  read_at_ = now + kFileRetry;
  if (on_trouble_) {
    on_trouble_(absl::StrCat(
        "the token is not renewed: ",
        text.ok() ? absl::StrCat(config_.token_file, ": is empty or no token") : std::string(text.status().message())));
  }
  co_return absl::OkStatus();
}

async::Task<absl::Status> Credentials::RunPlugin() {
  const async::Instant now = loop_.Now();
  if (now.wall < expires_) co_return absl::OkStatus();
  if (!failure_.ok() && now.boot < retry_at_) co_return failure_;
  const async::Promise<void> ended(loop_);
  waiting_.push_back(ended);
  if (running_ == nullptr) {
    limit_ = loop_.RunAt(now.boot + kPluginLimit,
                         [this] { PluginEnded(absl::DeadlineExceededError("it did not end within a minute")); });
    running_ = machine_.run(CallOf(*config_.exec),
                            [this](absl::StatusOr<ProcessResult> result) { PluginEnded(std::move(result)); });
  }
  co_return co_await ended.GetFuture();
}

void Credentials::PluginEnded(absl::StatusOr<ProcessResult> result) {
  loop_.CancelTimer(limit_);
  running_.reset();
  retry_at_ = loop_.Now().boot + kPluginPause;
  absl::StatusOr<PluginCredential> answer = ReadPluginAnswer(*config_.exec, std::move(result));
  failure_ = answer.status();
  if (answer.ok()) {
    expires_ = answer->expires;
    Take({.secret = std::move(answer->token),
          .certificate_pem = std::move(answer->certificate_pem),
          .key_pem = std::move(answer->key_pem)});
  }
  for (const async::Promise<void>& waiting : std::exchange(waiting_, {})) waiting.Set(failure_);
}

}  // namespace ottoscale::kube
