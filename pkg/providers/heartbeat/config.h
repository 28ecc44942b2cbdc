// What a user says about a heartbeat: spec.metrics[].source.httpHeartbeat. Parsed here and nowhere else; pkg/manifest
// checks the one rule that crosses into the strategy (timeoutMilliseconds against the threshold's upper).
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/codec/problem.h"
#include "pkg/http/http.h"
#include "pkg/policy/policy.h"

namespace ottoscale::heartbeat {

// Statuses from `low` to `high`, both included; 200..599.
struct StatusRange {
  int low = 200;
  int high = 299;
  bool operator==(const StatusRange&) const = default;
};

struct Config {
  std::string url;                             // http or https, at most 2,048 characters
  http::Url parts;                             // of `url`
  absl::Duration timeout = absl::Seconds(10);  // from the request sent to the complete answer; 0.1 s to 60 s
  std::vector<StatusRange> expected = {StatusRange{}};
  std::string body_contains;           // "": any body will do
  bool timeout_breaches = true;        // onTimeout: Breach
  bool server_error_breaches = false;  // onServerError: Breach

  bool Expects(int status) const;
  std::string ExpectedText() const;  // "200-299 or 404", for messages
  bool operator==(const Config&) const = default;
};

// Every mistake at once; paths are relative to the union member.
codec::Decoded<Config> ParseConfig(const policy::ProviderConfig& config);

}  // namespace ottoscale::heartbeat
