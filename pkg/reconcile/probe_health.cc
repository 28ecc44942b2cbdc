#include "pkg/reconcile/probe_health.h"

#include "pkg/codec/json.h"
#include "pkg/http/http.h"

namespace ottoscale::reconcile {
namespace {

constexpr absl::Duration kSweep = absl::Seconds(10);

// "" where there is none.
std::string HostOf(const policy::ProviderConfig& source) {
  const auto config = codec::ReadJson(source.json);
  if (!config.ok()) return "";
  const auto text = codec::GetString(*config, "url");
  if (!text.ok()) return "";
  const auto url = http::ParseUrl(*text);
  return url.ok() ? url->host : "";
}

}  // namespace

void ProbeHealth::Report(const policy::ProviderConfig& source, const decision::Sample& sample, async::BootTime now) {
  if (source.type != "HTTPHeartbeat" || sample.missing == decision::MissingReason::kNotRead) return;
  const std::string name = HostOf(source);
  if (name.empty()) return;
  Host& host = hosts_[name];
  if (host.failed) --failed_;
  host = {.failed = sample.missing == decision::MissingReason::kProbeFailed, .at = now};
  if (host.failed) ++failed_;
}

bool ProbeHealth::Suspect(async::BootTime now) {
  ForgetOld(now);
  return failed_ >= kFewestFailures && failed_ * 2 > hosts_.size();
}

// Now and then, so that a pass costs nothing with thousands of hosts.
void ProbeHealth::ForgetOld(async::BootTime now) {
  if (now - forgotten_at_ < kSweep) return;
  forgotten_at_ = now;
  std::erase_if(hosts_, [&](const auto& entry) {
    const bool old = now - entry.second.at > kRemembered;
    if (old && entry.second.failed) --failed_;
    return old;
  });
}

}  // namespace ottoscale::reconcile
