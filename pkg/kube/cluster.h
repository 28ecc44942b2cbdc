// The way to one API server: a Transport that presents the credentials of a ClusterConfig and keeps them fresh, so that
// whatever stands on top (Client, leader election) knows nothing of them.
//
//   what            kept fresh
//   token file      read again when a minute old, and after a 401; while it cannot be read the old token is used
//   exec plugin     run when its credential has expired, and after a 401; one run at a time, requests wait for it
//   CA, client      their files are looked at again when five minutes old, and after a failed handshake; when they have
//   certificate     changed, new connections are made with the new ones and all old ones are closed, streams included
//
// A 401 is answered once with a newer credential when there is one: nothing has happened yet, so this holds for writes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/http/client.h"
#include "pkg/http/http.h"
#include "pkg/kube/config.h"

namespace ottoscale::kube {

struct ClusterOptions {
  std::string user_agent = "ottoscale";                // of requests that do not set one
  std::function<void(const Secret&)> on_secret;        // told each credential before it is used; may be null
  std::function<void(absl::string_view)> on_trouble;   // worth a warning: a file that cannot be read, a failed plugin
  std::function<void(absl::string_view)> on_rotation;  // worth an information: "the certificate authority changed"
  http::Resolver resolver;                             // null: the system's
};

// `loop` and `pool` outlive it. Destroy it after everything that was asked through it has ended.
std::unique_ptr<http::Transport> MakeClusterTransport(async::AsioLoop& loop, async::BlockingPool& pool,
                                                      ClusterConfig config, ClusterOptions options);

// Asks the server for its version ("v1.36.0"), and whether it knows us when we have a credential: to a wrong password
// it does not answer 401 but takes us for nobody in particular. An error is explained as below.
async::Task<absl::StatusOr<std::string>> CheckCluster(http::Transport& transport, ClusterConfig config,
                                                      async::BootTime deadline);

// An error of any request to the cluster as one sentence that says what is wrong with the configuration and what to do,
// where that can be told: certificates, credentials, names, rights. Codes afterwards: Unavailable (cannot reach, not
// trusted: TLS), Unauthenticated (401, plugin, 403 for nobody in particular), PermissionDenied (403); others as they
// are. Payloads are kept.
absl::Status Explain(const ClusterConfig& config, const absl::Status& status, absl::Time now);

// "ottoscale/0.1.0 (linux/amd64) 9564bef", with "/leader-election" behind it when `part` says so.
std::string UserAgent(absl::string_view version, absl::string_view revision, absl::string_view part = "");

}  // namespace ottoscale::kube
