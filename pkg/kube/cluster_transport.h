// The Transport of pkg/kube/cluster.h, over whatever machine it is given.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/kube/cluster.h"
#include "pkg/kube/credentials.h"

namespace ottoscale::kube {

class ClusterTransport final : public http::Transport {
 public:
  using Connect = std::function<std::unique_ptr<http::Transport>(const http::TlsOptions& tls)>;
  ClusterTransport(async::Loop& loop, ClusterConfig config, ClusterOptions options, Machine machine, Connect connect);

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override;

 private:
  // The connections that were made with one certificate authority and one client certificate.
  struct Connections {
    std::unique_ptr<http::Transport> transport;
    std::pair<uint64_t, uint64_t> version;
    bool replaced = false;
    std::list<async::Context*> reading;  // streams whose next chunk is awaited
  };
  class Stream;

  async::Task<absl::StatusOr<Credential>> Prepare();
  async::Task<absl::Status> LookAtFiles();
  async::Task<absl::Status> Update(std::string file, absl::string_view what, std::string& pem) const;
  std::shared_ptr<Connections> ConnectionsFor(const Credential& credential);
  http::Request Dressed(http::Request request, const Credential& credential) const;
  void LookSoon();

  async::Loop& loop_;
  const ClusterConfig config_;
  const ClusterOptions options_;
  const Machine machine_;
  const Connect connect_;
  Credentials credentials_;
  http::TlsOptions tls_;
  uint64_t tls_version_ = 0;
  async::BootTime looked_at_;
  async::BootTime look_at_;
  std::shared_ptr<Connections> connections_;
};

}  // namespace ottoscale::kube
