// pkg/kube over sockets against both API servers: the embedded one always, and a real kube-apiserver when
// OTTOSCALE_TEST_KUBECONFIG names a kubeconfig whose user may do everything there. Both have the CRDs of crds/. Each
// test works in a namespace of its own, so the real one may be shared; what it leaves there are small objects.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/crd.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"
#include "pkg/http/server.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kube/cluster.h"
#include "pkg/kube/controller.h"
#include "pkg/kube/events.h"
#include "pkg/kube/reflector.h"
#include "pkg/kube/watch_event.h"
#include "pkg/kubeapi/api_error.h"
#include "test/contracts/bad_network.h"
#include "test/contracts/wire.h"

namespace ottoscale::kube {
namespace {

using contracts::RunReal;
using kubeapi::ErrorReason;
using kubeapi::ObjectKey;
using kubeapi::Resource;
using nlohmann::json;

enum class Which { kEmbedded, kReal };
void PrintTo(Which which, std::ostream* out) { *out << (which == Which::kReal ? "Real" : "Embedded"); }

std::string RealKubeconfig() {
  const char* path = std::getenv("OTTOSCALE_TEST_KUBECONFIG");
  return path == nullptr ? "" : path;
}
std::vector<Which> Available() {
  if (RealKubeconfig().empty()) return {Which::kEmbedded};
  return {Which::kEmbedded, Which::kReal};
}

std::vector<json> Documents(const std::string& path) {
  std::ifstream in(absl::StrCat(OTTOSCALE_SOURCE_DIR, "/", path));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<json> all;
  codec::Documents parsed = codec::ParseYaml(text);
  for (codec::Document& document : parsed.documents) all.push_back(std::move(document.value));
  EXPECT_FALSE(all.empty()) << path;
  return all;
}
std::vector<json> Crds() {
  std::vector<json> all;
  for (const char* plural : {"cloudaccounts", "notificationchannels", "scalingpolicies"}) {
    for (json& crd : Documents(absl::StrCat("crds/", plural, ".yaml"))) all.push_back(std::move(crd));
  }
  return all;
}

const Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
const Resource kCrds{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};
const Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};

class KubeServers : public testing::TestWithParam<Which> {
 protected:
  void SetUp() override {
    ns_ = absl::StrCat("kube-servers-", loop_.random().Below(1'000'000'000));
    GetParam() == Which::kReal ? SetUpReal() : SetUpEmbedded();
    ASSERT_NE(transport_, nullptr);
    client_ = std::make_unique<Client>(*transport_, ClientOptions{.base_url = config_.server});
    if (GetParam() == Which::kReal) Prepare();
  }
  void TearDown() override {
    client_.reset();
    transport_.reset();
    if (server_ != nullptr) RunReal(loop_, server_->Stop(loop_.Now().boot));
  }
  bool real() const { return GetParam() == Which::kReal; }

  void SetUpReal() {
    absl::StatusOr<ClusterConfig> config = LoadClusterConfig({.kubeconfig_flag = RealKubeconfig()});
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *std::move(config);
    transport_ = Connect(config_);
  }
  void SetUpEmbedded() {
    auto served = apiserver::ServedWith(Crds());
    ASSERT_TRUE(served.ok()) << served.status();
    embedded_ = std::make_unique<apiserver::ApiServer>(loop_, store_,
                                                       apiserver::ApiServerOptions{.served = *std::move(served)});
    auto server = http::Listen(loop_, *embedded_, {});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    config_ = {.server = absl::StrCat("http://127.0.0.1:", server_->port()), .source = "test", .user = "nobody"};
    transport_ = Connect(config_);
  }
  std::unique_ptr<http::Transport> Connect(const ClusterConfig& config) {
    return MakeClusterTransport(loop_, pool_, config, {.user_agent = UserAgent("0", "test")});
  }
  // The namespace and the CRDs of a real server.
  void Prepare() {
    json ns = json::object();
    ns["metadata"]["name"] = ns_;
    ASSERT_TRUE(Create(kNamespaces, ns).ok());
    for (const json& crd : Crds()) {
      const absl::Status created = Create(kCrds, crd).status();
      ASSERT_TRUE(created.ok() || absl::IsAlreadyExists(created)) << created;
    }
    ASSERT_TRUE(Eventually([this] { return List().ok(); }));
  }

  async::BootTime Soon() { return loop_.Now().boot + absl::Seconds(20); }
  absl::StatusOr<json> Create(const Resource& resource, json object) {
    return RunReal(loop_, client_->Create(resource, std::move(object), Soon()));
  }
  absl::StatusOr<ListResult> List() {
    return RunReal(loop_, client_->List(kubeapi::ScalingPolicies(), {.ns = ns_}, Soon()));
  }
  absl::StatusOr<json> Get(const std::string& name) {
    return RunReal(loop_, client_->Get(kubeapi::ScalingPolicies(), {ns_, name}, Soon()));
  }
  absl::Status ApplyStatus(const std::string& name, json status) {
    return RunReal(loop_, client_->ApplyStatus(kubeapi::ScalingPolicies(), {ns_, name}, std::move(status), Soon()));
  }
  // A valid policy that wants at most this much.
  json Policy(const std::string& name, int64_t wanted) {
    static const std::vector<json> example = Documents("deploy/examples/heroku-heartbeat.yaml");
    json object = example.back();
    object["metadata"] = json::object();
    object["metadata"]["name"] = name;
    object["metadata"]["namespace"] = ns_;
    object["spec"]["maxCapacity"] = wanted;
    return object;
  }
  // Looks again and again, on the loop.
  template <class F>
  bool Eventually(F holds) {
    const async::BootTime until = Soon() + absl::Seconds(30);
    while (loop_.Now().boot < until) {
      if (holds()) return true;
      (void)RunReal(loop_, Pause(absl::Milliseconds(20)));
    }
    return false;
  }
  static async::Task<absl::Status> Pause(absl::Duration duration) { co_return co_await async::Sleep(duration); }

  async::AsioLoop loop_;
  async::BlockingPool pool_{8};
  std::string ns_;
  ClusterConfig config_;
  apiserver::MemoryStore store_;
  std::unique_ptr<apiserver::ApiServer> embedded_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<Client> client_;
};

// ------------------------------------------------------------------------------------------------ a controller at work

// Says in the status what the spec wants, over a network that loses things.
struct Worker {
  Worker(async::Loop& loop_of, http::Transport& clean, const std::string& url, const std::string& ns_of)
      : loop(loop_of),
        ns(ns_of),
        network(loop_of, clean, absl::Milliseconds(20), absl::Milliseconds(200)),
        client(network, {.base_url = url}),
        reflector(loop_of, client, cache, {.resource = kubeapi::ScalingPolicies(), .ns = ns_of}),
        controller(loop_of, {.workers = 3}, [this](ObjectKey key) { return Reconcile(*this, std::move(key)); }) {}

  static async::Task<absl::StatusOr<Requeue>> Reconcile(Worker& worker, ObjectKey key) {
    const ObjectPtr object = worker.cache.Get(key);
    if (object == nullptr) co_return Requeue::Never();
    const auto wanted = kubeapi::IntegerAt(object->Json(), {"spec", "maxCapacity"});
    if (wanted == kubeapi::IntegerAt(object->Json(), {"status", "desiredCapacity"})) co_return Requeue::Never();
    json status = json::object();
    status["desiredCapacity"] = *wanted;
    const absl::Status applied = co_await worker.client.ApplyStatus(kubeapi::ScalingPolicies(), key, std::move(status),
                                                                    worker.loop.Now().boot + absl::Seconds(10));
    if (kubeapi::Is(applied, ErrorReason::kNotFound)) co_return Requeue::Never();
    CO_RETURN_IF_ERROR(applied);
    co_return Requeue::Never();
  }
  std::map<std::string, std::string> Cached() const {
    std::map<std::string, std::string> all;
    for (const ObjectPtr& object : cache.List()) all[object->meta.name] = object->meta.resource_version;
    return all;
  }

  async::Loop& loop;
  std::string ns;
  contracts::BadNetwork network;
  Client client;
  Cache cache;
  Reflector reflector;
  Controller controller;
};

// People at work, on a good network.
async::Task<void> People(const Client& client, std::string ns, json policy) {
  async::Loop& loop = (co_await async::CurrentContext()).loop();
  for (int i = 0; i < 40; ++i) {
    (void)co_await async::Sleep(absl::Milliseconds(static_cast<int64_t>(loop.random().Below(60))));
    const ObjectKey key{ns, std::string(1, static_cast<char>('a' + loop.random().Below(6)))};
    const async::BootTime soon = loop.Now().boot + absl::Seconds(10);
    if (loop.random().Below(10) < 3) {
      (void)co_await client.Delete(kubeapi::ScalingPolicies(), key, "", soon);
      continue;
    }
    absl::StatusOr<json> object = co_await client.Get(kubeapi::ScalingPolicies(), key, soon);
    if (!object.ok()) {
      policy["metadata"]["name"] = key.name;
      (void)co_await client.Create(kubeapi::ScalingPolicies(), policy, soon);
    } else {
      (*object)["spec"]["maxCapacity"] = 1 + i;
      (void)co_await client.Update(kubeapi::ScalingPolicies(), *std::move(object), soon);
    }
  }
}

async::Task<void> StopAndJoin(Controller& controller, async::Scope& scope, async::BootTime deadline) {
  co_await controller.Stop(deadline);
  scope.Cancel();
  co_await scope.Join();
}

TEST_P(KubeServers, ACacheAndAControllerConvergeUnderFaults) {
  Worker worker(loop_, *transport_, config_.server, ns_);
  async::Scope scope(loop_);
  scope.Spawn(worker.reflector.Run());
  worker.controller.Follow(worker.cache);
  worker.controller.Start();
  while (worker.network.lost < 5) RunReal(loop_, People(*client_, ns_, Policy("x", 1)));
  worker.network.faulty = false;
  std::string last;
  const bool converged = Eventually([&] {
    const auto list = List();
    if (!list.ok()) return false;
    std::map<std::string, std::string> stored;
    bool told = !list->items.empty();
    for (const json& object : list->items) {
      stored[kubeapi::TextAt(object, {"metadata", "name"})] = kubeapi::TextAt(object, {"metadata", "resourceVersion"});
      told = told && kubeapi::IntegerAt(object, {"spec", "maxCapacity"}) ==
                         kubeapi::IntegerAt(object, {"status", "desiredCapacity"});
    }
    last = absl::StrCat(stored.size(), " stored, ", worker.Cached().size(), " cached");
    return told && stored == worker.Cached();
  });
  EXPECT_TRUE(converged) << last;
  RunReal(loop_, StopAndJoin(worker.controller, scope, Soon()));
}

TEST_P(KubeServers, EventsBecomeSeries) {
  const auto policy = Create(kubeapi::ScalingPolicies(), Policy("web", 1));
  ASSERT_TRUE(policy.ok()) << policy.status();
  EventRecorder events(loop_, *client_);
  async::Scope scope(loop_);
  scope.Spawn(events.Run());
  const auto Record = [&] {
    events.Record(kubeapi::ScalingPolicies(), {ns_, "web"}, kubeapi::TextAt(*policy, {"metadata", "uid"}), true,
                  "Refused", "Scale", "no such app");
  };
  std::vector<json> found;
  const auto Count = [&](std::optional<int64_t> count) {
    return Eventually([&] {
      const auto list = RunReal(loop_, client_->List(kubeapi::Events(), {.ns = ns_}, Soon()));
      if (!list.ok() || list->items.empty()) return false;
      found = list->items;
      return kubeapi::IntegerAt(found[0], {"series", "count"}) == count;
    });
  };
  Record();
  EXPECT_TRUE(Count(std::nullopt));
  Record();
  EXPECT_TRUE(Count(2));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(kubeapi::TextAt(found[0], {"note"}), "no such app");
  EXPECT_EQ(kubeapi::TextAt(found[0], {"regarding", "name"}), "web");
  scope.Cancel();
  RunReal(loop_, [](async::Scope& all) -> async::Task<void> { co_await all.Join(); }(scope));
}

// ------------------------------------------------------------------------------------------------ the verbs

TEST_P(KubeServers, ACreateThatFindsItsOwnObjectIsASuccess) {
  const auto first = Create(kubeapi::ScalingPolicies(), Policy("web", 1));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Create(kubeapi::ScalingPolicies(), Policy("web", 1));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(absl::IsAlreadyExists(Create(kubeapi::ScalingPolicies(), Policy("web", 2)).status()));
}

TEST_P(KubeServers, ErrorsHaveTheSameReasons) {
  auto stored = Create(kubeapi::ScalingPolicies(), Policy("web", 1));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_TRUE(kubeapi::Is(Get("other").status(), ErrorReason::kNotFound));
  const auto Update = [&](json object) {
    return RunReal(loop_, client_->Update(kubeapi::ScalingPolicies(), std::move(object), Soon()));
  };
  json changed = *stored;
  changed["spec"]["maxCapacity"] = 5;
  EXPECT_TRUE(Update(changed).ok());
  changed["spec"]["maxCapacity"] = 6;  // from a version that is gone
  EXPECT_TRUE(kubeapi::Is(Update(changed).status(), ErrorReason::kConflict));
  const absl::Status invalid = Create(kubeapi::ScalingPolicies(), Policy("bad", -1)).status();
  EXPECT_TRUE(kubeapi::Is(invalid, ErrorReason::kInvalid)) << invalid;
  EXPECT_TRUE(absl::StrContains(invalid.message(), "spec.maxCapacity")) << invalid;
  const auto Delete = [&](std::string uid) {
    return RunReal(loop_, client_->Delete(kubeapi::ScalingPolicies(), {ns_, "web"}, std::move(uid), Soon()));
  };
  EXPECT_TRUE(kubeapi::Is(Delete("7f1f1a52-0000-4000-8000-000000000000"), ErrorReason::kConflict));
  EXPECT_EQ(Delete(kubeapi::TextAt(*stored, {"metadata", "uid"})), absl::OkStatus());
  EXPECT_TRUE(kubeapi::Is(Delete(""), ErrorReason::kNotFound));
  EXPECT_TRUE(kubeapi::Is(ApplyStatus("web", json::object()), ErrorReason::kNotFound));
}

TEST_P(KubeServers, AnAppliedStatusLosesWhatIsNotSentAnyMore) {
  ASSERT_TRUE(Create(kubeapi::ScalingPolicies(), Policy("web", 1)).ok());
  json status = json::object();
  status["currentCapacity"] = 2;
  status["desiredCapacity"] = 3;
  EXPECT_EQ(ApplyStatus("web", status), absl::OkStatus());
  status.erase("currentCapacity");
  EXPECT_EQ(ApplyStatus("web", status), absl::OkStatus());
  const auto stored = Get("web");
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ((*stored)["status"], status);
  EXPECT_EQ(kubeapi::IntegerAt(*stored, {"metadata", "generation"}), 1);
  // The same again changes nothing, so nobody is woken.
  EXPECT_EQ(ApplyStatus("web", status), absl::OkStatus());
  EXPECT_EQ(kubeapi::TextAt(*Get("web"), {"metadata", "resourceVersion"}),
            kubeapi::TextAt(*stored, {"metadata", "resourceVersion"}));
}

async::Task<absl::StatusOr<std::vector<std::string>>> ReadEvents(const Client& client, WatchOptions options,
                                                                 size_t count, async::BootTime deadline) {
  auto stream = co_await client.Watch(kubeapi::ScalingPolicies(), std::move(options), deadline);
  if (!stream.ok()) co_return stream.status();
  std::vector<std::string> seen;
  while (seen.size() < count) {
    auto line = co_await (*stream)->Next();
    if (!line.ok()) co_return line.status();
    if (!line->has_value()) break;
    const auto event = ReadWatchEvent(**line);
    if (!event.ok()) co_return event.status();
    if (event->type == WatchEvent::Type::kBookmark) continue;
    seen.push_back(absl::StrCat(static_cast<int>(event->type), " ",
                                kubeapi::TextAt(event->object, {"metadata", "name"}), " ",
                                kubeapi::IntegerAt(event->object, {"spec", "maxCapacity"}).value_or(0)));
  }
  co_return seen;
}

TEST_P(KubeServers, AWatchTellsWhatHappenedSinceAVersionAndOnlyWhatIsSelected) {
  const auto Labelled = [this](const std::string& name, const std::string& tier) {
    json policy = Policy(name, 1);
    policy["metadata"]["labels"]["tier"] = tier;
    return policy;
  };
  const auto begin = List();
  ASSERT_TRUE(begin.ok()) << begin.status();
  auto web = Create(kubeapi::ScalingPolicies(), Labelled("web", "front"));
  ASSERT_TRUE(web.ok()) << web.status();
  ASSERT_TRUE(Create(kubeapi::ScalingPolicies(), Labelled("db", "back")).ok());
  (*web)["spec"]["maxCapacity"] = 2;
  ASSERT_TRUE(RunReal(loop_, client_->Update(kubeapi::ScalingPolicies(), *web, Soon())).ok());
  ASSERT_TRUE(RunReal(loop_, client_->Delete(kubeapi::ScalingPolicies(), {ns_, "web"}, "", Soon())).ok());
  const auto events = RunReal(
      loop_,
      ReadEvents(*client_, {.ns = ns_, .label_selector = "tier=front", .resource_version = begin->resource_version}, 3,
                 Soon()));
  ASSERT_TRUE(events.ok()) << events.status();
  const auto Line = [](WatchEvent::Type type, const char* rest) { return absl::StrCat(static_cast<int>(type), rest); };
  EXPECT_EQ(*events, (std::vector<std::string>{Line(WatchEvent::Type::kAdded, " web 1"),
                                               Line(WatchEvent::Type::kModified, " web 2"),
                                               Line(WatchEvent::Type::kDeleted, " web 2")}));
  const auto selected = RunReal(
      loop_, client_->List(kubeapi::ScalingPolicies(), {.ns = ns_, .label_selector = "tier in (back)"}, Soon()));
  ASSERT_TRUE(selected.ok()) << selected.status();
  EXPECT_EQ(selected->items.size(), 1u);
}

TEST_P(KubeServers, SayTheirVersion) {
  const auto version = RunReal(loop_, CheckCluster(*transport_, config_, Soon()));
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_TRUE(absl::StartsWith(*version, "v1.")) << *version;
}

INSTANTIATE_TEST_SUITE_P(Both, KubeServers, testing::ValuesIn(Available()), testing::PrintToStringParamName());

// ------------------------------------------------------------------------------------------------ logging in

class KubeLogin : public KubeServers {
 protected:
  // Whom the server takes us for, with this configuration.
  absl::StatusOr<std::string> WhoAmI(const ClusterConfig& config) {
    const auto transport = Connect(config);
    const absl::StatusOr<json> review =
        RunReal(loop_, Post(*transport, config.server, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                            R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})", Soon()));
    if (!review.ok()) return Explain(config, review.status(), loop_.Now().wall);
    const json* groups = codec::Find(*review, {"status", "userInfo", "groups"});
    return absl::StrCat(kubeapi::TextAt(*review, {"status", "userInfo", "username"}), " ",
                        groups == nullptr ? "" : codec::Dump(*groups));
  }
  static async::Task<absl::StatusOr<json>> Post(http::Transport& transport, std::string server, std::string path,
                                                std::string body, async::BootTime deadline) {
    http::Request request{.method = "POST", .url = absl::StrCat(server, path), .body = std::move(body)};
    request.headers.Add("Content-Type", "application/json");
    CO_ASSIGN_OR_RETURN(http::Response response, co_await transport.Send(std::move(request), deadline));
    CO_ASSIGN_OR_RETURN(const std::string text, co_await http::ReadAll(std::move(response.body), 1 << 20));
    if (response.status >= 300) co_return kubeapi::ToStatus(kubeapi::ApiErrorFromAnswer(response.status, text, ""));
    co_return codec::ReadJson(text);
  }
  // A token of the service account `robot` in our namespace.
  std::string RobotToken() {
    json robot = json::object();
    robot["metadata"]["name"] = "robot";
    robot["metadata"]["namespace"] = ns_;
    EXPECT_TRUE(Create(kServiceAccounts, robot).ok());
    const absl::StatusOr<json> answer = RunReal(
        loop_,
        Post(*transport_, config_.server, absl::StrCat("/api/v1/namespaces/", ns_, "/serviceaccounts/robot/token"),
             R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}})",
             Soon()));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? kubeapi::TextAt(*answer, {"status", "token"}) : "";
  }
  // The way to the server, and nobody in particular.
  ClusterConfig Anonymous() const {
    ClusterConfig config{
        .server = config_.server, .source = "test", .user = "user 'u'", .tls = {.ca_pem = config_.tls.ca_pem}};
    config.tls.server_name = config_.tls.server_name;
    return config;
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(testing::TempDir(), ns_, "-", name);
    std::ofstream(path) << text;
    return path;
  }
};

TEST_P(KubeLogin, TheServerTakesUsForWhoeverWeSay) {
  const auto admin = WhoAmI(config_);
  ASSERT_TRUE(admin.ok()) << admin.status();
  EXPECT_TRUE(absl::StrContains(*admin, "system:masters")) << *admin;

  const std::string robot = absl::StrCat("system:serviceaccount:", ns_, ":robot");
  const std::string token = RobotToken();
  ClusterConfig config = Anonymous();
  config.token = Secret(token);
  EXPECT_TRUE(absl::StartsWith(WhoAmI(config).value_or(""), robot));

  config = Anonymous();
  config.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1", .command = "/bin/sh"};
  const std::string plugin =
      Write("plugin", absl::StrCat(R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",)",
                                   R"("status":{"token":")", token, "\"}}'"));
  config.exec->arguments = {plugin};
  EXPECT_TRUE(absl::StartsWith(WhoAmI(config).value_or(""), robot)) << WhoAmI(config).status();

  config = config_;
  config.impersonate = {.user = "boss", .groups = {"one", "two, and three"}, .extra = {{"x.org/y", {"z"}}}};
  EXPECT_EQ(WhoAmI(config).value_or(""), R"(boss ["one","two, and three","system:authenticated"])");
}

TEST_P(KubeLogin, WhoIsNotKnownOrMayNotIsTold) {
  ClusterConfig config = Anonymous();
  config.token = Secret("nonsense");
  const absl::Status unknown = WhoAmI(config).status();
  EXPECT_TRUE(absl::IsUnauthenticated(unknown)) << unknown;
  EXPECT_TRUE(absl::StrContains(unknown.message(), "its token is not valid")) << unknown;

  config.token = Secret(RobotToken());
  const auto transport = Connect(config);
  const Client robot(*transport, {.base_url = config.server});
  const absl::Status forbidden = Explain(
      config, RunReal(loop_, robot.List(kubeapi::ScalingPolicies(), {.ns = ns_}, Soon())).status(), loop_.Now().wall);
  EXPECT_TRUE(absl::IsPermissionDenied(forbidden)) << forbidden;
  EXPECT_TRUE(
      absl::StrContains(forbidden.message(),
                        absl::StrCat("cannot list resource \"scalingpolicies\" in API group \"ottoscale.dev\" in the "
                                     "namespace \"",
                                     ns_, "\"")))
      << forbidden;

  config = Anonymous();
  config.tls.server_name = "other.test";
  const absl::Status name = WhoAmI(config).status();
  EXPECT_TRUE(absl::IsUnavailable(name)) << name;
  EXPECT_TRUE(absl::StrContains(name.message(), "is for another name")) << name;
}

// The embedded server asks nobody who they are.
std::vector<Which> WithLogin() {
  if (RealKubeconfig().empty()) return {};
  return {Which::kReal};
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KubeLogin);
INSTANTIATE_TEST_SUITE_P(Login, KubeLogin, testing::ValuesIn(WithLogin()), testing::PrintToStringParamName());

}  // namespace
}  // namespace ottoscale::kube
