#include "operator/manifests.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/codec/json.h"

namespace ottoscale::operator_main {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;

absl::Status FromError(const std::string& path, int error) {
  const std::string text =
      absl::StrCat(path, ": ", std::strerror(error));  // NOLINT(concurrency-mt-unsafe): loop thread
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::UnknownError(text);
}

bool IsManifest(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

}  // namespace

bool ManifestFile::ok() const {
  return problems.empty() &&
         std::all_of(manifests.begin(), manifests.end(), [](const Manifest& m) { return m.problems.empty(); });
}

std::vector<std::string> ManifestFile::Lines() const {
  std::vector<std::string> lines;
  for (const codec::Problem& problem : problems) lines.push_back(codec::FormatProblem(path, problem));
  for (const Manifest& manifest : manifests) {
    for (const codec::Problem& problem : manifest.problems) lines.push_back(codec::FormatProblem(path, problem));
  }
  return lines;
}

absl::StatusOr<std::vector<std::string>> FilesAt(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return FromError(path, error ? error.value() : ENOENT);
  if (!std::filesystem::is_directory(status)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (IsManifest(it->path()) && it->is_regular_file(error)) files.push_back(it->path().string());
  }
  if (error) return FromError(path, error.value());
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return FromError(path, errno);
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return FromError(path, errno);
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return absl::ResourceExhaustedError(absl::StrCat(path, ": larger than 1 MiB"));
  return text;
}

ManifestFile ParseManifests(std::string path, absl::string_view text, const manifest::ProviderCheck& check) {
  ManifestFile file{.path = std::move(path)};
  codec::Documents parsed = codec::ParseYaml(text);
  file.problems = std::move(parsed.problems);
  for (codec::Document& document : parsed.documents) {
    Manifest manifest{.document = std::move(document)};
    // What could not be read whole is not judged further: its gaps would look like mistakes.
    if (file.problems.empty()) {
      manifest.problems = manifest::CheckManifest(manifest.document.value, &manifest.document.positions, check);
    }
    file.manifests.push_back(std::move(manifest));
  }
  return file;
}

ManifestFile LoadManifests(const std::string& path, const manifest::ProviderCheck& check) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (text.ok()) return ParseManifests(path, *text, check);
  ManifestFile file{.path = path};
  absl::string_view message = text.status().message();
  absl::ConsumePrefix(&message, absl::StrCat(path, ": "));
  file.problems.push_back({.message = std::string(message)});
  return file;
}

void CheckDuplicates(std::vector<ManifestFile>& files) {
  struct Seen {
    std::string where;
    const nlohmann::json* object;
  };
  std::map<std::string, Seen> seen;  // by identity
  for (ManifestFile& file : files) {
    for (Manifest& manifest : file.manifests) {
      const nlohmann::json& object = manifest.document.value;
      const std::string kind = codec::StringOr(object, {"kind"}, "");
      const std::string name = codec::StringOr(object, {"metadata", "name"}, "");
      if (kind.empty() || name.empty()) continue;
      const std::string identity =
          absl::StrCat(kind, " ", codec::StringOr(object, {"metadata", "namespace"}, "default"), "/", name);
      const codec::Position at = manifest.document.positions.ValueOf("/metadata/name");
      const auto [earlier, first] = seen.try_emplace(identity, Seen{absl::StrCat(file.path, ":", at.line), &object});
      if (first || *earlier->second.object == object) continue;
      manifest.problems.push_back(
          {.line = at.line,
           .column = at.column,
           .path = "metadata.name",
           .message = absl::StrCat("must mean one thing, found another ", identity, " at ", earlier->second.where)});
    }
  }
}

}  // namespace ottoscale::operator_main
