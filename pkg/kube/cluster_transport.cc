#include "pkg/kube/cluster_transport.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/base/status.h"
#include "pkg/http/body.h"
#include "pkg/http/check_request.h"

namespace ottoscale::kube {
namespace {

constexpr absl::Duration kFileAge = absl::Minutes(5);
constexpr absl::Duration kSoon = absl::Seconds(10);  // after trouble, and at most so often

// Why a request was not even begun: its own code, and the mark that nothing was sent.
absl::Status NotSent(absl::Status status) {
  if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) return http::FailureOfContext(status, false);
  http::MakeFailure({http::Failure::kConnect, false}, "")
      .ForEachPayload([&status](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

// The key of an extra as part of a header's name: what no name may hold, and '%', as %XX.
std::string HeaderKey(absl::string_view key) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : key) {
    if (c != '%' && http::IsToken(absl::string_view(&c, 1))) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

void Impersonate(const Impersonation& who, http::Headers& headers) {
  if (who.user.empty()) return;
  headers.Add("Impersonate-User", who.user);
  if (!who.uid.empty()) headers.Add("Impersonate-Uid", who.uid);
  for (const std::string& group : who.groups) headers.Add("Impersonate-Group", group);
  for (const Impersonation::Extra& extra : who.extra) {
    const std::string name = absl::StrCat("Impersonate-Extra-", HeaderKey(extra.key));
    for (const std::string& value : extra.values) headers.Add(name, value);
  }
}

}  // namespace

// Ends when its connections are replaced. The body dies before the transport that it came from.
class ClusterTransport::Stream final : public http::BodySource {
 public:
  Stream(std::shared_ptr<Connections> from, http::Body body) : from_(std::move(from)), body_(std::move(body)) {}

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    async::Context& outer = co_await async::CurrentContext();
    if (from_->replaced) co_return Replaced();
    async::Context inner(outer);
    const auto place = from_->reading.insert(from_->reading.end(), &inner);
    absl::StatusOr<std::optional<std::string>> chunk = co_await body_.source->Next().Under(inner);
    from_->reading.erase(place);
    if (!chunk.ok() && from_->replaced && !outer.cancelled()) co_return Replaced();
    co_return chunk;
  }

 private:
  static absl::Status Replaced() {
    return http::MakeFailure({http::Failure::kDisconnected, true}, "closed: there are newer certificates");
  }
  std::shared_ptr<Connections> from_;
  http::Body body_;
};

ClusterTransport::ClusterTransport(async::Loop& loop, ClusterConfig config, ClusterOptions options, Machine machine,
                                   Connect connect)
    : loop_(loop),
      config_(std::move(config)),
      options_(std::move(options)),
      machine_(std::move(machine)),
      connect_(std::move(connect)),
      credentials_(loop, config_, machine_, options_.on_trouble, options_.on_secret),
      tls_(config_.tls),
      looked_at_(loop.Now().boot),
      look_at_(looked_at_ + kFileAge) {}

void ClusterTransport::LookSoon() { look_at_ = std::min(look_at_, looked_at_ + kSoon); }

// Reads `file`, if there is one, into `pem`.
async::Task<absl::Status> ClusterTransport::Update(std::string file, absl::string_view what, std::string& pem) const {
  if (file.empty()) co_return absl::OkStatus();
  absl::StatusOr<std::string> text = co_await machine_.read(std::move(file));
  if (!text.ok()) co_return Annotate(what, text.status());
  pem = *std::move(text);
  co_return absl::OkStatus();
}

// Who comes meanwhile uses the old ones. Trouble with the files is no reason to give up what works.
async::Task<absl::Status> ClusterTransport::LookAtFiles() {
  const async::BootTime now = loop_.Now().boot;
  const bool files = !(config_.ca_file.empty() && config_.certificate_file.empty() && config_.key_file.empty());
  if (!files || now < look_at_) co_return absl::OkStatus();
  looked_at_ = now;
  look_at_ = now + kFileAge;
  const async::Context& context = co_await async::CurrentContext();
  http::TlsOptions found = tls_;
  std::string key(tls_.key_pem.Reveal());
  absl::Status status = co_await Update(config_.ca_file, "certificate authority", found.ca_pem);
  if (status.ok()) status = co_await Update(config_.certificate_file, "client certificate", found.certificate_pem);
  if (status.ok()) status = co_await Update(config_.key_file, "client key", key);
  found.key_pem = Secret(std::move(key));
  if (context.cancelled()) {
    look_at_ = now;
    co_return context.status();
  }
  // An authority that is empty for a moment must not become "all that the system trusts".
  if (status.ok() && found.ca_pem.empty() && !tls_.ca_pem.empty()) {
    status = absl::InvalidArgumentError("the certificate authority is empty");
  }
  if (status.ok()) status = http::CheckTls(found);
  if (!status.ok()) {
    look_at_ = now + kSoon;
    if (options_.on_trouble) options_.on_trouble(absl::StrCat("certificates are not renewed: ", status.message()));
    co_return absl::OkStatus();
  }
  if (found == tls_) co_return absl::OkStatus();
  if (options_.on_rotation) {
    options_.on_rotation(
        absl::StrCat(found.ca_pem != tls_.ca_pem ? "the certificate authority" : "the client certificate",
                     " has changed: connections are made anew"));
  }
  tls_ = std::move(found);
  ++tls_version_;
  co_return absl::OkStatus();
}

async::Task<absl::StatusOr<Credential>> ClusterTransport::Prepare() {
  CO_RETURN_IF_ERROR(co_await LookAtFiles());
  co_return co_await credentials_.Get();
}

std::shared_ptr<ClusterTransport::Connections> ClusterTransport::ConnectionsFor(const Credential& credential) {
  const bool own = !credential.certificate_pem.empty();
  const std::pair<uint64_t, uint64_t> version{tls_version_, own ? credential.version : 0};
  if (connections_ != nullptr && connections_->version == version) return connections_;
  http::TlsOptions tls = tls_;
  if (own) {
    tls.certificate_pem = credential.certificate_pem;
    tls.key_pem = credential.key_pem;
  }
  const auto old = std::exchange(connections_, std::make_shared<Connections>());
  connections_->transport = connect_(tls);
  connections_->version = version;
  if (old != nullptr) {
    old->replaced = true;
    for (async::Context* reading : old->reading) reading->Cancel(absl::CancelledError("there are newer certificates"));
  }
  return connections_;
}

http::Request ClusterTransport::Dressed(http::Request request, const Credential& credential) const {
  if (credential.secret) {
    request.credential_scheme = credential.scheme;
    request.credential = credential.secret;
  }
  Impersonate(config_.impersonate, request.headers);
  return request;
}

async::Task<absl::StatusOr<http::Response>> ClusterTransport::Send(http::Request request, async::BootTime deadline) {
  for (bool first = true;; first = false) {
    const absl::StatusOr<Credential> credential = co_await async::WithDeadline(deadline, Prepare());
    if (!credential.ok()) co_return NotSent(credential.status());
    const std::shared_ptr<Connections> connections = ConnectionsFor(*credential);
    absl::StatusOr<http::Response> response =
        co_await connections->transport->Send(Dressed(request, *credential), deadline);
    if (!response.ok()) {
      if (http::FailureOf(response.status()).kind == http::Failure::kTls) LookSoon();
      co_return response;
    }
    if (response->status == 401) LookSoon();
    if (response->status == 401 && first && credentials_.Refused(credential->version)) {
      const absl::StatusOr<Credential> newer = co_await async::WithDeadline(deadline, credentials_.Get());
      if (newer.ok() && newer->version != credential->version) continue;
    }
    if (response->body.source != nullptr) {
      response->body = http::Body(std::make_unique<Stream>(connections, std::move(response->body)));
    }
    co_return response;
  }
}

}  // namespace ottoscale::kube
