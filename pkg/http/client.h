// The two transport profiles. Each is one library behind the Transport seam; both pass test/contracts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/base/secret.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

// Answers with the addresses of a name (numeric, IPv6 without brackets). Runs on a pool thread and may block.
using Resolver = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;
// getaddrinfo.
Resolver SystemResolver();

// Who the other side must be, and who we are to it.
struct TlsOptions {
  std::string ca_pem;           // the authorities to trust, and no others; empty: those of `ca_file`
  std::string certificate_pem;  // ours, its chain behind it; empty: none
  Secret key_pem;               // of that certificate
  std::string server_name;      // a DNS name to ask for and to verify instead of the URL's host, also sent as Host
  bool insecure = false;        // encrypt, but believe anybody
  bool operator==(const TlsOptions&) const = default;
};
// InvalidArgument when the PEM texts hold nothing usable, or the key is not the certificate's: "the client key does not
// belong to the client certificate".
absl::Status CheckTls(const TlsOptions& options);

struct CloudOptions {
  std::string user_agent = "ottoscale";
  std::string ca_file;  // PEM; empty: the system's bundle
  TlsOptions tls;
  std::string proxy;  // "http://host:3128": all connections go through it (CONNECT), which also resolves the names
  absl::Duration connect_timeout = absl::Seconds(5);
  size_t threads = 2;  // of cpprestsdk's pool: the first transport of the process decides
  Resolver resolver;   // null: SystemResolver()
};
// Clouds and Kubernetes: carries credentials, keeps connections alive, never follows redirects, ignores proxy
// variables. `loop` and `pool` outlive it. At most one for each set of authorities; all share the library's threads,
// whose number the first one sets.
std::unique_ptr<Transport> MakeCloudTransport(async::AsioLoop& loop, async::BlockingPool& pool, CloudOptions options);

struct ProbeOptions {
  std::string user_agent = "ottoscale";
  std::string ca_file;
  std::vector<std::string> allow_cidrs;  // beyond the public address space: "127.0.0.0/8"
  std::vector<uint16_t> allow_ports;     // beyond 80 and 443; with allow_cidrs set, any port within those ranges
  size_t max_header_bytes = 16 * 1024;
  Resolver resolver;
};
// URLs that tenants name: no credentials, a fresh connection each, the resolved address is filtered and is the one that
// is connected, caps on headers and body.
absl::StatusOr<std::unique_ptr<Transport>> MakeProbeTransport(async::AsioLoop& loop, async::BlockingPool& pool,
                                                              ProbeOptions options);

}  // namespace ottoscale::http
