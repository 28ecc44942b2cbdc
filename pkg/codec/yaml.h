// YAML text to trees with positions: the files of `ottoscale validate` and `--policies`. yaml-cpp appears in yaml.cc
// only.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "pkg/codec/problem.h"

namespace ottoscale::codec {

struct Document {
  nlohmann::json value;
  Positions positions;  // lines count from the start of the file
};

struct Documents {
  std::vector<Document> documents;  // empty ones are left out; with problems, as far as they could be read
  std::vector<Problem> problems;    // none: every document is whole
};

struct YamlLimits {
  size_t max_bytes = size_t{1} << 20;
  int max_depth = 64;
  size_t max_nodes = 100'000;               // with every alias expanded
  size_t max_text_bytes = size_t{8} << 20;  // of all strings, with every alias expanded
};

// Every document of `text`. Scalars mean what YAML 1.2 core says: plain null, true, false, integers, 0x hexadecimal and
// decimal fractions are inferred; yes, no, on, off, 9:00 and dates stay strings; what is quoted or tagged !!str is a
// string. Refused with a sentence each, at its place: duplicate keys (the second), merge keys, numbers that readers
// disagree about (010, 0o10), numbers that JSON cannot carry (.inf, .nan, more than 64 bits), unknown tags, keys that
// are not scalars, aliases of what contains them, invalid UTF-8, control characters, and what exceeds a limit. A syntax
// error ends the file, since nothing behind it can be trusted; everything else does not.
Documents ParseYaml(absl::string_view text, const YamlLimits& limits = {});

}  // namespace ottoscale::codec
