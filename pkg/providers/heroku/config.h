// What a user says about a formation: spec.target.herokuFormation.
#pragma once

#include <string>

#include "pkg/codec/problem.h"
#include "pkg/policy/policy.h"

namespace ottoscale::heroku {

struct Config {
  std::string app;  // its name or UUID
  std::string process_type = "web";
  bool operator==(const Config&) const = default;
};

// Every mistake at once; paths are relative to the union member. `accountRef` is pkg/manifest's and is not looked at.
codec::Decoded<Config> ParseConfig(const policy::ProviderConfig& config);

}  // namespace ottoscale::heroku
