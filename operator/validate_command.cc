#include "operator/validate_command.h"

#include "absl/strings/str_cat.h"
#include "operator/manifests.h"

namespace ottoscale::operator_main {
namespace {

std::string Count(size_t n, absl::string_view singular, absl::string_view plural) {
  return absl::StrCat(n, " ", n == 1 ? singular : plural);
}

}  // namespace

int RunValidate(const ValidateOptions& options, const manifest::ProviderCheck& check,
                const std::function<std::string()>& standard_input, const Output& output) {
  std::vector<ManifestFile> files;
  size_t mistakes = 0;
  for (const std::string& path : options.paths) {
    if (path == "-") {
      files.push_back(ParseManifests("-", standard_input(), check));
      continue;
    }
    const absl::StatusOr<std::vector<std::string>> found = FilesAt(path);
    if (!found.ok()) {
      output.error(absl::StrCat("ottoscale: ", absl::string_view(found.status().message())));
      ++mistakes;
      continue;
    }
    if (found->empty()) {
      output.error(absl::StrCat("ottoscale: ", path, ": no .yaml, .yml or .json file in this folder"));
      ++mistakes;
    }
    for (const std::string& file : *found) files.push_back(LoadManifests(file, check));
  }
  CheckDuplicates(files);
  size_t objects = 0;
  for (const ManifestFile& file : files) {
    objects += file.manifests.size();
    for (const std::string& line : file.Lines()) {
      output.error(line);
      ++mistakes;
    }
  }
  const std::string what =
      absl::StrCat(Count(files.size(), "file", "files"), ", ", Count(objects, "object", "objects"), ": ");
  if (mistakes > 0) {
    output.error(absl::StrCat(what, Count(mistakes, "mistake", "mistakes")));
    return kFailed;
  }
  output.out(absl::StrCat(what, "no mistakes"));
  return kOk;
}

}  // namespace ottoscale::operator_main
