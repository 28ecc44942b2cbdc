// One context of a kubeconfig, taken apart: the cluster and the user that it names.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/codec/object_reader.h"
#include "pkg/http/check_request.h"
#include "pkg/http/http.h"
#include "pkg/kube/kubeconfig.h"
#include "pkg/kube/small_file.h"
#include "pkg/kubeapi/base64.h"

namespace ottoscale::kube {

using codec::ObjectReader;
using codec::Path;
using codec::Range;
using codec::Report;
using nlohmann::json;

namespace {

constexpr Range kText{0, 64 * 1024};
constexpr Range kSome{1, 64 * 1024};
constexpr absl::string_view kExecGroup = "client.authentication.k8s.io";

// The reader of one entry: collects what is wrong with it, and what is unknown as notes.
class EntryReader {
 public:
  explicit EntryReader(const KubeconfigEntry& entry)
      : entry_(entry), report_(&entry.file->document.positions), reader_(*entry.value, entry.path, report_) {}

  ObjectReader& fields() { return reader_; }

  std::string Text(absl::string_view key) { return reader_.String(key, kText).value_or(""); }
  bool Flag(absl::string_view key) { return reader_.Bool(key).value_or(false); }
  // Like Text, but what stands there is never part of a message.
  std::string Hidden(absl::string_view key) {
    const json* value = reader_.Find(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    reader_.Refuse(key, "must be a string: quote it");
    return "";
  }
  // A path, relative to the folder of the file in which it stands.
  std::string FilePath(absl::string_view key) {
    const std::string path = Text(key);
    return path.empty() ? "" : BesideFile(path);
  }
  std::string BesideFile(const std::string& path) const {
    return (std::filesystem::path(entry_.file->path).parent_path() / path).lexically_normal().string();
  }
  // The PEM text of `key`-data, else of the file `key`, whose path goes to `file`.
  std::string Pem(absl::string_view key, std::string& file) {
    const std::string data_key = absl::StrCat(key, "-data");
    const std::string data = Hidden(data_key);
    const std::string path = FilePath(key);
    if (data.empty() && path.empty()) return "";
    absl::StatusOr<std::string> pem = data.empty() ? ReadSmallFile(path) : kubeapi::DecodeBase64(data);
    if (pem.ok() && !pem->empty()) {
      if (data.empty()) file = path;
      return *std::move(pem);
    }
    if (data.empty()) {
      reader_.Refuse(key, pem.ok() ? absl::StrCat(path, " is empty") : Cannot(pem.status()));
    } else {
      reader_.Refuse(data_key, "must be PEM in base64");
    }
    return "";
  }
  static std::string Cannot(const absl::Status& status) { return absl::StrCat("cannot be read: ", status.message()); }

  // The status of what was read; unknown fields become notes.
  absl::Status Finish(std::vector<std::string>& notes) {
    const std::vector<codec::Problem> problems = report_.Take();
    if (!problems.empty()) return Refusal(problems);
    reader_.Finish();
    std::vector<codec::Problem> missing;
    for (const codec::Problem& problem : report_.Take()) {
      if (absl::StartsWith(problem.message, "is required")) {
        missing.push_back(problem);
      } else {
        notes.push_back(absl::StrCat(codec::FormatProblem(entry_.file->path, problem), " (ignored)"));
      }
    }
    return missing.empty() ? absl::OkStatus() : Refusal(missing);
  }

 private:
  absl::Status Refusal(const std::vector<codec::Problem>& problems) const {
    std::vector<std::string> lines;
    for (const codec::Problem& problem : problems) lines.push_back(codec::FormatProblem(entry_.file->path, problem));
    return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
  }

  const KubeconfigEntry& entry_;
  Report report_;
  ObjectReader reader_;
};

// ------------------------------------------------------------------------------------------------ cluster

// "https://host:port/prefix", as the rest of the program wants it.
std::string ReadServer(EntryReader& entry, bool tls) {
  entry.fields().Require("server", "the URL of the API server");
  std::string text = entry.fields().String("server", kSome).value_or("");
  if (text.empty()) return "";
  if (!absl::StrContains(text, "://")) text = absl::StrCat(tls ? "https://" : "http://", text);
  const absl::StatusOr<http::Url> url = http::ParseUrl(text);
  if (!url.ok() || !url->query.empty()) {
    entry.fields().Refuse("server", url.ok() ? "must have no query" : std::string(url.status().message()));
    return "";
  }
  return absl::StrCat(url->scheme, "://", url->Authority(), absl::StripSuffix(url->path, "/"));
}

std::string ReadProxy(EntryReader& entry) {
  std::string text = entry.Text("proxy-url");
  if (text.empty()) return "";
  const absl::StatusOr<http::Url> url = http::ParseUrl(text);
  if (url.ok() && url->scheme == "http" && url->path == "/" && url->query.empty()) {
    return absl::StrCat("http://", url->Authority());
  }
  entry.fields().Refuse(
      "proxy-url",
      "must be http://HOST:PORT: proxies over https or SOCKS, and those that want a password, are not supported");
  return "";
}

// What a plugin's own settings say, from `extensions` of the cluster.
json PluginSettings(ObjectReader& fields) {
  for (const ObjectReader::Item& item : fields.List("extensions", {0, 1000})) {
    if (codec::StringOr(*item.value, {"name"}, "") != absl::StrCat(kExecGroup, "/exec")) continue;
    const json* settings = codec::Find(*item.value, "extension");
    if (settings != nullptr) return *settings;
  }
  return nullptr;
}

// The cluster as it is told to a plugin (spec.cluster of its ExecCredential).
std::string ClusterInfo(const ClusterConfig& config, bool disable_compression, json settings) {
  json info = json::object();
  info["server"] = config.server;
  if (!config.tls.server_name.empty()) info["tls-server-name"] = config.tls.server_name;
  if (config.tls.insecure) info["insecure-skip-tls-verify"] = true;
  if (!config.tls.ca_pem.empty()) info["certificate-authority-data"] = kubeapi::EncodeBase64(config.tls.ca_pem);
  if (!config.proxy_url.empty()) info["proxy-url"] = config.proxy_url;
  if (disable_compression) info["disable-compression"] = true;
  if (!settings.is_null()) info["config"] = std::move(settings);
  return codec::Dump(info);
}

// Fills what a cluster has; the answer is its ClusterInfo.
absl::StatusOr<std::string> ReadCluster(const KubeconfigEntry& from, ClusterConfig& config) {
  EntryReader entry(from);
  config.tls.ca_pem = entry.Pem("certificate-authority", config.ca_file);
  config.tls.insecure = entry.Flag("insecure-skip-tls-verify");
  config.tls.server_name = entry.Text("tls-server-name");
  config.server = ReadServer(entry, config.tls.insecure || !config.tls.ca_pem.empty());
  config.proxy_url = ReadProxy(entry);
  const bool disable_compression = entry.Flag("disable-compression");  // nothing is ever compressed
  json settings = PluginSettings(entry.fields());
  if (config.tls.insecure && !config.tls.ca_pem.empty()) {
    entry.fields().Refuse("insecure-skip-tls-verify", "must not be set together with a certificate authority");
  }
  if (!config.tls.server_name.empty() &&
      (absl::StrContains(config.tls.server_name, ':') || !http::IsCredential(config.tls.server_name))) {
    entry.fields().Refuse("tls-server-name", "must be a host name");
  }
  RETURN_IF_ERROR(entry.Finish(config.notes));
  if (config.tls.insecure)
    config.notes.push_back(absl::StrCat(config.server, " is not verified (insecure-skip-tls-verify)"));
  return ClusterInfo(config, disable_compression, std::move(settings));
}

// ------------------------------------------------------------------------------------------------ user

struct Replacement {
  absl::string_view provider;
  absl::string_view plugin;
};
constexpr Replacement kReplacements[] = {
    {"gcp", "gke-gcloud-auth-plugin"},
    {"azure", "kubelogin"},
    {"oidc", "kubectl-oidc_login"},
    {"openstack", "client-keystone-auth"},
};

void RefuseAuthProvider(EntryReader& entry) {
  const json* provider = entry.fields().Find("auth-provider");
  if (provider == nullptr) return;
  const std::string name = codec::StringOr(*provider, {"name"}, "");
  std::string instead = "a plugin of your provider";
  for (const Replacement& row : kReplacements) {
    if (row.provider == name) instead = std::string(row.plugin);
  }
  entry.fields().Refuse("auth-provider",
                        absl::StrCat("'", Truncate(Printable(name), 64),
                                     "' was removed from Kubernetes clients: use `exec` with ", instead));
}

void ReadToken(EntryReader& entry, ClusterConfig& config) {
  const std::string token = entry.Hidden("token");
  config.token_file = entry.FilePath("tokenFile");
  if (!token.empty()) config.token = Secret(token);
  absl::string_view key = "token";
  if (!config.token_file.empty()) {
    const absl::StatusOr<std::string> read = ReadSmallFile(config.token_file);
    if (read.ok()) {
      config.token = Secret(std::string(absl::StripAsciiWhitespace(*read)));
      key = "tokenFile";
    } else if (token.empty()) {
      entry.fields().Refuse("tokenFile", EntryReader::Cannot(read.status()));
    } else {
      config.notes.push_back(absl::StrCat("tokenFile ", read.status().message(), " (the token beside it is used)"));
    }
  }
  if (config.token && !http::IsCredential(config.token->Reveal())) {
    entry.fields().Refuse(key, "must be a token: it is empty or has a space, a line break or another odd byte");
  }
}

void ReadBasic(EntryReader& entry, ClusterConfig& config) {
  const std::string username = entry.Text("username");
  const std::string password = entry.Hidden("password");
  if (username.empty() && password.empty()) return;
  if (username.empty() || absl::StrContains(username, ':')) {
    entry.fields().Refuse("username", username.empty() ? "is required with a password" : "must have no ':'");
  }
  config.basic = BasicAuth{username, Secret(password)};
}

void ReadImpersonation(EntryReader& entry, ClusterConfig& config) {
  Impersonation& who = config.impersonate;
  who.user = entry.Text("as");
  who.uid = entry.Text("as-uid");
  who.groups = entry.fields().Strings("as-groups", {0, 1000}, kSome).value_or(std::vector<std::string>{});
  if (const json* extra = entry.fields().Find("as-user-extra"); extra != nullptr && extra->is_object()) {
    ObjectReader keys = entry.fields().Object("as-user-extra");
    for (const auto& [key, values] : extra->items()) {
      who.extra.push_back({key, keys.Strings(Sv(key), {0, 1000}, kText).value_or(std::vector<std::string>{})});
    }
  } else if (extra != nullptr) {
    entry.fields().Refuse("as-user-extra", "must be an object of lists");
  }
  if (who.user.empty() && !(who.uid.empty() && who.groups.empty() && who.extra.empty())) {
    entry.fields().Refuse("as", "is required with as-uid, as-groups and as-user-extra");
  }
  std::vector<std::string> values = who.groups;
  values.insert(values.end(), {who.user, who.uid});
  for (const Impersonation::Extra& extra : who.extra)
    values.insert(values.end(), extra.values.begin(), extra.values.end());
  const auto Fits = [](const std::string& value) { return http::IsFieldValue(value); };
  if (!std::all_of(values.begin(), values.end(), Fits)) {
    entry.fields().Refuse("as", "has a byte outside 0x20-0x7E in it or in one of its companions");
  }
}

void ReadPluginMode(ObjectReader& exec, absl::string_view api_version) {
  const std::vector<std::string> modes = {"Never", "IfAvailable", "Always"};
  const bool v1 = api_version == absl::StrCat(kExecGroup, "/v1");
  if (v1) exec.Require("interactiveMode", "Never, IfAvailable or Always");
  const std::optional<size_t> mode = exec.OneOf("interactiveMode", modes);
  if (mode && modes[*mode] == "Always") {
    exec.Refuse("interactiveMode", "is Always, but an operator has no terminal: use a plugin that asks nothing");
  }
}

void ReadPlugin(EntryReader& entry, const std::string& cluster_info, const std::vector<std::string>& environment,
                ClusterConfig& config) {
  if (!entry.fields().Has("exec")) return;
  ObjectReader exec = entry.fields().Object("exec");
  ExecPlugin plugin;
  exec.Require("apiVersion");
  exec.Require("command");
  const std::vector<std::string> versions = {absl::StrCat(kExecGroup, "/v1"), absl::StrCat(kExecGroup, "/v1beta1")};
  if (const std::optional<size_t> version = exec.OneOf("apiVersion", versions)) plugin.api_version = versions[*version];
  plugin.command = exec.String("command", kSome).value_or("");
  if (absl::StrContains(plugin.command, '/')) plugin.command = entry.BesideFile(plugin.command);
  plugin.arguments = exec.Strings("args", {0, 1000}, kText).value_or(std::vector<std::string>{});
  plugin.environment = environment;
  for (const ObjectReader::Item& item : exec.List("env", {0, 1000})) {
    ObjectReader variable(*item.value, item.path, exec.report());
    variable.Require("name");
    const std::string name = variable.String("name", kSome).value_or("");
    const json* value = variable.Find("value");
    if (value != nullptr && !value->is_string()) variable.Refuse("value", "must be a string: quote it");
    plugin.environment.push_back(
        absl::StrCat(name, "=", value != nullptr && value->is_string() ? value->get<std::string>() : ""));
    variable.Finish();
  }
  plugin.install_hint = std::string(absl::StripAsciiWhitespace(exec.String("installHint", kText).value_or("")));
  if (exec.Bool("provideClusterInfo").value_or(false)) plugin.cluster_info = cluster_info;
  ReadPluginMode(exec, plugin.api_version);
  exec.Finish();
  config.exec = std::move(plugin);
}

// What stands in the file itself beats a plugin, as in other clients.
void ChooseOneWay(EntryReader& entry, ClusterConfig& config) {
  if (config.token && config.basic) {
    entry.fields().Refuse("username", "must not be set together with a token: one way to log in");
  }
  if (!config.exec || !(config.token || config.basic)) return;
  config.notes.push_back(absl::StrCat(config.source, ", ", config.user, ": exec is ignored beside ",
                                      config.token ? "a token" : "a password"));
  config.exec.reset();
}

absl::Status ReadUser(const KubeconfigEntry& from, const std::string& cluster_info,
                      const std::vector<std::string>& environment, ClusterConfig& config) {
  EntryReader entry(from);
  RefuseAuthProvider(entry);
  config.tls.certificate_pem = entry.Pem("client-certificate", config.certificate_file);
  config.tls.key_pem = Secret(entry.Pem("client-key", config.key_file));
  if (config.tls.certificate_pem.empty() != config.tls.key_pem.empty()) {
    entry.fields().Refuse(config.tls.key_pem.empty() ? "client-key" : "client-certificate",
                          "is required: a certificate and its key belong together");
  }
  ReadToken(entry, config);
  ReadBasic(entry, config);
  ReadPlugin(entry, cluster_info, environment, config);
  ReadImpersonation(entry, config);
  ChooseOneWay(entry, config);
  entry.fields().Allow({"extensions"});
  return entry.Finish(config.notes);
}

// ------------------------------------------------------------------------------------------------ context

std::string PathsOf(const Kubeconfig& kubeconfig) {
  std::vector<std::string> paths;
  for (const auto& file : kubeconfig.files) paths.push_back(file->path);
  return paths.empty() ? "the kubeconfig" : JoinWords(paths, "and");
}

std::string Known(const std::map<std::string, KubeconfigEntry>& entries) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(absl::StrCat("'", name, "'"));
  return names.empty() ? "it has none" : absl::StrCat("it has ", JoinWords(names, "and"));
}

absl::StatusOr<KubeconfigEntry> FindEntry(const Kubeconfig& kubeconfig,
                                          const std::map<std::string, KubeconfigEntry>& entries, absl::string_view kind,
                                          const std::string& name) {
  const auto found = entries.find(name);
  if (found != entries.end()) return found->second;
  return absl::NotFoundError(
      absl::StrCat(PathsOf(kubeconfig), ": there is no ", kind, " '", Printable(name), "': ", Known(entries)));
}

// What is wrong with the certificates as such: a key of another certificate, no PEM.
absl::Status CheckCertificates(const ClusterConfig& config) {
  return Annotate(absl::StrCat(config.source, ", ", config.user), http::CheckTls(config.tls));
}

}  // namespace

absl::StatusOr<ClusterConfig> ResolveContext(const Kubeconfig& kubeconfig, std::string context,
                                             const std::vector<std::string>& environment) {
  if (context.empty()) context = kubeconfig.current_context;
  if (context.empty()) {
    return absl::NotFoundError(absl::StrCat(PathsOf(kubeconfig), ": current-context is not set: name a context with ",
                                            "--context, ", Known(kubeconfig.contexts)));
  }
  ASSIGN_OR_RETURN(const KubeconfigEntry entry, FindEntry(kubeconfig, kubeconfig.contexts, "context", context));
  ClusterConfig config{.source = absl::StrCat(entry.file->path, ", context '", Printable(context), "'"),
                       .notes = kubeconfig.notes};
  EntryReader fields(entry);
  fields.fields().Require("cluster");
  fields.fields().Require("user");
  fields.fields().Allow({"extensions"});
  const std::string cluster = fields.fields().String("cluster", kSome).value_or("");
  const std::string user = fields.fields().String("user", kSome).value_or("");
  config.ns = fields.Text("namespace");
  if (config.ns.empty()) config.ns = "default";
  RETURN_IF_ERROR(fields.Finish(config.notes));
  config.user = absl::StrCat("user '", Printable(user), "'");

  const std::string named_by = absl::StrCat("context '", Printable(context), "'");
  const auto cluster_entry = FindEntry(kubeconfig, kubeconfig.clusters, "cluster", cluster);
  if (!cluster_entry.ok()) return Annotate(named_by, cluster_entry.status());
  const auto user_entry = FindEntry(kubeconfig, kubeconfig.users, "user", user);
  if (!user_entry.ok()) return Annotate(named_by, user_entry.status());
  ASSIGN_OR_RETURN(const std::string cluster_info, ReadCluster(*cluster_entry, config));
  RETURN_IF_ERROR(ReadUser(*user_entry, cluster_info, environment, config));
  RETURN_IF_ERROR(CheckCertificates(config));
  if (absl::StartsWith(config.server, "http://") && (config.token || config.basic || config.exec)) {
    config.notes.push_back(
        absl::StrCat(config.server, " is not encrypted: the credentials of ", config.user, " are not sent to it"));
    config.token.reset();
    config.basic.reset();
    config.exec.reset();
    config.token_file.clear();
  }
  return config;
}

}  // namespace ottoscale::kube
