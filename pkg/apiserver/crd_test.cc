// The custom kinds as they are in crds/: what a schema prunes, fills in and refuses; tables, OpenAPI and field
// validation over requests.
#include "pkg/apiserver/crd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_join.h"
#include "pkg/apiserver/fixture_test.h"
#include "pkg/apiserver/schema.h"
#include "pkg/apiserver/table.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::apiserver {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json Yaml(const std::string& text) {
  codec::Documents parsed = codec::ParseYaml(text);
  EXPECT_THAT(parsed.problems, IsEmpty());
  return parsed.documents.at(0).value;
}

json Crd(const std::string& plural) {
  std::ifstream in(absl::StrCat(OTTOSCALE_SOURCE_DIR, "/crds/", plural, ".yaml"));
  std::stringstream text;
  text << in.rdbuf();
  return Yaml(text.str());
}

Served Policies() { return ServedFromCrd(Crd("scalingpolicies")).value(); }

json Good() {
  return Yaml(R"(
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: shop}}
  maxCapacity: 5
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "https://shop.example/"}}
    strategy: {type: Threshold, threshold: {lower: 200, upper: 1000}}
)");
}

std::vector<std::string> Refusals(const json& object) {
  std::vector<std::string> out;
  for (const kubeapi::Cause& cause : CheckSchema(*Policies().schema, object)) {
    out.push_back(absl::StrCat(cause.field, " ", cause.reason, ": ", cause.message));
  }
  return out;
}

TEST(ServedFromCrd, TakesNamesColumnsAndListsFromTheDefinition) {
  const Served served = Policies();
  EXPECT_EQ(served.resource, kubeapi::ScalingPolicies());
  EXPECT_THAT(served.short_names, ElementsAre("spol"));
  EXPECT_THAT(served.selectable, ElementsAre("spec.target.type"));
  EXPECT_EQ(served.columns.at(1).path, ".status.target");
  std::vector<std::string> lists;
  for (const ListMap& map : served.list_maps) lists.push_back(absl::StrCat(absl::StrJoin(map.path, "."), " ", map.key));
  EXPECT_THAT(lists, ::testing::UnorderedElementsAre("spec.metrics name", "status.conditions type"));
}

TEST(ServedFromCrd, RefusesWhatItDoesNotKnow) {
  json crd = Crd("cloudaccounts");
  crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["type"]["type"] = "uuid";
  EXPECT_THAT(std::string(ServedFromCrd(crd).status().message()),
              HasSubstr("cloudaccounts.ottoscale.dev: schema of spec.type: type 'uuid' is not known"));
  crd["spec"]["versions"].push_back(crd["spec"]["versions"][0]);
  EXPECT_FALSE(ServedFromCrd(crd).ok());
}

TEST(Schema, FindsAndPrunesUnknownFields) {
  json object = Good();
  object["spec"]["metrics"][0]["nmae"] = "x";
  object["spec"]["target"]["herokuFormation"]["size"] = 1;
  object["data"] = json::object();
  object["metadata"]["lables"] = json::object();
  EXPECT_THAT(UnknownFields(*Policies().schema, object),
              ::testing::UnorderedElementsAre("spec.metrics[0].nmae", "spec.target.herokuFormation.size", "data",
                                              "metadata.lables"));
  Prune(*Policies().schema, object);
  object["metadata"].erase("lables");
  EXPECT_EQ(object, Good());
}

TEST(Schema, FillsInWhatIsAbsentOrNullAndNothingElse) {
  json object = Good();
  object["spec"]["mode"] = nullptr;
  object["spec"]["suspend"] = nullptr;
  object["spec"]["behavior"]["scaleIn"]["cooldownSeconds"] = 7;
  ApplyDefaults(*Policies().schema, object);
  EXPECT_EQ(object["spec"]["mode"], "Enforce");
  EXPECT_FALSE(object["spec"].contains("suspend"));
  EXPECT_EQ(object["spec"]["behavior"]["scaleIn"]["cooldownSeconds"], 7);
  EXPECT_EQ(object["spec"]["behavior"]["scaleIn"]["policies"],
            Yaml("[{type: Percent, value: 50, periodSeconds: 300}]"));
  EXPECT_EQ(object["spec"]["metrics"][0]["aggregation"], Yaml("{type: Last, windowSeconds: 0}"));
  EXPECT_EQ(object["spec"]["metrics"][0]["source"]["httpHeartbeat"]["timeoutMilliseconds"], 10000);
  EXPECT_FALSE(object["spec"].contains("schedule"));
  EXPECT_THAT(Refusals(object), IsEmpty());
}

TEST(Schema, RefusesWrongShapesWithTheirPathAndReason) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* refusal;
  };
  const Row rows[] = {
      {"/spec/maxCapacity", "\"5\"", "spec.maxCapacity FieldValueTypeInvalid: must be an integer, found '5'"},
      {"/spec/maxCapacity", "10001",
       "spec.maxCapacity FieldValueInvalid: must be an integer from 1 to 10000, found 10001"},
      {"/spec/mode", "\"Watch\"", "spec.mode FieldValueNotSupported: must be 'Enforce' or 'Recommend', found 'Watch'"},
      {"/spec/metrics", "[]", "spec.metrics FieldValueInvalid: must have 1 to 16 items, found 0"},
      {"/spec/metrics/0/name", "\"A\"",
       "spec.metrics[0].name FieldValueInvalid: must be a text that matches ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$, found "
       "'A'"},
      {"/spec/target/herokuFormation/app", "\"\"",
       "spec.target.herokuFormation.app FieldValueInvalid: must not be empty"},
      {"/spec/metrics/0/strategy/threshold/lower", "37.5",
       "spec.metrics[0].strategy.threshold.lower FieldValueTypeInvalid: must be an integer or a string, found 37.5"},
      {"/spec/suspend", "{\"untilTime\": \"soon\"}",
       "spec.suspend.untilTime FieldValueInvalid: must be a time such as \"2026-12-01T00:00:00Z\", found 'soon'"},
      {"/spec/notifications", "[{\"channelRef\": {\"name\": \"a\"}, \"events\": [\"ScaledIn\", \"ScaledIn\"]}]",
       "spec.notifications[0].events[1] FieldValueDuplicate: must be listed once, found \"ScaledIn\" again"},
      {"/spec/target", "{\"type\": \"HerokuFormation\", \"herokuFormation\": {\"app\": \"a\"}}",
       "spec.target.herokuFormation.accountRef FieldValueRequired: is required"},
  };
  for (const Row& row : rows) {
    json object = Good();
    object[json::json_pointer(row.pointer)] = json::parse(row.value);
    EXPECT_THAT(Refusals(object), ElementsAre(row.refusal)) << row.pointer;
  }
}

TEST(Schema, CountsCharactersAndTellsElementsApartByTheirKey) {
  json object = Good();
  std::string long_text;
  for (int i = 0; i < 256; ++i) long_text += "ä";
  object["spec"]["suspend"]["reason"] = long_text;
  EXPECT_THAT(Refusals(object), IsEmpty());
  object["spec"]["suspend"]["reason"] = long_text + "ä";
  object["spec"]["metrics"].push_back(object["spec"]["metrics"][0]);
  EXPECT_THAT(Refusals(object), ::testing::UnorderedElementsAre(HasSubstr("spec.suspend.reason FieldValueTooLong"),
                                                                HasSubstr("spec.metrics[1] FieldValueDuplicate")));
}

TEST(Table, ReadsColumnsByTheirPath) {
  const json object = Yaml("status: {conditions: [{type: A, status: 1}, {type: Ready, status: 'True'}], n: 5}");
  EXPECT_EQ(ValueAtPath(object, ".status.n"), 5);
  EXPECT_EQ(ValueAtPath(object, ".status.conditions[?(@.type==\"Ready\")].status"), "True");
  EXPECT_EQ(ValueAtPath(object, ".status.conditions[?(@.type==\"Other\")].status"), nullptr);
  EXPECT_EQ(ValueAtPath(object, ".status.absent.deeper"), nullptr);
}

TEST(Table, SaysHowOldThingsAreAsKubectlDoes) {
  const std::pair<absl::Duration, const char*> rows[] = {
      {absl::Seconds(-5), "<invalid>"}, {absl::ZeroDuration(), "0s"},    {absl::Seconds(119), "119s"},
      {absl::Seconds(125), "2m5s"},     {absl::Seconds(120), "2m"},      {absl::Minutes(11), "11m"},
      {absl::Minutes(181), "3h1m"},     {absl::Hours(9), "9h"},          {absl::Hours(50), "2d2h"},
      {absl::Hours(24 * 10), "10d"},    {absl::Hours(24 * 800), "2y70d"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(HumanDuration(duration), text);
}

class CrdApi : public ::testing::Test {
 protected:
  static ApiServerOptions Options() {
    ApiServerOptions options;
    options.served = ServedWith({Crd("scalingpolicies"), Crd("cloudaccounts"), Crd("notificationchannels")}).value();
    return options;
  }
  Answered Table(const std::string& path) {
    http::Request request = Api::RequestFor("GET", path);
    request.headers.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    return api_.loop.Run(CallTask(api_.transport, std::move(request)));
  }
  Api api_{Options()};
};

TEST_F(CrdApi, RefusesUnknownFieldsWhenAskedToAndElseLeavesThemOut) {
  json object = Good();
  object["spec"]["maxCapcity"] = 9;
  const Answered strict = api_.Call("POST", absl::StrCat(kPolicies, "?fieldValidation=Strict"), object.dump());
  EXPECT_EQ(strict.status, 400);
  EXPECT_THAT(strict.Text({"message"}), HasSubstr("strict decoding error: unknown field \"spec.maxCapcity\""));
  const Answered warned = api_.Call("POST", kPolicies, object.dump());
  EXPECT_EQ(warned.status, 201);
  EXPECT_FALSE(warned.body["spec"].contains("maxCapcity"));
  EXPECT_EQ(warned.body["spec"]["pollPeriodSeconds"], 30);
  const Answered patched = api_.Merge(absl::StrCat(kWeb, "?fieldValidation=Strict"), R"({"spec": {"x": 1}})");
  EXPECT_EQ(patched.status, 400);
  EXPECT_EQ(api_.Merge(absl::StrCat(kWeb, "?fieldValidation=Ignore"), R"({"spec": {"x": 1}})").status, 200);
}

TEST_F(CrdApi, RefusesWrongValuesWithEveryCause) {
  json object = Good();
  object["spec"]["mode"] = "Watch";
  object["spec"].erase("maxCapacity");
  const Answered answer = api_.Call("POST", kPolicies, object.dump());
  EXPECT_EQ(answer.status, 422);
  std::vector<std::string> fields;
  for (const json& cause : answer.body["details"]["causes"]) fields.push_back(cause["field"].get<std::string>());
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("spec.mode", "spec.maxCapacity"));
}

TEST_F(CrdApi, ChecksTheStatusThatIsWritten) {
  ASSERT_EQ(api_.Call("POST", kPolicies, Good().dump()).status, 201);
  const std::string status = absl::StrCat(kWeb, "/status");
  EXPECT_EQ(api_.Merge(status, R"({"status": {"currentCapacity": 2}})").status, 200);
  const Answered wrong = api_.Merge(status, R"({"status": {"currentCapacity": "two"}})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.Text({"message"}), HasSubstr("status.currentCapacity: must be an integer, found 'two'"));
}

TEST_F(CrdApi, AppliesDefaultsWithoutGivingThemToTheApplier) {
  const Answered applied = api_.Apply(kWeb, "kubectl", Good().dump());
  ASSERT_EQ(applied.status, 201);
  EXPECT_EQ(applied.body["spec"]["mode"], "Enforce");
  const json fields = applied.body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"];
  EXPECT_TRUE(fields.contains("f:maxCapacity"));
  EXPECT_FALSE(fields.contains("f:mode"));
}

TEST_F(CrdApi, GivesTables) {
  ASSERT_EQ(api_.Call("POST", kPolicies, Good().dump()).status, 201);
  ASSERT_EQ(api_.Merge(absl::StrCat(kWeb, "/status"),
                       R"({"status": {"target": "heroku/shop/web", "currentCapacity": 2, "conditions": [
                           {"type": "Ready", "status": "True", "reason": "A", "message": "",
                            "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})")
                .status,
            200);
  for (const std::string& path : {std::string(kPolicies), std::string(kWeb)}) {
    const Answered table = Table(path);
    EXPECT_EQ(table.Text({"kind"}), "Table") << table.text;
    EXPECT_EQ(table.body["columnDefinitions"][2]["name"], "TARGET");
    const json& row = table.body["rows"][0];
    EXPECT_EQ(row["cells"][0], "web");
    EXPECT_EQ(row["cells"][2], "heroku/shop/web");
    EXPECT_EQ(row["cells"][3], nullptr);
    EXPECT_EQ(row["cells"][5], 2);
    EXPECT_EQ(row["cells"][9], "True");
    EXPECT_EQ(row["cells"][11], "0s");
    EXPECT_EQ(row["object"]["kind"], "PartialObjectMetadata");
  }
}

TEST_F(CrdApi, WatchesAsTables) {
  ASSERT_EQ(api_.Call("POST", kPolicies, Good().dump()).status, 201);
  http::Request request = Api::RequestFor("GET", absl::StrCat(kPolicies, "?watch=true"));
  request.headers.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
  request.streaming = true;
  request.idle_timeout = absl::Hours(1);
  Watched watched;
  api_.scope.Spawn(WatchTask(api_.transport, std::move(request), watched));
  api_.loop.RunReady();
  ASSERT_EQ(api_.Merge(kWeb, R"({"spec": {"maxCapacity": 6}})").status, 200);
  api_.loop.RunReady();
  ASSERT_EQ(watched.events.size(), 2u);
  EXPECT_TRUE(watched.events[0]["object"]["columnDefinitions"].is_array());
  EXPECT_TRUE(watched.events[1]["object"]["columnDefinitions"].is_null());
  EXPECT_EQ(watched.events[1]["object"]["rows"][0]["cells"][0], "web");
  api_.scope.Cancel();
  api_.loop.RunReady();
}

TEST_F(CrdApi, SelectsByTheFieldsThatTheDefinitionNames) {
  ASSERT_EQ(api_.Call("POST", kPolicies, Good().dump()).status, 201);
  const auto found = [&](const std::string& selector) {
    return api_.Get(absl::StrCat(kPolicies, "?fieldSelector=", selector)).body["items"].size();
  };
  EXPECT_EQ(found("spec.target.type%3DHerokuFormation"), 1u);
  EXPECT_EQ(found("spec.target.type%3DOtterGroup"), 0u);
  EXPECT_EQ(api_.Get(absl::StrCat(kPolicies, "?fieldSelector=spec.mode%3DEnforce")).status, 400);
}

TEST_F(CrdApi, DescribesItselfInOpenApi) {
  const Answered index = api_.Get("/openapi/v3");
  EXPECT_TRUE(index.body["paths"].contains("apis/ottoscale.dev/v1alpha1"));
  const Answered document = api_.Get("/openapi/v3/apis/ottoscale.dev/v1alpha1");
  const json& schema = document.body["components"]["schemas"]["dev.ottoscale.v1alpha1.ScalingPolicy"];
  EXPECT_EQ(schema["x-kubernetes-group-version-kind"][0]["kind"], "ScalingPolicy");
  EXPECT_FALSE(schema["properties"]["spec"]["properties"]["mode"]["description"].empty());
  const json& patch =
      document.body["paths"]["/apis/ottoscale.dev/v1alpha1/namespaces/{namespace}/scalingpolicies/{name}"]["patch"];
  std::vector<std::string> names;
  for (const json& parameter : patch["parameters"]) names.push_back(parameter["name"].get<std::string>());
  EXPECT_THAT(names, Contains("fieldValidation"));
  EXPECT_THAT(names, Contains("dryRun"));
  EXPECT_EQ(api_.Get("/openapi/v3/apis/other/v1").status, 404);
}

TEST_F(CrdApi, GivesEventsInTheOldFormToo) {
  ASSERT_EQ(api_.Call("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", R"({
      "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e1"}, "eventTime": "2026-01-01T00:00:00Z",
      "reason": "ScaledOut", "action": "Scale", "type": "Normal", "note": "one more", "reportingController": "ottoscale",
      "reportingInstance": "o-1", "regarding": {"kind": "ScalingPolicy", "name": "web", "namespace": "shop"}})")
                .status,
            201);
  const std::string path = "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3D";
  const Answered events = api_.Get(path + "web");
  ASSERT_EQ(events.body["items"].size(), 1u) << events.text;
  EXPECT_EQ(events.body["items"][0]["message"], "one more");
  EXPECT_EQ(events.body["items"][0]["involvedObject"]["kind"], "ScalingPolicy");
  EXPECT_EQ(api_.Get(path + "other").body["items"].size(), 0u);
  Watched watched;
  api_.Watch("/api/v1/namespaces/shop/events?watch=true", watched);
  ASSERT_EQ(watched.events.size(), 1u);
  EXPECT_EQ(watched.events[0]["object"]["message"], "one more");
  api_.scope.Cancel();
  api_.loop.RunReady();
}

}  // namespace
}  // namespace ottoscale::apiserver
