#include "pkg/kube/config.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pkg/kube/temporary_folder.h"
#include "pkg/kubeapi/base64.h"
#include "test/contracts/tls.h"

namespace ottoscale::kube {
namespace {

using contracts::Identity;
using contracts::KeyPemOf;
using contracts::MakeIdentity;
using contracts::PemOf;
using Strings = std::vector<std::string>;

constexpr char kFrame[] = R"(apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: here, user: me, namespace: shop}
clusters:
- name: here
  cluster: {CLUSTER}
users:
- name: me
  user: {USER}
)";

struct Folder : TemporaryFolder {
  // A kubeconfig with this cluster and user, and how to find it.
  ConfigSources With(const std::string& cluster, const std::string& user) const {
    Write("config", absl::StrReplaceAll(kFrame, {{"{CLUSTER}", cluster}, {"{USER}", user}}));
    return {.kubeconfig_flag = At("config")};
  }
  absl::StatusOr<ClusterConfig> Load(const std::string& cluster, const std::string& user) const {
    return LoadClusterConfig(With(cluster, user));
  }
  // The message of the error, with the folder's path left out.
  std::string Error(const absl::StatusOr<ClusterConfig>& config) const {
    return absl::StrReplaceAll(config.status().message(), {{path(), ""}});
  }
};

const std::string kServer = "{server: 'https://10.0.0.1:6443'}";

struct Pki {
  Identity ca = MakeIdentity({}, nullptr);
  Identity client = MakeIdentity({.names = "DNS:me"}, &ca);
  std::string ca_pem = PemOf(ca);
  std::string certificate = PemOf(client);
  std::string key = KeyPemOf(client);
};
const Pki& ThePki() {
  static const Pki pki;
  return pki;
}

// ------------------------------------------------------------------------------------------------ cluster

TEST(Kubeconfig, ReadsACluster) {
  const Folder folder;
  const Pki& pki = ThePki();
  folder.Write("pki/ca.crt", pki.ca_pem);
  const auto config = folder.Load(
      "{server: 'https://api.test/k8s/', certificate-authority: pki/ca.crt, tls-server-name: api.internal, "
      "proxy-url: 'http://10.0.0.9:3128', disable-compression: true, extensions: []}",
      "{token: abc}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://api.test/k8s");
  EXPECT_EQ(config->ns, "shop");
  EXPECT_EQ(config->source, absl::StrCat(folder.At("config"), ", context 'dev'"));
  EXPECT_EQ(config->user, "user 'me'");
  EXPECT_EQ(config->tls.ca_pem, pki.ca_pem);
  EXPECT_EQ(config->ca_file, folder.At("pki/ca.crt"));
  EXPECT_EQ(config->tls.server_name, "api.internal");
  EXPECT_EQ(config->proxy_url, "http://10.0.0.9:3128");
  EXPECT_EQ(config->token, Secret("abc"));
  EXPECT_EQ(config->notes, Strings{});
}

TEST(Kubeconfig, DataBeatsTheFile) {
  const Folder folder;
  const Pki& pki = ThePki();
  const auto b64 = [](const std::string& text) { return kubeapi::EncodeBase64(text); };
  const auto config = folder.Load(
      absl::StrCat(
          "{server: 'https://a', certificate-authority: /nowhere, certificate-authority-data: ", b64(pki.ca_pem), "}"),
      absl::StrCat("{client-certificate: /nowhere, client-key: /nowhere, client-certificate-data: ",
                   b64(pki.certificate), ", client-key-data: ", b64(pki.key), "}"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls.ca_pem, pki.ca_pem);
  EXPECT_EQ(config->ca_file, "");
  EXPECT_EQ(config->tls.certificate_pem, pki.certificate);
  EXPECT_EQ(config->tls.key_pem, Secret(pki.key));
  EXPECT_EQ(config->certificate_file, "");
  EXPECT_EQ(config->key_file, "");
}

TEST(Kubeconfig, ServersAreWrittenInManyWays) {
  const Folder folder;
  const struct {
    const char* cluster;
    const char* server;
  } rows[] = {
      {"{server: 'https://[fd00::1]:6443'}", "https://[fd00::1]:6443"},
      {"{server: 'https://a:443/'}", "https://a"},
      {"{server: 'localhost:8080'}", "http://localhost:8080"},
      {"{server: 'a:6443', insecure-skip-tls-verify: true}", "https://a:6443"},
  };
  for (const auto& row : rows) {
    const auto config = folder.Load(row.cluster, "{}");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->server, row.server);
  }
}

TEST(Kubeconfig, OverPlainHttpNoCredentialIsSent) {
  const Folder folder;
  const auto config = folder.Load("{server: 'http://a:8080'}", "{token: abc}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token, std::nullopt);
  EXPECT_EQ(config->notes, Strings{"http://a:8080 is not encrypted: the credentials of user 'me' are not sent to it"});
}

// ------------------------------------------------------------------------------------------------ user

TEST(Kubeconfig, ReadsWhoIAm) {
  const Folder folder;
  const Pki& pki = ThePki();
  folder.Write("me.crt", pki.certificate);
  folder.Write("me.key", pki.key);
  folder.Write("token", "fresh\n");
  const auto config = folder.Load(kServer,
                                  "{client-certificate: me.crt, client-key: ./me.key, token: stale, tokenFile: token, "
                                  "as: boss, as-uid: '7', as-groups: [a, 'b,c'], as-user-extra: {'ex.org/x': [y, z]}}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls.certificate_pem, pki.certificate);
  EXPECT_EQ(config->certificate_file, folder.At("me.crt"));
  EXPECT_EQ(config->key_file, folder.At("me.key"));
  EXPECT_EQ(config->token, Secret("fresh"));
  EXPECT_EQ(config->token_file, folder.At("token"));
  const Impersonation expected{.user = "boss", .uid = "7", .groups = {"a", "b,c"}, .extra = {{"ex.org/x", {"y", "z"}}}};
  EXPECT_EQ(config->impersonate, expected);
}

TEST(Kubeconfig, AnUnreadableTokenFileLeavesTheToken) {
  const Folder folder;
  const auto config = folder.Load(kServer, "{token: abc, tokenFile: gone}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token, Secret("abc"));
  EXPECT_EQ(config->token_file, folder.At("gone"));
  ASSERT_EQ(config->notes.size(), 1u);
  EXPECT_TRUE(absl::StrContains(config->notes[0], "No such file")) << config->notes[0];
}

TEST(Kubeconfig, ReadsAPlugin) {
  const Folder folder;
  ConfigSources sources = folder.With(
      "{server: 'https://a', tls-server-name: b, insecure-skip-tls-verify: true, "
      "extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]}",
      "{exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/get-token, args: [--for, me], "
      "env: [{name: PROFILE, value: dev}], installHint: ' see the wiki ', provideClusterInfo: true, "
      "interactiveMode: IfAvailable}}");
  sources.environment = {"PATH=/bin", "PROFILE=other"};
  const auto config = LoadClusterConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  const ExecPlugin expected{
      .api_version = "client.authentication.k8s.io/v1",
      .command = folder.At("bin/get-token"),
      .arguments = {"--for", "me"},
      .environment = {"PATH=/bin", "PROFILE=other", "PROFILE=dev"},
      .install_hint = "see the wiki",
      .cluster_info =
          R"({"config":{"audience":"x"},"insecure-skip-tls-verify":true,"server":"https://a","tls-server-name":"b"})"};
  EXPECT_EQ(config->exec, expected);
}

TEST(Kubeconfig, ACommandWithoutASlashIsLookedUpInThePath) {
  const Folder folder;
  const auto config = folder.Load(
      kServer, "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, interactiveMode: Never}}");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->exec->command, "aws");
  EXPECT_EQ(config->exec->cluster_info, "");
}

TEST(Kubeconfig, UnknownFieldsAreNoted) {
  const Folder folder;
  const auto config = folder.Load("{server: 'https://a', tls-server-nam: b}", "{tokn: abc}");
  ASSERT_TRUE(config.ok()) << config.status();
  const Strings expected = {
      absl::StrCat(folder.At("config"),
                   ":9:34: clusters[0].cluster.tls-server-nam: is an unknown field, did you mean "
                   "`tls-server-name`? (ignored)"),
      absl::StrCat(folder.At("config"),
                   ":12:10: users[0].user.tokn: is an unknown field, did you mean `token`? (ignored)")};
  EXPECT_EQ(config->notes, expected);
}

TEST(Kubeconfig, WhatCannotBeMeantIsRefusedWithItsPlace) {
  const Folder folder;
  folder.Write("empty", "");
  folder.Write("bad.pem", "hello");
  const Pki& pki = ThePki();
  const Pki other;
  folder.Write("me.crt", pki.certificate);
  folder.Write("other.key", other.key);
  folder.Write("multi", "a\nb");
  const std::string exec = "apiVersion: client.authentication.k8s.io/v1, command: x";
  const struct {
    std::string cluster;
    std::string user;
    std::string why;
  } rows[] = {
      {"{}", "{}", "/config:9:3: clusters[0].cluster.server: is required: the URL of the API server"},
      {"{server: ''}", "{}", "/config:9:21: clusters[0].cluster.server: must not be empty"},
      {"{server: 'ftp://a'}", "{}",
       "/config:9:21: clusters[0].cluster.server: scheme 'ftp' is not supported: use https or http"},
      {"{server: 'https://a?b'}", "{}", "/config:9:21: clusters[0].cluster.server: must have no query"},
      {"{server: 'https://me:pw@a'}", "{}",
       "/config:9:21: clusters[0].cluster.server: a URL must not carry a user name or password ('@')"},
      {"{server: 'https://a', certificate-authority: gone}", "{}",
       "/config:9:57: clusters[0].cluster.certificate-authority: cannot be read: /gone: No such file or directory"},
      {"{server: 'https://a', certificate-authority: empty}", "{}",
       "/config:9:57: clusters[0].cluster.certificate-authority: /empty is empty"},
      {"{server: 'https://a', certificate-authority-data: '%'}", "{}",
       "/config:9:62: clusters[0].cluster.certificate-authority-data: must be PEM in base64"},
      {"{server: 'https://a', certificate-authority: bad.pem}", "{}",
       "/config, context 'dev', user 'me': the certificate authority holds no PEM certificate"},
      {"{server: 'https://a', certificate-authority: me.crt, insecure-skip-tls-verify: true}", "{}",
       "/config:9:91: clusters[0].cluster.insecure-skip-tls-verify: must not be set together with a certificate "
       "authority"},
      {"{server: 'https://a', tls-server-name: 'b:1'}", "{}",
       "/config:9:51: clusters[0].cluster.tls-server-name: must be a host name"},
      {"{server: 'https://a', proxy-url: 'socks5://b:1'}", "{}",
       "/config:9:45: clusters[0].cluster.proxy-url: must be http://HOST:PORT: proxies over https or SOCKS, and those "
       "that want a password, are not supported"},
      {kServer, "{token: 7}", "/config:12:17: users[0].user.token: must be a string: quote it"},
      {kServer, "{token: 'a b'}",
       "/config:12:17: users[0].user.token: must be a token: it is empty or has a space, a line break or another odd "
       "byte"},
      {kServer, "{tokenFile: gone}",
       "/config:12:21: users[0].user.tokenFile: cannot be read: /gone: No such file or directory"},
      {kServer, "{tokenFile: multi}",
       "/config:12:21: users[0].user.tokenFile: must be a token: it is empty or has a space, a line break or another "
       "odd byte"},
      {kServer, "{token: a, username: b, password: c}",
       "/config:12:30: users[0].user.username: must not be set together with a token: one way to log in"},
      {kServer, "{password: c}", "/config:12:9: users[0].user.username: is required with a password"},
      {kServer, "{client-certificate: me.crt}",
       "/config:12:9: users[0].user.client-key: is required: a certificate and its key belong together"},
      {kServer, "{client-certificate: me.crt, client-key: other.key}",
       "/config, context 'dev', user 'me': the client key does not belong to the client certificate"},
      {kServer, "{as-groups: [a]}",
       "/config:12:9: users[0].user.as: is required with as-uid, as-groups and as-user-extra"},
      {kServer, "{auth-provider: {name: gcp}}",
       "/config:12:25: users[0].user.auth-provider: 'gcp' was removed from Kubernetes clients: use `exec` with "
       "gke-gcloud-auth-plugin"},
      {kServer, "{auth-provider: {name: other}}",
       "/config:12:25: users[0].user.auth-provider: 'other' was removed from Kubernetes clients: use `exec` with a "
       "plugin of your provider"},
      {kServer, absl::StrCat("{exec: {", exec, "}}"),
       "/config:12:10: users[0].user.exec.interactiveMode: is required: Never, IfAvailable or Always"},
      {kServer, absl::StrCat("{exec: {", exec, ", interactiveMode: Always}}"),
       "/config:12:91: users[0].user.exec.interactiveMode: is Always, but an operator has no terminal: use a plugin "
       "that asks nothing"},
      {kServer, "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
       "/config:12:29: users[0].user.exec.apiVersion: must be 'client.authentication.k8s.io/v1' or "
       "'client.authentication.k8s.io/v1beta1', found 'client.authentication.k8s.io/v1alpha1', did you mean "
       "'client.authentication.k8s.io/v1beta1'?"},
  };
  for (const auto& row : rows) {
    const auto config = folder.Load(row.cluster, row.user);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << row.why;
    EXPECT_EQ(folder.Error(config), row.why);
  }
}

TEST(Kubeconfig, WhatIsNamedAndMissingIsNotFound) {
  const Folder folder;
  const std::string ok = absl::StrReplaceAll(kFrame, {{"{CLUSTER}", kServer}, {"{USER}", "{}"}});
  const struct {
    std::string text;
    std::string context;
    std::string why;
  } rows[] = {
      {ok, "prod", "/config: there is no context 'prod': it has 'dev'"},
      {absl::StrReplaceAll(ok, {{"cluster: here", "cluster: there"}}), "",
       "context 'dev': /config: there is no cluster 'there': it has 'here'"},
      {absl::StrReplaceAll(ok, {{"user: me", "user: you"}}), "",
       "context 'dev': /config: there is no user 'you': it has 'me'"},
      {absl::StrReplaceAll(ok, {{"current-context: dev", "current-context: ''"}}), "",
       "/config: current-context is not set: name a context with --context, it has 'dev'"},
      {"", "", "the kubeconfig: current-context is not set: name a context with --context, it has none"},
  };
  for (const auto& row : rows) {
    folder.Write("config", row.text);
    const auto config = LoadClusterConfig({.kubeconfig_flag = folder.At("config"), .context = row.context});
    EXPECT_EQ(config.status().code(), absl::StatusCode::kNotFound) << row.why;
    EXPECT_EQ(folder.Error(config), row.why);
  }
}

TEST(Kubeconfig, FilesThatAreNoneAreSaidSo) {
  const Folder folder;
  const struct {
    std::string text;
    std::string why;
  } rows[] = {
      {"a: [", "/config:1:1: must be valid YAML"},
      {"- a", "/config: is no kubeconfig (apiVersion: v1, kind: Config)"},
      {"kind: Pod", "/config: is no kubeconfig (apiVersion: v1, kind: Config)"},
      {"a: 1\n---\nb: 2", "/config: a kubeconfig is one document, found several"},
      {"users: {a: 1}", "/config:1:8: users: must be a list, found "},
      {"users: [{name: a}, {name: a}]", "/config:1:27: users[1].name: 'a' stands twice in this list"},
      {"users: [{user: {}}]", "/config:1:9: users[0].name: is required"},
  };
  for (const auto& row : rows) {
    folder.Write("config", row.text);
    const auto config = LoadClusterConfig({.kubeconfig_flag = folder.At("config")});
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << row.text;
    EXPECT_TRUE(absl::StartsWith(folder.Error(config), row.why)) << folder.Error(config);
  }
  const auto none = LoadClusterConfig({.kubeconfig_flag = folder.At("gone")});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(folder.Error(none), "kubeconfig: /gone: No such file or directory");
  EXPECT_EQ(folder.Error(LoadClusterConfig({.kubeconfig_flag = folder.path()})), ": Is a directory");
}

TEST(Kubeconfig, NeverQuotesASecret) {
  const Folder folder;
  for (const char* user : {"{token: 123456789}", "{password: 123456789, username: a}", "{client-key-data: 123456789}",
                           "{token: '123456789 '}", "{token: '123456789', password: '123456789', username: x}"}) {
    const auto config = folder.Load(kServer, user);
    ASSERT_FALSE(config.ok()) << user;
    EXPECT_FALSE(absl::StrContains(config.status().message(), "123456789")) << config.status();
  }
}

// ------------------------------------------------------------------------------------------------ where from

TEST(ClusterConfig, TheFirstFileThatHasAnEntryWinsWhole) {
  const Folder folder;
  folder.Write("one/a",
               "current-context: x\n"
               "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
               "users: [{name: u, user: {tokenFile: t}}]\n");
  folder.Write("one/t", "one");
  folder.Write("two/b",
               "current-context: y\n"
               "contexts: [{name: x, context: {cluster: d, user: v}}, {name: y, context: {cluster: c, user: v}}]\n"
               "clusters: [{name: c, cluster: {server: 'https://two', certificate-authority: ca}}]\n"
               "users: [{name: u, user: {token: two, username: n}}, {name: v, user: {token: vv}}]\n");
  folder.Write("two/ca", ThePki().ca_pem);
  const std::string list = absl::StrCat(":", folder.At("gone"), ":", folder.At("one/a"), ":", folder.At("two/b"));
  const auto config = LoadClusterConfig({.kubeconfig_env = list});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->source, absl::StrCat(folder.At("one/a"), ", context 'x'"));
  EXPECT_EQ(config->server, "https://two");
  EXPECT_EQ(config->ca_file, folder.At("two/ca"));
  EXPECT_EQ(config->token, Secret("one"));
  EXPECT_EQ(config->basic, std::nullopt);
  EXPECT_EQ(config->notes,
            Strings{absl::StrCat("kubeconfig ", folder.At("gone"), ": No such file or directory (ignored)")});
  const auto other = LoadClusterConfig({.context = "y", .kubeconfig_env = list});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->token, Secret("vv"));
}

struct Pod : Folder {
  Pod() {
    Write("sa/token", "pod-token\n");
    Write("sa/ca.crt", ThePki().ca_pem);
    Write("sa/namespace", "ops");
  }
  ConfigSources Sources() const {
    return {.service_host = "10.96.0.1", .service_port = "443", .service_account_dir = At("sa")};
  }
};

TEST(ClusterConfig, InAPodTheServiceAccountIsUsed) {
  const Pod pod;
  const auto config = LoadClusterConfig(pod.Sources());
  ASSERT_TRUE(config.ok()) << config.status();
  const ClusterConfig expected{.server = "https://10.96.0.1",
                               .ns = "ops",
                               .source = "the pod's service account",
                               .user = "the pod's service account",
                               .tls = {.ca_pem = ThePki().ca_pem},
                               .ca_file = pod.At("sa/ca.crt"),
                               .token_file = pod.At("sa/token"),
                               .token = Secret("pod-token")};
  EXPECT_EQ(*config, expected);
  ConfigSources v6 = pod.Sources();
  v6.service_host = "fd00::1";
  v6.service_port = "6443";
  EXPECT_EQ(LoadClusterConfig(v6)->server, "https://[fd00::1]:6443");
}

TEST(ClusterConfig, APodThatIsIncompleteIsSaidSo) {
  const struct {
    const char* file;
    const char* text;  // nullptr: removed
    const char* why;
  } rows[] = {
      {"sa/token", nullptr,
       "the pod has no usable service account token (is automountServiceAccountToken false?): /sa/token: No such file "
       "or directory"},
      {"sa/token", "a b", "/sa/token: is empty or no token"},
      {"sa/ca.crt", nullptr,
       "the pod has no certificate authority of the cluster: /sa/ca.crt: No such file or directory"},
      {"sa/ca.crt", "", "/sa/ca.crt: holds no PEM certificate"},
      {"sa/ca.crt", "x", "/sa/ca.crt: holds no PEM certificate"},
  };
  for (const auto& row : rows) {
    const Pod pod;
    std::filesystem::remove(pod.At(row.file));
    if (row.text != nullptr) pod.Write(row.file, row.text);
    EXPECT_EQ(pod.Error(LoadClusterConfig(pod.Sources())), row.why);
  }
  const Pod pod;
  std::filesystem::remove(pod.At("sa/namespace"));
  EXPECT_EQ(LoadClusterConfig(pod.Sources())->ns, "default");
  ConfigSources odd = pod.Sources();
  odd.service_port = "https";
  EXPECT_EQ(LoadClusterConfig(odd).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ClusterConfig, TheOrderOfThePlaces) {
  const Pod pod;
  const auto Config = [&](const std::string& name) {
    return pod.Write(name, absl::StrReplaceAll(kFrame, {{"{CLUSTER}", absl::StrCat("{server: 'https://", name, "'}")},
                                                        {"{USER}", "{}"}}));
  };
  ConfigSources sources = pod.Sources();
  const auto Server = [&] {
    const auto config = LoadClusterConfig(sources);
    return config.ok() ? config->server : config.status().ToString();
  };
  sources.kubeconfig_flag = Config("flag");
  sources.kubeconfig_env = Config("env");
  sources.home = pod.path();
  Config(".kube/config");
  EXPECT_EQ(Server(), "https://flag");
  sources.kubeconfig_flag.clear();
  EXPECT_EQ(Server(), "https://env");
  sources.kubeconfig_env.clear();
  EXPECT_EQ(Server(), "https://10.96.0.1");
  sources.context = "dev";  // only a kubeconfig has contexts
  EXPECT_TRUE(absl::StrContains(Server(), ".kube")) << Server();
  sources.context.clear();
  sources.service_host.clear();
  EXPECT_TRUE(absl::StrContains(Server(), ".kube")) << Server();
  std::filesystem::remove(pod.At(".kube/config"));
  EXPECT_EQ(LoadClusterConfig(sources).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(pod.Error(LoadClusterConfig(sources)),
            "no cluster is configured: --kubeconfig and KUBECONFIG are not set, this is no pod, and /.kube/config does "
            "not exist: name a file with --kubeconfig");
}

}  // namespace
}  // namespace ottoscale::kube
