#include "pkg/reconcile/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/codec/json.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::reconcile {
namespace {

using decision::TargetFailure;
using decision::TargetFault;
using testing::HasSubstr;

// An API server that has Secrets, and counts how often each is asked for.
class Secrets final : public http::Handler {
 public:
  std::map<std::string, nlohmann::json> data;  // by path
  std::map<std::string, int> asked;
  std::optional<kubeapi::ErrorReason> broken;

  async::Task<http::Response> Handle(http::ServerRequest request) override {
    ++asked[request.path];
    if (broken) co_return Error(*broken);
    const auto found = data.find(request.path);
    if (found == data.end()) co_return Error(kubeapi::ErrorReason::kNotFound);
    nlohmann::json object = {{"apiVersion", "v1"}, {"kind", "Secret"}};
    if (!found->second.is_null()) object["data"] = found->second;
    co_return http::Response{.body = http::Body(codec::Dump(object))};
  }

 private:
  static http::Response Error(kubeapi::ErrorReason reason) {
    const kubeapi::ApiError error = kubeapi::MakeApiError(reason, "scripted");
    return {.status = error.code, .body = http::Body(codec::Dump(kubeapi::ToJson(error)))};
  }
};

std::string Path(const std::string& ns, const std::string& name) { return kubeapi::Secrets().ObjectPath(ns, name); }

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() {
    PutAccount("shop", "heroku", {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", SecretRef("keys")}}}});
    PutSecret({{"apiKey", kubeapi::EncodeBase64("key-1")}});
  }
  static nlohmann::json SecretRef(const char* name) { return {{"name", name}, {"key", "apiKey"}}; }
  static nlohmann::json AccountObject(const std::string& ns, const std::string& name, nlohmann::json spec) {
    return {
        {"apiVersion", kubeapi::CloudAccounts().ApiVersion()},
        {"kind", "CloudAccount"},
        {"metadata", {{"namespace", ns}, {"name", name}, {"uid", name}, {"resourceVersion", "1"}, {"generation", 1}}},
        {"spec", std::move(spec)}};
  }
  void PutAccount(const std::string& ns, const std::string& name, nlohmann::json spec) {
    nlohmann::json object = AccountObject(ns, name, std::move(spec));
    object["metadata"]["resourceVersion"] = absl::StrCat(++version);
    cache.Put(std::move(object));
  }
  void PutSecret(nlohmann::json data) { api.data[Path("shop", "keys")] = std::move(data); }

  AccountResult Resolve(bool fresh = false, const std::string& ns = "shop", const std::string& ref = "heroku",
                        const std::string& type = "Heroku") {
    return loop.Run(accounts.Resolve(ns, ref, type, fresh, loop.Now().boot + absl::Seconds(20)));
  }
  // "SecretNotFound: Secret ..."
  std::string Failure(AccountResult result) {
    const auto* failure = std::get_if<TargetFailure>(&result);
    if (failure == nullptr) return "usable";
    EXPECT_EQ(failure->fault, TargetFault::kAccountNotReady);
    return absl::StrCat(failure->reason, ": ", failure->message);
  }
  // The credential, or the failure.
  std::string Key(AccountResult result) {
    const auto* account = std::get_if<ports::Account>(&result);
    return account == nullptr ? Failure(std::move(result)) : std::string(account->credential.Reveal());
  }
  int Asked() { return api.asked[Path("shop", "keys")]; }

  async::SimulatedLoop loop{1};
  Secrets api;
  http::Loopback transport{loop, api};
  kube::Client client{transport, {.base_url = "http://api:80"}};
  kube::Cache cache;
  Accounts accounts{loop, client, cache};
  int version = 0;
};

TEST_F(AccountsTest, GivesWhatAProviderNeeds) {
  PutAccount(
      "shop", "heroku",
      {{"type", "Heroku"},
       {"heroku",
        {{"apiKeySecretRef", SecretRef("keys")}, {"apiURL", "https://heroku.example"}, {"requestsPerMinute", 30}}}});
  const AccountResult result = Resolve();
  ASSERT_TRUE(std::holds_alternative<ports::Account>(result));
  EXPECT_EQ(std::get<ports::Account>(result), (ports::Account{.name = "shop/heroku",
                                                              .url = "https://heroku.example",
                                                              .credential = Secret("key-1"),
                                                              .requests_per_minute = 30}));
}

TEST_F(AccountsTest, SaysWhichAccountIsMissingAndWhere) {
  const std::string no = "' does not exist in namespace 'shop': create it, or name another one in `accountRef`. ";
  EXPECT_EQ(Failure(Resolve(false, "shop", "other")),
            absl::StrCat("AccountNotFound: CloudAccount 'other", no, "Retried by itself."));
  EXPECT_THAT(Failure(Resolve(false, "else")), HasSubstr("AccountNotFound")) << "an account of another namespace";
  cache.Remove(AccountObject("shop", "heroku", nullptr));
  EXPECT_THAT(Failure(Resolve()), HasSubstr("AccountNotFound")) << "deleted since";
}

TEST_F(AccountsTest, WantsAnAccountOfTheTargetsKind) {
  EXPECT_EQ(Failure(Resolve(false, "shop", "heroku", "Rackspace")),
            "AccountTypeMismatch: CloudAccount 'heroku' is of type Heroku, this target needs one of type Rackspace.");
  EXPECT_EQ(Asked(), 0) << "nobody's Secret is read for that";
}

TEST_F(AccountsTest, KeepsToTheCloudsThatTheAdministratorAllows) {
  Accounts strict(loop, client, cache, {"Rackspace"});
  EXPECT_EQ(Failure(loop.Run(strict.Resolve("shop", "heroku", "Heroku", false, loop.Now().boot + absl::Seconds(20)))),
            "CloudNotAllowed: CloudAccount 'heroku' is of type Heroku, and the administrator allows Rackspace only "
            "(--allow-cloud).");
  EXPECT_EQ(Asked(), 0) << "nobody's Secret is read for that";
  Accounts wide(loop, client, cache, {"Rackspace", "Heroku"});
  EXPECT_EQ(Key(loop.Run(wide.Resolve("shop", "heroku", "Heroku", false, loop.Now().boot + absl::Seconds(20)))),
            "key-1");
}

TEST_F(AccountsTest, SaysWhatIsWrongInTheAccount) {
  PutAccount("shop", "heroku", {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", {{"name", "keys"}}}}}});
  EXPECT_THAT(Failure(Resolve()), HasSubstr("AccountInvalid: CloudAccount 'heroku': spec.heroku.apiKeySecretRef.key"));
}

TEST_F(AccountsTest, SaysWhatIsWrongInTheSecret) {
  const auto text = [](const char* value) { return kubeapi::EncodeBase64(value); };
  nlohmann::json many = nlohmann::json::object();
  for (int i = 0; i < 20; ++i) many[absl::StrCat("key-", i)] = "";
  const struct {
    nlohmann::json data;
    const char* says;
  } rows[] = {
      {nullptr,
       "SecretKeyMissing: Secret 'keys' has no key 'apiKey' (it has no keys): add the key. Retried by itself."},
      {{{"token", text("k")}},
       "SecretKeyMissing: Secret 'keys' has no key 'apiKey' (it has 'token'): set `apiKeySecretRef.key` to 'token', or "
       "add the key. Retried by itself."},
      {{{"a", ""}, {"b", ""}},
       "SecretKeyMissing: Secret 'keys' has no key 'apiKey' (it has 'a' and 'b'): add the key. Retried by itself."},
      {{{"apiKey", 7}}, "SecretKeyMissing: Secret 'keys' has no key 'apiKey'"},
      {{{"apiKey", "%%"}},
       "SecretInvalid: the value of key 'apiKey' in Secret 'keys' is not base64: write it again. Retried by itself."},
      {{{"apiKey", ""}},
       "SecretInvalid: the value of key 'apiKey' in Secret 'keys' is empty: write the API key. Retried by itself."},
      {{{"apiKey", text("key-1\n")}},
       "SecretInvalid: the value of key 'apiKey' in Secret 'keys' ends in a newline: write it without one (echo -n, "
       "printf %s). Retried by itself."},
      {{{"apiKey", text("key\r\n1")}}, "has a blank or a control character: write the API key and nothing else."},
      {{{"apiKey", text("a key")}}, "has a blank or a control character"},
      {{{"apiKey", text("k\xC3\xA9y")}}, "has a blank or a control character"},
  };
  for (const auto& row : rows) {
    PutSecret(row.data);
    EXPECT_THAT(Failure(Resolve(true)), HasSubstr(row.says));
  }
  PutSecret(many);
  EXPECT_LT(Failure(Resolve(true)).size(), 250u) << "twenty keys are not listed";
}

TEST_F(AccountsTest, NamesTheKeyToCreateInASecretThatIsMissing) {
  api.data.clear();
  EXPECT_EQ(
      Failure(Resolve()),
      "SecretNotFound: Secret 'keys' does not exist in namespace 'shop': create it with the key 'apiKey'. Retried "
      "by itself.");
  PutSecret({{"apiKey", kubeapi::EncodeBase64("late")}});
  EXPECT_EQ(Key(Resolve()), "late") << "a Secret that was not there is looked for each time";
}

TEST_F(AccountsTest, NeverPutsAValueIntoAMessage) {
  for (const char* value : {"very-secret\n", "very secret", "very-secret\x01"}) {
    PutSecret({{"apiKey", kubeapi::EncodeBase64(value)}});
    EXPECT_THAT(Failure(Resolve(true)), Not(HasSubstr("secret\n")));
    EXPECT_THAT(Failure(Resolve(true)), Not(HasSubstr("very")));
  }
}

TEST_F(AccountsTest, ReadsASecretOnceForAllPoliciesOfAnAccount) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Key(Resolve()), "key-1");
  EXPECT_EQ(Asked(), 1);
}

TEST_F(AccountsTest, TwoAccountsWithOneSecretReadItOnce) {
  PutAccount("shop", "slow",
             {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", SecretRef("keys")}, {"requestsPerMinute", 1}}}});
  EXPECT_EQ(Key(Resolve()), "key-1");
  EXPECT_EQ(Key(Resolve(false, "shop", "slow")), "key-1");
  EXPECT_EQ(Asked(), 1);
}

TEST_F(AccountsTest, SeesARotatedSecretWithinItsAgeAndAtOnceWhenTheOldOneWasRefused) {
  EXPECT_EQ(Key(Resolve()), "key-1");
  PutSecret({{"apiKey", kubeapi::EncodeBase64("key-2")}});
  EXPECT_EQ(Key(Resolve()), "key-1");
  EXPECT_EQ(Key(Resolve(true)), "key-2");
  EXPECT_EQ(Key(Resolve()), "key-2") << "for the others of the account too";
  PutSecret({{"apiKey", kubeapi::EncodeBase64("key-3")}});
  loop.RunFor(absl::Minutes(6) + absl::Seconds(1));  // five minutes, and up to a fifth more
  EXPECT_EQ(Key(Resolve()), "key-3");
}

TEST_F(AccountsTest, ReadsSecretsOfDifferentAccountsAtDifferentTimes) {
  std::set<int64_t> minutes;
  for (int i = 0; i < 8; ++i) {
    const std::string name = absl::StrCat("account-", i);
    PutAccount("shop", name, {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", SecretRef(name.c_str())}}}});
    api.data[Path("shop", name)] = {{"apiKey", kubeapi::EncodeBase64("k")}};
    (void)Resolve(false, "shop", name);
  }
  for (int second = 0; second < 420; ++second) {
    loop.RunFor(absl::Seconds(1));
    for (int i = 0; i < 8; ++i) {
      const std::string name = absl::StrCat("account-", i);
      (void)Resolve(false, "shop", name);
      if (api.asked[Path("shop", name)] == 2) minutes.insert(second), api.asked[Path("shop", name)] = 100;
    }
  }
  EXPECT_GE(minutes.size(), 4u);
  EXPECT_GE(*minutes.begin(), 200) << "not much sooner than five minutes";
}

TEST_F(AccountsTest, GoesOnWithTheKnownValueWhileTheApiServerIsAway) {
  EXPECT_EQ(Key(Resolve()), "key-1");
  loop.RunFor(absl::Minutes(10));
  api.broken = kubeapi::ErrorReason::kForbidden;
  EXPECT_EQ(Key(Resolve()), "key-1");
  EXPECT_THAT(Key(Resolve(true)), HasSubstr("SecretUnreadable: Secret 'keys' could not be read: "))
      << "but not with one that the cloud has refused";
  api.broken.reset();
  EXPECT_EQ(Key(Resolve()), "key-1");
}

TEST_F(AccountsTest, ForgetsTheValueOfASecretThatWasDeleted) {
  EXPECT_EQ(Key(Resolve()), "key-1");
  loop.RunFor(absl::Minutes(10));
  api.data.clear();
  EXPECT_THAT(Key(Resolve()), HasSubstr("SecretNotFound"));
  api.broken = kubeapi::ErrorReason::kInternalError;
  EXPECT_THAT(Key(Resolve()), HasSubstr("SecretUnreadable")) << "the deleted value does not come back";
}

}  // namespace
}  // namespace ottoscale::reconcile
