// What the answers of the Platform API mean, as values of the domain. Pure: one table for reads and writes, and one
// sentence for each row that says what was tried, what came, and what to do. Messages hold no secret: the credential is
// cut out of what Heroku says, which is printable and short, and bodies are never copied.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "pkg/decision/observation.h"
#include "pkg/ports/ports.h"
#include "pkg/providers/heroku/platform_api.h"

namespace ottoscale::heroku {

// What a call was for, in messages.
struct Errand {
  std::string what;               // "read app 'shop'"
  const ports::Account& account;  // borrowed for the call
};

// Whether this account may be used at all; nullopt: yes. Nothing has been sent then. `allowed_endpoints` are URLs
// beyond https://api.heroku.com, compared by scheme, host and port.
std::optional<decision::TargetFailure> CheckAccount(const ports::Account& account,
                                                    const std::vector<std::string>& allowed_endpoints);

// A read whose answer is no success, or not as documented (`detail` then says how: "`quantity` is missing").
decision::TargetFailure FailedRead(const Errand& errand, const Answer& answer, absl::string_view detail = "");
// A read without an answer.
decision::TargetFailure FailedRead(const Errand& errand, const absl::Status& failure);

// The same for a write. `asked` is the quantity; `standing` what the formation had when it was last read. A success
// that is not as documented, a 5xx, a redirect and a lost answer are Unknown; what was never sent is Refused.
decision::WriteResult FailedWrite(const Errand& errand, const Answer& answer, int asked, int standing,
                                  absl::string_view detail = "");
decision::WriteResult FailedWrite(const Errand& errand, const absl::Status& failure);

}  // namespace ottoscale::heroku
