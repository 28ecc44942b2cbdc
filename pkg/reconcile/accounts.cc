#include "pkg/reconcile/accounts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::reconcile {
namespace {

using decision::TargetFailure;
using decision::TargetFault;

// How long a Secret's value is used without looking again; jittered.
constexpr absl::Duration kSecretAge = absl::Minutes(5);

TargetFailure NotReady(std::string reason, std::string message) {
  return {.fault = TargetFault::kAccountNotReady, .reason = std::move(reason), .message = std::move(message)};
}

// "; it has 'token'" and the like.
std::string KeysOf(const nlohmann::json* data) {
  std::vector<std::string> keys;
  if (data != nullptr && data->is_object()) {
    for (const auto& [key, value] : data->items()) keys.push_back(absl::StrCat("'", Printable(key), "'"));
  }
  if (keys.empty()) return "it has no keys";
  if (keys.size() > 8) keys.resize(8);
  return absl::StrCat("it has ", JoinWords(keys, "and"));
}

// The value under `key`, checked as a credential: printable ASCII without blanks, which is all that a header may carry.
std::variant<TargetFailure, Secret> ValueOf(const nlohmann::json& secret, const policy::SecretKeyRef& ref) {
  const nlohmann::json* data = codec::Find(secret, "data");
  const nlohmann::json* value = data == nullptr ? nullptr : codec::Find(*data, ref.key);
  if (value == nullptr || !value->is_string()) {
    std::string what_to_do = "add the key";
    if (data != nullptr && data->is_object() && data->size() == 1) {
      what_to_do = absl::StrCat("set `apiKeySecretRef.key` to '", Printable(data->begin().key()), "', or add the key");
    }
    return NotReady("SecretKeyMissing", absl::StrCat("Secret '", ref.name, "' has no key '", ref.key, "' (",
                                                     KeysOf(data), "): ", what_to_do, ". Retried by itself."));
  }
  const auto text = kubeapi::DecodeBase64(value->get_ref<const std::string&>());
  const std::string what = absl::StrCat("the value of key '", ref.key, "' in Secret '", ref.name, "' ");
  if (!text.ok())
    return NotReady("SecretInvalid", absl::StrCat(what, "is not base64: write it again. Retried by itself."));
  if (text->empty())
    return NotReady("SecretInvalid", absl::StrCat(what, "is empty: write the API key. Retried by itself."));
  if (text->back() == '\n') {
    return NotReady("SecretInvalid", absl::StrCat(what,
                                                  "ends in a newline: write it without one (echo -n, printf %s). "
                                                  "Retried by itself."));
  }
  for (const char c : *text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return NotReady("SecretInvalid", absl::StrCat(what,
                                                    "has a blank or a control character: write the API key and "
                                                    "nothing else. Retried by itself."));
    }
  }
  return Secret(*text);
}

}  // namespace

std::shared_ptr<const Accounts::DecodedAccount> Accounts::Decode(const kube::ObjectPtr& object) {
  Known& known = accounts_[object->meta.Key()];
  if (known.object != object) {
    known = {object, std::make_shared<const DecodedAccount>(manifest::DecodeCloudAccount(object->Json()))};
  }
  return known.decoded;
}

async::Task<absl::StatusOr<Accounts::SecretPtr>> Accounts::ReadSecret(kubeapi::ObjectKey key, bool fresh,
                                                                      async::BootTime deadline) {
  const auto known = secrets_.find(key);
  const async::BootTime now = loop_.Now().boot;
  if (!fresh && known != secrets_.end() && now < known->second.read_at + kSecretAge) co_return known->second.object;
  auto object = co_await client_.Get(kubeapi::Secrets(), key, deadline);
  if (object.ok()) {
    const absl::Duration spread = loop_.random().Jitter(kSecretAge, 0.2) - kSecretAge;
    auto secret = std::make_shared<const nlohmann::json>(*std::move(object));
    secrets_[key] = {secret, now + spread};
    co_return secret;
  }
  if (kubeapi::Is(object.status(), kubeapi::ErrorReason::kNotFound)) {
    secrets_.erase(key);
  } else if (const auto old = secrets_.find(key); old != secrets_.end() && !fresh) {
    co_return old->second.object;  // the API server is away: the value that worked is still the best there is
  }
  co_return object.status();
}

async::Task<AccountResult> Accounts::Resolve(std::string ns, std::string ref, std::string type, bool fresh,
                                             async::BootTime deadline) {
  const auto object = cache_.Get({ns, ref});
  if (object == nullptr) {
    co_return NotReady("AccountNotFound", absl::StrCat("CloudAccount '", ref, "' does not exist in namespace '", ns,
                                                       "': create it, or name another one in `accountRef`. Retried by "
                                                       "itself."));
  }
  const auto decoded = Decode(object);
  if (!decoded->ok()) {
    co_return NotReady("AccountInvalid",
                       absl::StrCat("CloudAccount '", ref, "': ", codec::FormatProblem(decoded->problems.front())));
  }
  const policy::CloudAccount& account = *decoded->value;
  if (account.type != type) {
    co_return NotReady("AccountTypeMismatch", absl::StrCat("CloudAccount '", ref, "' is of type ", account.type,
                                                           ", this target needs one of type ", type, "."));
  }
  if (!allowed_.empty() && std::find(allowed_.begin(), allowed_.end(), type) == allowed_.end()) {
    co_return NotReady("CloudNotAllowed",
                       absl::StrCat("CloudAccount '", ref, "' is of type ", type, ", and the administrator allows ",
                                    JoinWords(allowed_, "and"), " only (--allow-cloud)."));
  }
  const policy::SecretKeyRef secret_ref = account.credential;
  const auto secret = co_await ReadSecret({ns, secret_ref.name}, fresh, deadline);
  if (!secret.ok()) {
    if (kubeapi::Is(secret.status(), kubeapi::ErrorReason::kNotFound)) {
      co_return NotReady("SecretNotFound",
                         absl::StrCat("Secret '", secret_ref.name, "' does not exist in namespace '", ns,
                                      "': create it with the key '", secret_ref.key, "'. Retried by itself."));
    }
    co_return NotReady("SecretUnreadable",
                       absl::StrCat("Secret '", secret_ref.name, "' could not be read: ",
                                    absl::string_view(secret.status().message()), ". Retried by itself."));
  }
  auto value = ValueOf(**secret, secret_ref);
  if (const auto* failure = std::get_if<TargetFailure>(&value)) co_return *failure;
  co_return ports::Account{.name = absl::StrCat(ns, "/", ref),
                           .url = account.url,
                           .credential = std::get<Secret>(std::move(value)),
                           .requests_per_minute = account.requests_per_minute};
}

}  // namespace ottoscale::reconcile
