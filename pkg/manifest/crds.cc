#include "pkg/manifest/crds.h"

#include "pkg/base/check.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::manifest {

std::vector<nlohmann::json> Crds() {
  std::vector<nlohmann::json> out;
  for (const absl::string_view text : CrdTexts()) {
    codec::Documents parsed = codec::ParseYaml(text);
    CHECK(parsed.problems.empty() && parsed.documents.size() == 1, "crds/ holds one good document a file");
    out.push_back(std::move(parsed.documents[0].value));
  }
  return out;
}

}  // namespace ottoscale::manifest
