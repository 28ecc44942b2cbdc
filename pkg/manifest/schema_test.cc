// crds/ and the decoder say the same: fields, bounds, choices and defaults. Walks each schema along the manifests of
// testdata/full.yaml, which have every field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::manifest {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using Pointer = json::json_pointer;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<json> Load(absl::string_view path) {
  codec::Documents parsed = codec::ParseYaml(ReadFile(absl::StrCat(OTTOSCALE_SOURCE_DIR, "/", path)));
  EXPECT_THAT(parsed.problems, IsEmpty()) << path;
  std::vector<json> out;
  for (codec::Document& document : parsed.documents) out.push_back(std::move(document.value));
  return out;
}

json Crd(absl::string_view plural) { return Load(absl::StrCat("crds/", plural, ".yaml")).at(0); }

json SchemaOf(const json& crd) { return crd.at("/spec/versions/0/schema/openAPIV3Schema"_json_pointer); }

const std::vector<std::string>& Plurals() {
  static const std::vector<std::string> kPlurals = {"scalingpolicies", "cloudaccounts", "notificationchannels"};
  return kPlurals;
}

std::string TextOf(const json& schema, absl::string_view key) { return codec::StringOr(schema, {key}, ""); }

// Calls `visit` for the schema and everything in it, with the path of its properties.
void WalkSchema(const json& schema, const std::string& path,
                const std::function<void(const json&, const std::string&)>& visit) {
  visit(schema, path);
  if (schema.contains("properties")) {
    for (const auto& [name, child] : schema.at("properties").items()) {
      WalkSchema(child, absl::StrCat(path, ".", name), visit);
    }
  }
  if (schema.contains("items")) WalkSchema(schema.at("items"), absl::StrCat(path, "[]"), visit);
}

// One value of a manifest and its schema.
struct Leaf {
  json schema;
  Pointer at;
  std::string path;         // as in a problem: spec.metrics[0].name
  std::string schema_path;  // spec.metrics[].name
};

void WalkValue(const json& schema, const json& value, const Leaf& here, std::vector<Leaf>& out) {
  out.push_back(here);
  if (value.is_object() && schema.contains("properties")) {
    for (const auto& [name, child] : value.items()) {
      ASSERT_TRUE(schema.at("properties").contains(name)) << here.path << "." << name << " is not in the schema";
      const json& next = schema.at("properties").at(name);
      WalkValue(next, child,
                {next, here.at / name, absl::StrCat(here.path, here.path.empty() ? "" : ".", name),
                 absl::StrCat(here.schema_path, ".", name)},
                out);
    }
  }
  if (!value.is_array()) return;
  for (size_t i = 0; i < value.size(); ++i) {
    const json& next = schema.at("items");
    WalkValue(next, value.at(i),
              {next, here.at / i, absl::StrCat(here.path, "[", i, "]"), absl::StrCat(here.schema_path, "[]")}, out);
  }
}

std::vector<Leaf> LeavesOf(const json& schema, const json& manifest) {
  std::vector<Leaf> out;
  WalkValue(schema, manifest, {schema, Pointer(), "", ""}, out);
  return out;
}

// The provider's own part is the provider's to check.
bool IsProviders(const Leaf& leaf) {
  for (const char* member : {".httpHeartbeat.", ".herokuFormation."}) {
    if (absl::StrContains(leaf.path, member) && !absl::StrContains(leaf.path, "accountRef")) return true;
  }
  return false;
}

// The first problem at exactly this path when the value there is `value`; "" when there is none.
std::string ProblemWith(const json& manifest, const Leaf& leaf, const json& value) {
  json changed = manifest;
  changed[leaf.at] = value;
  for (const codec::Problem& problem : CheckManifest(changed)) {
    if (problem.path == leaf.path) return problem.message;
  }
  return "";
}

// `defaults` of the schema, as a Kubernetes API server applies them: only inside objects that are there.
void ApplyDefaults(const json& schema, json& value) {
  if (value.is_array() && schema.contains("items")) {
    for (json& item : value) ApplyDefaults(schema.at("items"), item);
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  for (const auto& [name, child] : schema.at("properties").items()) {
    if (!value.contains(name) && child.contains("default")) value[name] = child.at("default");
    if (value.contains(name)) ApplyDefaults(child, value[name]);
  }
}

class FullManifests : public ::testing::Test {
 protected:
  // Calls `body` with each full manifest and the schema of its kind.
  void ForEach(const std::function<void(const json& schema, const json& manifest)>& body) {
    std::map<std::string, json> schemas;
    for (const std::string& plural : Plurals()) {
      const json crd = Crd(plural);
      schemas[crd.at("/spec/names/kind"_json_pointer).get<std::string>()] = SchemaOf(crd);
    }
    for (const json& manifest : Load("pkg/manifest/testdata/full.yaml")) {
      body(schemas.at(manifest.at("kind").get<std::string>()), manifest);
    }
  }
};

TEST_F(FullManifests, HaveNoProblemAndLeaveNoFieldOfTheSchemaOut) {
  std::set<std::string> used;
  std::set<std::string> all;
  ForEach([&](const json& schema, const json& manifest) {
    EXPECT_THAT(CheckManifest(manifest), IsEmpty());
    const std::string kind = manifest.at("kind").get<std::string>();
    for (const Leaf& leaf : LeavesOf(schema, manifest)) used.insert(kind + leaf.schema_path);
    WalkSchema(schema, kind, [&](const json&, const std::string& path) {
      if (!absl::StrContains(path, ".status")) all.insert(path);
    });
  });
  std::vector<std::string> missing;
  std::set_difference(all.begin(), all.end(), used.begin(), used.end(), std::back_inserter(missing));
  EXPECT_THAT(missing, IsEmpty());
}

TEST_F(FullManifests, AreRefusedOutsideEveryBoundOfTheSchemaAndNotAtIt) {
  int bounds = 0;
  ForEach([&](const json& schema, const json& manifest) {
    for (const Leaf& leaf : LeavesOf(schema, manifest)) {
      if (TextOf(leaf.schema, "type") != "integer" || IsProviders(leaf)) continue;
      const int64_t min = leaf.schema.at("minimum").get<int64_t>();
      const int64_t max = leaf.schema.at("maximum").get<int64_t>();
      const auto is_bound = [&](int64_t value) {
        return absl::StrContains(ProblemWith(manifest, leaf, value),
                                 absl::StrCat("an integer from ", min, " to ", max));
      };
      EXPECT_TRUE(is_bound(min - 1)) << leaf.path;
      EXPECT_FALSE(is_bound(min)) << leaf.path;
      EXPECT_FALSE(is_bound(max)) << leaf.path;
      EXPECT_TRUE(is_bound(max + 1)) << leaf.path;
      ++bounds;
    }
  });
  EXPECT_GT(bounds, 25);
}

TEST_F(FullManifests, MayHaveEveryChoiceOfTheSchemaAndNoOther) {
  int choices = 0;
  ForEach([&](const json& schema, const json& manifest) {
    for (const Leaf& leaf : LeavesOf(schema, manifest)) {
      if (!leaf.schema.contains("enum") || IsProviders(leaf)) continue;
      for (const json& choice : leaf.schema.at("enum")) {
        const std::string problem = ProblemWith(manifest, leaf, choice);
        const bool twice = absl::StartsWith(problem, "must be listed once");  // it stands beside another one
        EXPECT_TRUE(twice || !absl::StrContains(problem, ", found '")) << leaf.path << ": " << problem;
        ++choices;
      }
      EXPECT_THAT(ProblemWith(manifest, leaf, "Elephant"), ::testing::HasSubstr("found 'Elephant'")) << leaf.path;
    }
  });
  EXPECT_GT(choices, 30);
}

TEST_F(FullManifests, AreRefusedWithLongerStringsAndListsThanTheSchemaAllows) {
  ForEach([&](const json& schema, const json& manifest) {
    for (const Leaf& leaf : LeavesOf(schema, manifest)) {
      if (!absl::StartsWith(leaf.path, "spec.") || IsProviders(leaf)) continue;
      if (leaf.schema.contains("maxLength")) {
        const size_t max = leaf.schema.at("maxLength").get<size_t>();
        EXPECT_NE(ProblemWith(manifest, leaf, std::string(max + 1, 'a')), "") << leaf.path;
      }
      if (leaf.schema.contains("maxItems")) {
        const json one = manifest.at(leaf.at).at(0);
        const size_t max = leaf.schema.at("maxItems").get<size_t>();
        EXPECT_THAT(ProblemWith(manifest, leaf, json(max + 1, one)),
                    ::testing::HasSubstr(absl::StrCat(" to ", max, " items, found ", max + 1)))
            << leaf.path;
        EXPECT_THAT(ProblemWith(manifest, leaf, json(max, one)), ::testing::Not(::testing::HasSubstr(" items, found ")))
            << leaf.path;
      }
    }
  });
}

TEST_F(FullManifests, NeedEveryFieldThatTheSchemaRequires) {
  ForEach([&](const json& schema, const json& manifest) {
    for (const Leaf& leaf : LeavesOf(schema, manifest)) {
      if (!leaf.schema.contains("required") || absl::StrContains(leaf.schema_path, "httpHeartbeat")) continue;
      for (const json& name : leaf.schema.at("required")) {
        const std::string key = name.get<std::string>();
        if (IsProviders({leaf.schema, leaf.at, absl::StrCat(leaf.path, ".", key), ""})) continue;
        json changed = manifest;
        changed[leaf.at].erase(key);
        const std::string path = absl::StrCat(leaf.path, leaf.path.empty() ? "" : ".", key);
        const std::vector<codec::Problem> problems = CheckManifest(changed);
        EXPECT_TRUE(std::any_of(problems.begin(), problems.end(), [&](const codec::Problem& problem) {
          return problem.path == path && absl::StartsWith(problem.message, "is required");
        })) << path;
      }
    }
  });
}

TEST(Schema, HasTheDefaultsOfTheDecoder) {
  json plain = Load("deploy/examples/heroku-heartbeat.yaml").at(1);
  json defaulted = plain;
  ApplyDefaults(SchemaOf(Crd("scalingpolicies")), defaulted);
  ASSERT_NE(plain, defaulted);
  const auto decode = [](const json& object) {
    policy::ScalingPolicy policy = DecodeScalingPolicy(object).value.value();
    policy.target.json.clear();  // the provider's defaults: the same meaning in other words
    for (policy::Metric& metric : policy.metrics) metric.source.json.clear();
    return policy;
  };
  EXPECT_THAT(CheckManifest(defaulted), IsEmpty());
  EXPECT_EQ(decode(plain), decode(defaulted));

  const json account = Load("deploy/examples/heroku-heartbeat.yaml").at(0);
  json whole = account;
  ApplyDefaults(SchemaOf(Crd("cloudaccounts")), whole);
  ASSERT_NE(account, whole);
  EXPECT_EQ(DecodeCloudAccount(account).value, DecodeCloudAccount(whole).value);
}

// What a Kubernetes API server and `kubectl explain` want of a schema.
TEST(Schema, IsDescribedAndBoundedEverywhere) {
  for (const std::string& plural : Plurals()) {
    WalkSchema(SchemaOf(Crd(plural)), plural, [](const json& schema, const std::string& path) {
      const bool spec = absl::StrContains(path, ".spec");
      const std::string type = TextOf(schema, "type");
      const bool either = schema.contains("x-kubernetes-int-or-string");
      EXPECT_TRUE(absl::EndsWith(path, ".metadata") || !TextOf(schema, "description").empty()) << path;
      EXPECT_NE(type.empty(), !either) << path;
      if (type == "array") {
        EXPECT_TRUE(schema.contains("maxItems") && schema.contains("x-kubernetes-list-type")) << path;
      }
      if (type == "string" && spec) EXPECT_TRUE(schema.contains("maxLength") || schema.contains("enum")) << path;
      if (type == "integer") EXPECT_TRUE(schema.contains("format")) << path;
      if (type == "integer" && spec) EXPECT_TRUE(schema.contains("minimum") && schema.contains("maximum")) << path;
      if (schema.contains("default") && !schema.at("default").is_structured() && schema.at("default") != json("")) {
        const std::string word = schema.at("default").is_string() ? schema.at("default").get<std::string>()
                                                                  : codec::Dump(schema.at("default"));
        EXPECT_THAT(TextOf(schema, "description"), ::testing::HasSubstr(absl::StrCat("default is ", word))) << path;
      }
      for (const json& name : schema.value("required", json::array())) {
        EXPECT_FALSE(schema.at("properties").at(name.get<std::string>()).contains("default")) << path << name;
      }
    });
  }
}

TEST(Examples, HaveNoProblems) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(OTTOSCALE_SOURCE_DIR "/deploy/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const codec::Documents parsed = codec::ParseYaml(ReadFile(entry.path()));
    EXPECT_THAT(parsed.problems, IsEmpty()) << entry.path();
    EXPECT_THAT(parsed.documents, ::testing::Not(IsEmpty())) << entry.path();
    for (const codec::Document& document : parsed.documents) {
      for (const codec::Problem& problem : CheckManifest(document.value, &document.positions)) {
        ADD_FAILURE() << FormatProblem(entry.path().string(), problem);
      }
    }
  }
  EXPECT_GE(files, 2);
}

}  // namespace
}  // namespace ottoscale::manifest
