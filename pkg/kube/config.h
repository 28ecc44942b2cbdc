// How to reach a cluster: from kubeconfig files or from the service account of the pod, as kubectl and client-go read
// them. Everything that these may say is either honoured or refused in one sentence; what is merely unknown is left in
// `notes`. Called once, at the start, before the loop runs: it reads files. pkg/kube/cluster.h talks to what it names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/base/secret.h"
#include "pkg/http/client.h"

namespace ottoscale::kube {

// A program that prints a credential (client.authentication.k8s.io).
struct ExecPlugin {
  std::string api_version;
  std::string command;  // a path, or a name to look up in PATH
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE: ours, with what the kubeconfig adds; later ones win
  std::string install_hint;
  std::string cluster_info;  // JSON of spec.cluster for the program; "" when it is not to be told
  bool operator==(const ExecPlugin&) const = default;
};

// Act as somebody else; "" and empty: as ourselves.
struct Impersonation {
  struct Extra {
    std::string key;
    std::vector<std::string> values;
    bool operator==(const Extra&) const = default;
  };
  std::string user;
  std::string uid;
  std::vector<std::string> groups;
  std::vector<Extra> extra;
  bool operator==(const Impersonation&) const = default;
};

struct BasicAuth {
  std::string username;
  Secret password;
  bool operator==(const BasicAuth&) const = default;
};

struct ClusterConfig {
  std::string
      server;      // "https://10.0.0.1:443", IPv6 hosts in brackets; with the path prefix, if any, without "/" behind
  std::string ns;  // of the context, or of the service account; else "default"
  std::string source;  // for messages: "/home/x/.kube/config, context 'kind'", "the pod's service account"
  std::string user;    // for messages: "user 'kind-admin'", "the service account"

  http::TlsOptions tls;  // as read at the start
  // The files behind it, which are read again while we run; "" when the data stood in the kubeconfig itself.
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;

  // At most one of these, in this order of precedence; none: the client certificate, or nobody in particular.
  std::string token_file;       // read again every minute
  std::optional<Secret> token;  // as it stood in the file, or in token_file at the start
  std::optional<BasicAuth> basic;
  std::optional<ExecPlugin> exec;

  Impersonation impersonate;
  std::string proxy_url;           // "http://10.0.0.9:3128"
  std::vector<std::string> notes;  // worth a warning each: unknown fields, missing files of a list
  bool operator==(const ClusterConfig&) const = default;
};

// What main read of the process, so that nothing here does.
struct ConfigSources {
  std::string kubeconfig_flag;  // --kubeconfig
  std::string context;          // --context; "": the current one of the kubeconfig
  std::string kubeconfig_env;   // KUBECONFIG: files, with ':' between
  std::string home;             // HOME
  std::string service_host;     // KUBERNETES_SERVICE_HOST and _PORT: set in a pod
  std::string service_port;
  std::string service_account_dir = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::vector<std::string> environment;  // NAME=VALUE of this process, for exec plugins
};

// The first of these that is there: the file of the flag, the files of KUBECONFIG (of each entry, the first file that
// has it wins whole), the service account (unless a context is asked for), HOME/.kube/config. Errors: NotFound where
// something named is not there (no kubeconfig at all, a file, a context, the cluster or user of a context);
// InvalidArgument for everything that cannot be meant, in a file with its place: "FILE:LINE:COLUMN: users[0].user:
// ...".
absl::StatusOr<ClusterConfig> LoadClusterConfig(const ConfigSources& sources);

}  // namespace ottoscale::kube
