#include <gtest/gtest.h>

#include "pkg/apiserver/fixture_test.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::apiserver {
namespace {

using nlohmann::json;

struct Row {
  const char* method;
  std::string path;
  std::string body;
  int status;
  const char* message;  // a part of it; "" for none
  const char* type = "application/json";
};

// Each row is a request to a server that holds the policy shop/web and the secret shop/heroku.
void Expect(const std::vector<Row>& rows) {
  Api api;
  ASSERT_EQ(api.Call("POST", kPolicies, Policy("web")).status, 201);
  ASSERT_EQ(api.Call("POST", "/api/v1/namespaces/shop/secrets",
                     R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "heroku"}})")
                .status,
            201);
  for (const Row& row : rows) {
    const Answered answered = api.Call(row.method, row.path, row.body, row.type);
    EXPECT_EQ(answered.status, row.status) << row.method << " " << row.path << "\n"
                                           << row.body << "\n"
                                           << answered.text;
    EXPECT_TRUE(absl::StrContains(answered.text, row.message)) << row.message << " is not in " << answered.text;
    if (row.status >= 400) {
      const auto error = kubeapi::ApiErrorFromJson(answered.body);
      ASSERT_TRUE(error) << answered.text;
      EXPECT_EQ(error->code, row.status) << answered.text;
      EXPECT_NE(error->reason, kubeapi::ErrorReason::kUnknown) << answered.text;
    }
  }
  EXPECT_TRUE(api.loop.drained());
}

TEST(Requests, DiscoveryTellsWhatIsServed) {
  Expect({
      {"GET", "/version", "", 200, R"("gitVersion":"v1.33.0)"},
      {"GET", "/healthz", "", 200, "ok"},
      {"GET", "/readyz", "", 200, "ok"},
      {"GET", "/api", "", 200, R"("versions":["v1"])"},
      {"GET", "/apis", "", 200, R"("preferredVersion":{"groupVersion":"ottoscale.dev/v1alpha1")"},
      {"GET", "/apis/ottoscale.dev", "", 200, R"("kind":"APIGroup")"},
      {"GET", "/apis/ottoscale.dev/v1alpha1", "", 200, R"("name":"scalingpolicies/status")"},
      {"GET", "/api/v1", "", 200, R"("name":"secrets")"},
      {"GET", "/api/v1/namespaces/shop", "", 200, R"("kind":"Namespace")"},
      {"POST", "/version", "{}", 405, "does not allow this method"},
  });
}

TEST(Requests, WhatIsNotThereIsSaidSo) {
  Expect({
      {"GET", absl::StrCat(kPolicies, "/x"), "", 404, R"(scalingpolicies.ottoscale.dev \"x\" not found)"},
      {"DELETE", absl::StrCat(kPolicies, "/x"), "", 404, R"(scalingpolicies.ottoscale.dev \"x\" not found)"},
      {"PUT", absl::StrCat(kPolicies, "/x"), Policy("x"), 404, R"(\"x\" not found)"},
      {"PATCH", absl::StrCat(kPolicies, "/x"), "{}", 404, R"(\"x\" not found)", "application/merge-patch+json"},
      {"GET", "/api/v1/namespaces/shop/secrets/y", "", 404, R"(secrets \"y\" not found)"},
      {"GET", "/api/v1/namespaces/shop/pods", "", 404, "could not find the requested resource"},
      {"GET", "/apis/ottoscale.dev/v1/scalingpolicies", "", 404, "could not find the requested resource"},
      {"GET", "/", "", 404, "could not find the requested resource"},
      {"GET", absl::StrCat(kWeb, "/scale"), "", 404, "could not find the requested resource"},
      {"GET", "/api/v1/namespaces/shop/secrets/heroku/status", "", 404, "could not find the requested resource"},
      {"GET", "/apis/ottoscale.dev/v1alpha1/scalingpolicies/web", "", 404, "could not find the requested resource"},
  });
}

TEST(Requests, BadBodiesAreRefusedInASentence) {
  const std::string other_kind = R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "CloudAccount", "metadata": {}})";
  const std::string head = R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": )";
  Expect({
      {"POST", kPolicies, "{", 400, "the body cannot be read"},
      {"POST", kPolicies, "[1]", 400, "the body must be one object, found a list"},
      {"POST", kPolicies, R"({"kind": "ScalingPolicy"})", 400, "apiVersion is missing: must be ottoscale.dev/v1alpha1"},
      {"POST", kPolicies, other_kind, 400, "kind must be ScalingPolicy here, found CloudAccount"},
      {"POST", kPolicies, head + "3}", 400, "metadata must be an object"},
      {"POST", kPolicies, head + R"({"name": 3}})", 400, "metadata.name must be a text"},
      {"POST", kPolicies, head + R"({"name": "a", "labels": {"on": true}}})", 400, "metadata.labels.on must be a text"},
      {"POST", kPolicies, head + R"({"name": "a", "namespace": "other"}})", 400, "(other) does not match"},
      {"POST", kPolicies, head + R"({"name": "a", "resourceVersion": "3"}})", 400,
       "should not be set on objects to be created"},
      {"POST", kPolicies, head + "{}}", 422, "metadata.name: name or generateName is required"},
      {"POST", kPolicies, head + R"({"name": "No_Good"}})", 422, "found 'No_Good'"},
      {"POST", kPolicies, Policy("web"), 409, R"(scalingpolicies.ottoscale.dev \"web\" already exists)"},
      {"POST", kPolicies, Policy("b"), 415, "found application/x-www-form-urlencoded",
       "application/x-www-form-urlencoded"},
      {"PATCH", kWeb, "{}", 415, "application/merge-patch+json", "application/strategic-merge-patch+json"},
      {"PATCH", kWeb, "[]", 400, "a merge patch is one object", "application/merge-patch+json"},
      {"PATCH", kWeb, Policy("web"), 400, "fieldManager is required", "application/apply-patch+yaml"},
      {"PUT", kWeb, Policy("other"), 400,
       "the name of the object (other) does not match the name of the request (web)"},
      {"PUT", kWeb, Policy("web"), 422, "metadata.resourceVersion: must be specified for an update"},
      {"POST", kPolicies, std::string(size_t{3} << 20, ' ') + "{}", 413, "at most 3145728 are allowed"},
      {"POST", kPolicies, std::string(1000, '['), 400, "the body cannot be read"},
      {"POST", kWeb, Policy("web"), 405, "does not allow this method"},
      {"DELETE", kPolicies, "", 405, "does not allow this method"},
      {"POST", "/apis/ottoscale.dev/v1alpha1/scalingpolicies", Policy("b"), 405, "does not allow this method"},
  });
}

TEST(Requests, BadParametersAreNamed) {
  Expect({
      {"GET", absl::StrCat(kPolicies, "?watch=maybe"), "", 400, "query parameter watch=maybe: must be true or false"},
      {"GET", absl::StrCat(kPolicies, "?limit=-1"), "", 400, "limit=-1"},
      {"GET", absl::StrCat(kPolicies, "?resourceVersion=x"), "", 400,
       "query parameter resourceVersion: must be a number"},
      {"GET", absl::StrCat(kPolicies, "?resourceVersion=99"), "", 504, "Too large resource version: 99, current: 3"},
      {"GET", absl::StrCat(kPolicies, "?continue=AAAA"), "", 400, "not a token of this server"},
      {"GET", absl::StrCat(kPolicies, "?labelSelector=a%20b"), "", 400, "unable to read 'a b'"},
      {"GET", absl::StrCat(kPolicies, "?fieldSelector=spec.mode%3DEnforce"), "", 400, "is not a selectable field"},
      {"GET", absl::StrCat(kPolicies, "?watch=1&sendInitialEvents=true"), "", 400,
       "needs resourceVersionMatch=NotOlderThan"},
      {"GET", absl::StrCat(kPolicies, "?watch=1&resourceVersion=99"), "", 410, "too old resource version: 99"},
      {"POST", absl::StrCat(kPolicies, "?dryRun=Some"), Policy("b"), 400, "dryRun=Some: must be"},
  });
}

TEST(Requests, CreatingSetsWhatTheServerOwns) {
  Api api;
  const Answered made = api.Call("POST", kPolicies,
                                 Policy("web", 5, R"(, "uid": "mine", "generation": 9, "labels": {"a": "b"}, "x": 1)"));
  ASSERT_EQ(made.status, 201) << made.text;
  const json& metadata = made.body["metadata"];
  EXPECT_EQ(metadata["namespace"], "shop");
  EXPECT_EQ(metadata["resourceVersion"], "2");
  EXPECT_EQ(metadata["generation"], 1);
  EXPECT_EQ(metadata["creationTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(metadata["labels"]["a"], "b");
  EXPECT_FALSE(metadata.contains("x"));
  EXPECT_EQ(metadata["uid"].get<std::string>().size(), 36u);
  EXPECT_EQ(metadata["uid"].get<std::string>()[14], '4');
  EXPECT_EQ(api.Get(kWeb).body, made.body);
}

TEST(Requests, EqualSeedsGiveEqualAnswers) {
  const auto run = [](uint64_t seed) {
    Api api({}, 1000, seed);
    return api
        .Call("POST", kPolicies, R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy",
                    "metadata": {"generateName": "web-"}})")
        .text;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(Requests, YamlIsABodyToo) {
  Api api;
  const Answered made = api.Call("POST", kPolicies,
                                 "apiVersion: ottoscale.dev/v1alpha1\nkind: ScalingPolicy\nmetadata:\n  name: web\n"
                                 "spec:\n  maxCapacity: 5\n",
                                 "application/yaml");
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body["spec"]["maxCapacity"], 5);
}

TEST(Requests, ReplacingChecksTheResourceVersion) {
  Api api;
  json policy = api.Call("POST", kPolicies, Policy("web")).body;
  policy["spec"]["maxCapacity"] = 6;
  const Answered second = api.Call("PUT", kWeb, policy.dump());
  EXPECT_EQ(second.status, 200) << second.text;
  EXPECT_EQ(second.body["metadata"]["generation"], 2);
  EXPECT_EQ(second.body["metadata"]["resourceVersion"], "3");
  policy["spec"]["maxCapacity"] = 7;
  const Answered stale = api.Call("PUT", kWeb, policy.dump());
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.Text({"reason"}), "Conflict");
  EXPECT_EQ(stale.Text({"message"}),
            "Operation cannot be fulfilled on scalingpolicies.ottoscale.dev \"web\": the object "
            "has been modified; please apply your changes to the latest version and try again");
  EXPECT_EQ(api.Get(kWeb).body["spec"]["maxCapacity"], 6);
}

TEST(Requests, AWriteThatChangesNothingIsNone) {
  Api api;
  const json policy = api.Call("POST", kPolicies, Policy("web")).body;
  EXPECT_EQ(api.Call("PUT", kWeb, policy.dump()).body, policy);
  EXPECT_EQ(api.Merge(kWeb, R"({"spec": {"maxCapacity": 5}})").body, policy);
  EXPECT_EQ(api.Merge(absl::StrCat(kWeb, "/status"), R"({"spec": {"maxCapacity": 9}})").body, policy);
  EXPECT_EQ(api.store.Revision(), 2);
}

TEST(Requests, StatusAndTheRestAreWrittenApart) {
  Api api;
  api.Call("POST", kPolicies, R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy",
           "metadata": {"name": "web"}, "spec": {"maxCapacity": 5}, "status": {"currentCapacity": 1}})");
  EXPECT_FALSE(api.Get(kWeb).body.contains("status"));
  const Answered status = api.Merge(absl::StrCat(kWeb, "/status"),
                                    R"({"spec": {"maxCapacity": 9}, "metadata": {"labels": {"a": "b"}},
                                        "status": {"currentCapacity": 2}})");
  EXPECT_EQ(status.body["status"]["currentCapacity"], 2);
  EXPECT_EQ(status.body["spec"]["maxCapacity"], 5);
  EXPECT_FALSE(status.body["metadata"].contains("labels"));
  EXPECT_EQ(status.body["metadata"]["generation"], 1);
  const Answered main = api.Merge(kWeb, R"({"spec": {"maxCapacity": 9}, "status": {"currentCapacity": 7}})");
  EXPECT_EQ(main.body["status"]["currentCapacity"], 2);
  EXPECT_EQ(main.body["metadata"]["generation"], 2);
  const Answered label = api.Merge(kWeb, R"({"metadata": {"labels": {"a": "b"}}})");
  EXPECT_EQ(label.body["metadata"]["generation"], 2);
  EXPECT_EQ(label.body["metadata"]["resourceVersion"], "5");
}

TEST(Requests, AMergePatchIsConditionalWhenItSaysSo) {
  Api api;
  api.Call("POST", kPolicies, Policy("web"));
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"resourceVersion": "1"}, "spec": {"maxCapacity": 6}})").status, 409);
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"uid": "other"}, "spec": {"maxCapacity": 6}})").status, 409);
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"resourceVersion": "2"}, "spec": {"maxCapacity": 6}})").status, 200);
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"name": "other"}})").status, 400);
}

TEST(Requests, DryRunsChangeNothing) {
  Api api;
  EXPECT_EQ(api.Call("POST", absl::StrCat(kPolicies, "?dryRun=All"), Policy("web")).status, 201);
  EXPECT_EQ(api.Get(kWeb).status, 404);
  const json policy = api.Call("POST", kPolicies, Policy("web")).body;
  const Answered patched = api.Call("PATCH", absl::StrCat(kWeb, "?dryRun=All"), R"({"spec": {"maxCapacity": 6}})",
                                    "application/merge-patch+json");
  EXPECT_EQ(patched.body["spec"]["maxCapacity"], 6);
  EXPECT_EQ(api.Call("DELETE", absl::StrCat(kWeb, "?dryRun=All")).status, 200);
  EXPECT_EQ(api.Call("DELETE", kWeb, R"({"dryRun": ["All"]})").status, 200);
  EXPECT_EQ(api.Get(kWeb).body, policy);
}

TEST(Requests, DeletingHonoursPreconditions) {
  Api api;
  const json policy = api.Call("POST", kPolicies, Policy("web")).body;
  EXPECT_EQ(api.Call("DELETE", kWeb, R"({"preconditions": {"uid": "other"}})").status, 409);
  EXPECT_EQ(api.Call("DELETE", kWeb, R"({"preconditions": {"resourceVersion": "1"}})").status, 409);
  const Answered gone = api.Call("DELETE", kWeb, R"({"preconditions": {"resourceVersion": "2"}})");
  EXPECT_EQ(gone.status, 200) << gone.text;
  EXPECT_EQ(gone.Text({"status"}), "Success");
  EXPECT_EQ(gone.body["details"]["uid"], policy["metadata"]["uid"]);
  EXPECT_EQ(api.Get(kWeb).status, 404);
}

TEST(Requests, FinalizersHoldAnObjectUntilTheyAreGone) {
  Api api;
  api.Call("POST", kPolicies, Policy("web", 5, R"(, "finalizers": ["a.dev/x"])"));
  api.loop.RunFor(absl::Seconds(5));
  const Answered marked = api.Call("DELETE", kWeb);
  EXPECT_EQ(marked.Text({"metadata", "deletionTimestamp"}), "2026-01-01T00:00:05Z") << marked.text;
  EXPECT_EQ(api.Call("DELETE", kWeb).body, marked.body);
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"finalizers": null}})").status, 200);
  EXPECT_EQ(api.Get(kWeb).status, 404);
}

TEST(Requests, JsonPatchesHaveAllSixOperations) {
  struct PatchRow {
    const char* patch;
    int status;
    const char* expected;  // the spec, or a part of the message
  };
  const std::vector<PatchRow> rows = {
      {R"([{"op": "add", "path": "/spec/a", "value": [1]}])", 200, R"({"a":[1],"maxCapacity":5})"},
      {R"([{"op": "add", "path": "/spec/a/-", "value": 3}, {"op": "add", "path": "/spec/a/1", "value": 2}])", 200,
       R"({"a":[1,2,3],"maxCapacity":5})"},
      {R"([{"op": "test", "path": "/spec/a/1", "value": 2}, {"op": "remove", "path": "/spec/a/0"}])", 200,
       R"({"a":[2,3],"maxCapacity":5})"},
      {R"([{"op": "replace", "path": "/spec/a", "value": {"~/": 1}}])", 200, R"({"a":{"~/":1},"maxCapacity":5})"},
      {R"([{"op": "move", "from": "/spec/a/~0~1", "path": "/spec/b"}])", 200, R"({"a":{},"b":1,"maxCapacity":5})"},
      {R"([{"op": "copy", "from": "/spec/b", "path": "/spec/a/c"}])", 200, R"({"a":{"c":1},"b":1,"maxCapacity":5})"},
      {R"([{"op": "test", "path": "/spec/b", "value": 2}])", 422, "test '/spec/b': the test does not hold"},
      {R"([{"op": "add", "path": "/spec/b/c/d", "value": 2}])", 422, "the parent of the path does not exist"},
      {R"([{"op": "add", "path": "/spec/b/c", "value": 2}])", 422, "neither an object nor a list"},
      {R"([{"op": "remove", "path": "/spec/none"}])", 422, "the path does not exist"},
      {R"([{"op": "replace", "path": "spec", "value": 1}])", 422, "path must be a JSON pointer"},
      {R"([{"op": "move", "from": "/spec", "path": "/spec/a/b"}])", 422, "cannot be moved into itself"},
      {R"([{"op": "remove", "path": ""}])", 422, "the whole object cannot be removed"},
      {R"([{"op": "add", "path": "/spec/x"}])", 422, "value is missing"},
      {R"([{"op": "increase", "path": "/spec/b"}])", 400, "op must be add, remove"},
      {R"({"op": "add"})", 400, "a json patch is a list of operations"},
      {R"([{"op": "replace", "path": "", "value": 1}])", 400, "the result is no object"},
      {R"([{"op": "replace", "path": "/kind", "value": "X"}])", 400, "kind must be ScalingPolicy"},
  };
  Api api;
  api.Call("POST", kPolicies, Policy("web"));
  for (const PatchRow& row : rows) {
    const Answered answered = api.Call("PATCH", kWeb, row.patch, "application/json-patch+json");
    EXPECT_EQ(answered.status, row.status) << row.patch << answered.text;
    if (row.status == 200) {
      EXPECT_EQ(answered.body["spec"].dump(), row.expected) << row.patch;
    } else {
      EXPECT_TRUE(absl::StrContains(answered.Text({"message"}), row.expected)) << row.patch << answered.text;
    }
  }
}

TEST(Requests, AJsonPatchCannotBlowAnObjectUp) {
  Api api;
  api.Call("POST", kPolicies, Policy("web"));
  json doubling = json::array();
  doubling.push_back(
      json::parse(absl::StrCat(R"({"op": "add", "path": "/spec/a", "value": ")", std::string(100'000, 'x'), "\"}")));
  for (int i = 0; i < 16; ++i) {
    doubling.push_back(json::parse(absl::StrCat(R"({"op": "copy", "from": "", "path": "/spec/b)", i, "\"}")));
  }
  EXPECT_EQ(api.Call("PATCH", kWeb, doubling.dump(), "application/json-patch+json").status, 413);
  doubling.push_back(doubling.back());
  EXPECT_EQ(api.Call("PATCH", kWeb, doubling.dump(), "application/json-patch+json").status, 400);
}

TEST(Requests, TheInjectedValidatorRefusesWithCauses) {
  size_t calls = 0;
  ApiServerOptions options;
  options.validator = [&calls](const kubeapi::Resource& resource, const json& object) {
    ++calls;
    EXPECT_EQ(resource, kubeapi::ScalingPolicies());
    std::vector<std::string> problems;
    if (kubeapi::IntegerAt(object, {"spec", "maxCapacity"}).value_or(0) > 10) {
      problems = {"spec.maxCapacity: must be at most 10, found 11", "try: a smaller one"};
    }
    return problems;
  };
  Api api(std::move(options));
  const Answered refused = api.Call("POST", kPolicies, Policy("web", 11));
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.Text({"message"}),
            "ScalingPolicy.ottoscale.dev \"web\" is invalid: [spec.maxCapacity: must be at most "
            "10, found 11, try: a smaller one]");
  EXPECT_EQ(refused.body["details"]["causes"][0]["field"], "spec.maxCapacity");
  EXPECT_EQ(refused.body["details"]["kind"], "ScalingPolicy");
  EXPECT_EQ(api.Call("POST", kPolicies, Policy("web")).status, 201);
  EXPECT_EQ(api.Merge(kWeb, R"({"spec": {"maxCapacity": 11}})").status, 422);
  EXPECT_EQ(api.Apply(kWeb, "me", Policy("web", 11), "&force=true").status, 422);
  calls = 0;
  EXPECT_EQ(api.Merge(kWeb, R"({"metadata": {"labels": {"a": "b"}}})").status, 200);
  EXPECT_EQ(api.Merge(absl::StrCat(kWeb, "/status"), R"({"status": {"a": "b"}})").status, 200);
  EXPECT_EQ(calls, 0u) << "an object that older rules allowed can still be labelled";
}

TEST(Requests, SecretsAreCheckedAndFolded) {
  Api api;
  const std::string path = "/api/v1/namespaces/shop/secrets";
  const auto secret = [](absl::string_view rest) {
    return absl::StrCat(R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, )", rest, "}");
  };
  const Answered bad = api.Call("POST", path, secret(R"("data": {"key": "hunter2!"})"));
  EXPECT_EQ(bad.status, 422);
  EXPECT_FALSE(absl::StrContains(bad.text, "hunter2")) << "a refusal must not repeat a secret";
  EXPECT_EQ(api.Call("POST", path, secret(R"("stringData": {"key": 5})")).status, 422);
  EXPECT_EQ(api.Call("POST", path, secret(R"("data": [])")).status, 422);
  const Answered good =
      api.Call("POST", path, secret(R"("data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "yy"})"));
  EXPECT_EQ(good.status, 201) << good.text;
  EXPECT_EQ(good.body["data"].dump(), R"({"a":"eA==","b":"eXk="})");
  EXPECT_EQ(good.body["type"], "Opaque");
  EXPECT_FALSE(good.body.contains("stringData"));
  EXPECT_FALSE(good.body["metadata"].contains("generation"));
  const Answered replaced = api.Call("PUT", path + "/s", secret(R"("stringData": {"c": "z"})"));
  EXPECT_EQ(replaced.status, 200) << "a secret may be replaced without a resourceVersion";
  EXPECT_EQ(replaced.body["data"].dump(), R"({"c":"eg=="})");
}

std::string EventBody(absl::string_view name, absl::string_view type = "Normal") {
  return absl::StrCat(
      R"({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": ")", name,
      R"("}, "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "ottoscale.dev/operator",
                         "reportingInstance": "pod-1", "action": "ScaleOut", "reason": "ScaledOut", "type": ")",
      type, R"(", "regarding": {"namespace": "shop", "name": "web"}, "note": "2 to 3"})");
}

TEST(Requests, EventsAreCheckedAsARealServerDoes) {
  Api api;
  const std::string path = "/apis/events.k8s.io/v1/namespaces/shop/events";
  EXPECT_EQ(api.Call("POST", path, EventBody("e")).status, 201);
  EXPECT_EQ(api.Call("POST", path, EventBody("f", "Error")).status, 422);
  json event = json::parse(EventBody("g"));
  event["note"] = std::string(1025, 'x');
  event.erase("eventTime");
  event["action"] = "";
  EXPECT_EQ(api.Call("POST", path, event.dump()).body["details"]["causes"].size(), 3u);
  EXPECT_EQ(
      api.Merge(path + "/e", R"({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}})").status,
      200);
}

TEST(Requests, EventsAreForgottenAnHourAfterTheirLastWrite) {
  Api api;
  const std::string path = "/apis/events.k8s.io/v1/namespaces/shop/events";
  api.Call("POST", path, EventBody("old"));
  api.Call("POST", path, EventBody("renewed"));
  api.loop.RunFor(absl::Minutes(59));
  api.Merge(path + "/renewed", R"({"note": "again"})");
  api.loop.RunFor(absl::Minutes(2));
  api.Call("POST", path, EventBody("new"));
  EXPECT_EQ(api.Get(path + "/old").status, 404);
  EXPECT_EQ(api.Get(path + "/renewed").status, 200);
  api.loop.RunFor(absl::Hours(2));
  api.Call("POST", path, EventBody("newest"));
  EXPECT_EQ(api.Get(path).body["items"].size(), 1u);
}

TEST(Requests, LeasesAreCheckedAndNeedAResourceVersion) {
  Api api;
  const std::string path = "/apis/coordination.k8s.io/v1/namespaces/ops/leases";
  const auto lease = [](absl::string_view spec) {
    return absl::StrCat(
        R"({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": )", spec, "}");
  };
  EXPECT_EQ(api.Call("POST", path, lease(R"({"leaseDurationSeconds": 0})")).status, 422);
  EXPECT_EQ(api.Call("POST", path, lease(R"({"leaseTransitions": -1})")).status, 422);
  EXPECT_EQ(api.Call("POST", path, lease(R"({"renewTime": "now"})")).status, 422);
  const std::string good = lease(R"({"holderIdentity": "a", "leaseDurationSeconds": 15,
                                     "renewTime": "2026-01-01T00:00:00.000000Z"})");
  EXPECT_EQ(api.Call("POST", path, good).status, 201);
  EXPECT_EQ(api.Call("PUT", path + "/l", good).status, 422);
}

TEST(Requests, StrategicPatchesWorkForBuiltInKindsWithoutDirectives) {
  const char* type = "application/strategic-merge-patch+json";
  Expect({
      {"PATCH", "/api/v1/namespaces/shop/secrets/heroku", R"({"stringData": {"a": "x"}})", 200,
       R"("data":{"a":"eA=="})", type},
      {"PATCH", "/api/v1/namespaces/shop/secrets/heroku", R"({"data": {"a": null}})", 200, R"("data":{})", type},
      {"PATCH", "/api/v1/namespaces/shop/secrets/heroku", R"({"data": {"$patch": "delete"}})", 400, "directives", type},
      {"PATCH", kWeb, "{}", 415, "found application/strategic-merge-patch+json", type},
  });
}

TEST(Requests, NamespacesExistByBeingNamed) {
  Expect({{"POST", "/api/v1/namespaces", R"({"metadata": {"name": "foo"}})", 409,
           R"(namespaces \"foo\" already exists)"}});
}

TEST(Requests, AuthorizationIsAskedForEverythingButHealth) {
  ApiServerOptions options;
  options.authorize = [](const http::ServerRequest& request) { return request.method == "GET"; };
  Api api(std::move(options));
  EXPECT_EQ(api.Call("POST", kPolicies, Policy("web")).status, 403);
  EXPECT_EQ(api.Get(kPolicies).status, 200);
  EXPECT_EQ(api.Get("/healthz").status, 200);
}

TEST(Requests, PrettyIsForPeople) {
  Api api;
  EXPECT_TRUE(absl::StrContains(api.Get("/version?pretty=true").text, "\n  \"gitVersion\""));
}

}  // namespace
}  // namespace ottoscale::apiserver
