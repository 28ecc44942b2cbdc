#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pkg/base/text.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/kinds.h"

namespace ottoscale::manifest {
namespace {

// As much as is sure: one '@' with something around it and no white space. The mail server is the judge.
std::optional<std::string> CheckMailAddress(absl::string_view text) {
  const size_t at = text.find('@');
  const bool good = at != absl::string_view::npos && at > 0 && at + 1 < text.size() && text.rfind('@') == at &&
                    text.size() <= 254 && text.find_first_of(" \t\r\n<>,;") == absl::string_view::npos;
  if (good) return std::nullopt;
  return absl::StrCat("must be a mail address such as 'ops@example.org', found '", Truncate(Printable(text), 64), "'");
}

void CheckEmail(ObjectReader email) {
  email.Require("server", "such as 'smtps://mail.example:465'");
  email.Require("from", "the sender's address");
  email.Require("to", "whom to tell");
  Checked(email, "server", CheckMailServer);
  Checked(email, "from", CheckMailAddress);
  for (const ObjectReader::Item& item : email.List("to", {1, 20})) {
    const std::string text = item.value->is_string() ? item.value->get<std::string>() : "";
    if (std::optional<std::string> problem = CheckMailAddress(text)) {
      email.report().Add(item.path, *std::move(problem));
    }
  }
  ReadSecretRef(email, "usernameSecretRef", false);
  ReadSecretRef(email, "passwordSecretRef", false);
  email.Finish();
}

void CheckWebhook(ObjectReader webhook) {
  ReadSecretRef(webhook, "urlSecretRef", true);
  webhook.OneOf("format", {"JSON", "CloudEvents"});
  webhook.Finish();
}

}  // namespace

void CheckNotificationChannel(ObjectReader& root) {
  root.Require("spec", "how to tell whom");
  ObjectReader spec = root.Object("spec");
  if (!spec.present()) return;
  const std::optional<Alternative> type = ReadUnion(spec, {{"Log", ""},
                                                           {"Email", "email"},
                                                           {"Webhook", "webhook"},
                                                           {"Slack", "slack", false},
                                                           {"PagerDuty", "pagerDuty", false}});
  const absl::string_view name = !type ? "" : type->type;
  if (name == "Email") CheckEmail(spec.Object("email"));
  if (name == "Webhook") CheckWebhook(spec.Object("webhook"));
  ReadSeconds(spec, "minIntervalSeconds", {0, 86'400});
  spec.Finish();
}

}  // namespace ottoscale::manifest
