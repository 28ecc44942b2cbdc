#include <gtest/gtest.h>

#include "pkg/apiserver/fixture_test.h"
#include "pkg/apiserver/managed_fields.h"

namespace ottoscale::apiserver {
namespace {

using nlohmann::json;

std::string Body(absl::string_view rest) {
  return absl::StrCat(
      R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": "web"})", rest, "}");
}

std::string Owner(const json& object, const FieldPath& path) {
  std::string owners;
  for (const Manager& manager : ReadManagers(object)) {
    if (manager.fields.contains(path)) absl::StrAppend(&owners, owners.empty() ? "" : " ", manager.name);
  }
  return owners;
}

TEST(FieldSet, SurvivesFieldsV1) {
  const ListMaps maps = {{.path = {"status", "conditions"}, .key = "type"}};
  const json object = json::parse(R"({"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "labels": {"a": "b"}},
      "spec": {"empty": {}, "list": [1, {"x": 2}], "deep": {"er": null}},
      "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Stalled", "status": "False"}]}})");
  const FieldSet set = FieldsOf(object, maps);
  EXPECT_EQ(ToFieldsV1(set).dump(),
            R"({"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:deep":{"f:er":{}},"f:empty":{},"f:list":{}},)"
            R"("f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}},)"
            R"("k:{\"type\":\"Stalled\"}":{".":{},"f:status":{},"f:type":{}}}}})");
  EXPECT_EQ(FromFieldsV1(ToFieldsV1(set)), set);
  EXPECT_EQ(*ValueAt(object, {"f:status", "f:conditions", R"(k:{"type":"Stalled"})", "f:status"}), "False");
  EXPECT_EQ(PathText({"f:status", "f:conditions", R"(k:{"type":"Stalled"})", "f:status"}),
            R"(.status.conditions[type="Stalled"].status)");
}

TEST(FieldSet, AListWhoseElementsHaveNoKeyIsOneValue) {
  const ListMaps maps = {{.path = {"spec", "metrics"}, .key = "name"}};
  for (const char* list : {R"([{"x": 1}])", R"([{"name": "a"}, {"name": "a"}])", R"([3])", R"([{"name": null}])"}) {
    const json object = json::parse(absl::StrCat(R"({"spec": {"metrics": )", list, "}}"));
    EXPECT_EQ(FieldsOf(object, maps), (FieldSet{{"f:spec", "f:metrics"}})) << list;
  }
}

TEST(Apply, CreatesAndOwnsWhatItSent) {
  Api api;
  const Answered made = api.Apply(kWeb, "gitops",
                                  "apiVersion: ottoscale.dev/v1alpha1\nkind: ScalingPolicy\n"
                                  "metadata: {name: web, labels: {team: shop}}\nspec: {maxCapacity: 5}\n");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.body["metadata"]["managedFields"].dump(),
            R"([{"apiVersion":"ottoscale.dev/v1alpha1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":)"
            R"({"f:team":{}}},"f:spec":{"f:maxCapacity":{}}},"manager":"gitops","operation":"Apply",)"
            R"("time":"2026-01-01T00:00:00Z"}])");
}

TEST(Apply, TheSameAgainChangesNothing) {
  Api api;
  const json made = api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5})")).body;
  api.loop.RunFor(absl::Seconds(10));
  EXPECT_EQ(api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5})")).body, made);
  EXPECT_EQ(api.store.Revision(), 2);
}

TEST(Apply, RemovesWhatAManagerNoLongerSends) {
  Api api;
  api.Apply(kWeb, "a",
            Body(R"(, "spec": {"maxCapacity": 5, "minCapacity": 1, "target": {"type": "X", "x": {"y": 1}}})"));
  const Answered second = api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5, "target": {"type": "X"}})"));
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.body["spec"].dump(), R"({"maxCapacity":5,"target":{"type":"X"}})");
  EXPECT_EQ(second.body["metadata"]["generation"], 2);
}

TEST(Apply, LeavesWhatOthersOwnToo) {
  Api api;
  api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5, "minCapacity": 1})"));
  const Answered shared = api.Apply(kWeb, "b", Body(R"(, "spec": {"minCapacity": 1})"));
  EXPECT_EQ(shared.status, 200) << "the same value is no conflict" << shared.text;
  EXPECT_EQ(Owner(shared.body, {"f:spec", "f:minCapacity"}), "a b");
  const Answered less = api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5})"));
  EXPECT_EQ(less.body["spec"]["minCapacity"], 1);
  EXPECT_EQ(Owner(less.body, {"f:spec", "f:minCapacity"}), "b");
  const Answered none = api.Apply(kWeb, "b", Body(""));
  EXPECT_EQ(none.body["spec"].dump(), R"({"maxCapacity":5})");
  EXPECT_EQ(ReadManagers(none.body).size(), 1u);
}

TEST(Apply, ConflictsAreNamedAndForceTakesTheField) {
  Api api;
  api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5, "minCapacity": 1})"));
  const Answered conflict = api.Apply(kWeb, "b", Body(R"(, "spec": {"maxCapacity": 6})"));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.Text({"message"}), R"(Apply failed with 1 conflict: conflict with "a": .spec.maxCapacity)");
  EXPECT_EQ(conflict.body["details"]["causes"][0]["reason"], "FieldManagerConflict");
  EXPECT_EQ(api.store.Revision(), 2);
  const Answered forced = api.Apply(kWeb, "b", Body(R"(, "spec": {"maxCapacity": 6})"), "&force=true");
  EXPECT_EQ(forced.status, 200);
  EXPECT_EQ(Owner(forced.body, {"f:spec", "f:maxCapacity"}), "b");
  EXPECT_EQ(Owner(forced.body, {"f:spec", "f:minCapacity"}), "a");
}

TEST(Apply, APlainWriteTakesWhatItChanges) {
  Api api;
  api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5, "minCapacity": 1})"));
  const Answered patched = api.Merge(kWeb, R"({"spec": {"maxCapacity": 7, "minCapacity": null}})");
  EXPECT_EQ(Owner(patched.body, {"f:spec", "f:maxCapacity"}), "tester");
  EXPECT_EQ(ReadManagers(patched.body).size(), 1u);
  const Answered conflict = api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5})"));
  EXPECT_EQ(conflict.Text({"message"}),
            "Apply failed with 1 conflict: conflict with \"tester\" using "
            "ottoscale.dev/v1alpha1: .spec.maxCapacity");
}

TEST(Apply, ToStatusTouchesNothingElse) {
  Api api;
  const std::string status_path = absl::StrCat(kWeb, "/status");
  EXPECT_EQ(api.Apply(status_path, "op", Body(R"(, "status": {"a": 1})")).status, 404);
  api.Apply(kWeb, "a", Body(R"(, "spec": {"maxCapacity": 5}, "status": {"ignored": 1})"));
  const Answered first =
      api.Apply(status_path, "op", Body(R"(, "spec": {"maxCapacity": 9}, "status": {"a": 1, "b": 2})"));
  EXPECT_EQ(first.status, 200) << first.text;
  EXPECT_EQ(first.body["spec"].dump(), R"({"maxCapacity":5})");
  EXPECT_EQ(first.body["status"].dump(), R"({"a":1,"b":2})");
  EXPECT_EQ(first.body["metadata"]["generation"], 1);
  const Answered second = api.Apply(status_path, "op", Body(R"(, "status": {"a": 1})"));
  EXPECT_EQ(second.body["status"].dump(), R"({"a":1})");
  const Answered main = api.Apply(kWeb, "op", Body(R"(, "metadata": {"name": "web"})"));
  EXPECT_EQ(main.status, 400) << "a key twice";
  EXPECT_EQ(api.Apply(kWeb, "op", Body("")).body["status"].dump(), R"({"a":1})") << "the main object is another matter";
}

TEST(Apply, ConditionsOfTwoManagersLiveSideBySide) {
  Api api;
  const std::string path = absl::StrCat(kWeb, "/status");
  api.Apply(kWeb, "a", Body(""));
  api.Apply(path, "x", Body(R"(, "status": {"conditions": [{"type": "Ready", "status": "True"}]})"));
  const Answered both =
      api.Apply(path, "y", Body(R"(, "status": {"conditions": [{"type": "Stalled", "status": "False"}]})"));
  EXPECT_EQ(both.body["status"]["conditions"].size(), 2u) << both.text;
  const Answered changed =
      api.Apply(path, "x", Body(R"(, "status": {"conditions": [{"type": "Ready", "status": "False"}]})"));
  EXPECT_EQ(changed.body["status"].dump(),
            R"({"conditions":[{"status":"False","type":"Ready"},{"status":"False","type":"Stalled"}]})");
  const Answered less = api.Apply(path, "x", Body(R"(, "status": {})"));
  EXPECT_EQ(less.body["status"].dump(), R"({"conditions":[{"status":"False","type":"Stalled"}]})");
}

TEST(Apply, AnElementThatOthersWroteIntoKeepsItsKey) {
  Api api;
  const std::string path = absl::StrCat(kWeb, "/status");
  api.Apply(kWeb, "a", Body(""));
  api.Apply(path, "x", Body(R"(, "status": {"conditions": [{"type": "Ready", "status": "True"}]})"));
  api.Merge(path, R"({"status": {"conditions": [{"type": "Ready", "status": "True", "message": "by hand"}]}})");
  const Answered left = api.Apply(path, "x", Body(R"(, "status": {})"));
  EXPECT_EQ(left.body["status"].dump(), R"({"conditions":[{"message":"by hand","type":"Ready"}]})");
}

TEST(Apply, PreconditionsAndRulesHold) {
  Api api;
  EXPECT_EQ(api.Apply(kWeb, "a", R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy",
            "metadata": {"name": "web", "resourceVersion": "5"}})")
                .status,
            409);
  const json made = api.Apply(kWeb, "a", Body("")).body;
  EXPECT_EQ(api.Apply(kWeb, "a", made.dump()).status, 400) << "managedFields must not be sent back";
  EXPECT_EQ(api.Apply(kWeb, "a", R"({"kind": "ScalingPolicy", "metadata": {"name": "web"}})").status, 400);
  EXPECT_EQ(api.Apply(kWeb, "a", "a: [").status, 400);
  EXPECT_EQ(api.Apply(kWeb, "a", "a: b\n---\nc: d\n").status, 400);
}

TEST(Apply, SecretsByStringData) {
  Api api;
  const std::string path = "/api/v1/namespaces/shop/secrets/s";
  const std::string head = R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": )";
  const Answered first = api.Apply(path, "a", head + R"({"a": "x", "b": "y"}})");
  EXPECT_EQ(first.status, 201) << first.text;
  const Answered second = api.Apply(path, "a", head + R"({"a": "x"}})");
  EXPECT_EQ(second.body["data"].dump(), R"({"a":"eA=="})") << second.text;
  EXPECT_EQ(second.body["type"], "Opaque");
  EXPECT_EQ(api.Apply(path, "a", head + R"({"a": "x"}})").body, second.body);
}

}  // namespace
}  // namespace ottoscale::apiserver
