// Manifest files: found, read, parsed and checked. For `validate` and for the folder of `up`.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pkg/codec/yaml.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::operator_main {

// One document of a file and what is wrong with it.
struct Manifest {
  codec::Document document;
  std::vector<codec::Problem> problems;
};

struct ManifestFile {
  std::string path;  // as named, or below the folder that was named; "-" is standard input
  std::vector<Manifest> manifests;
  std::vector<codec::Problem> problems;  // of the file as a whole: unreadable, no YAML
  bool ok() const;
  // Every problem as `path:line:column: field: message`.
  std::vector<std::string> Lines() const;
};

// The files that `path` means: itself, or every .yaml, .yml and .json in the folder, sorted; folders in it are not
// entered.
absl::StatusOr<std::vector<std::string>> FilesAt(const std::string& path);

// At most 1 MiB. NotFound, PermissionDenied, ResourceExhausted in a sentence.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

ManifestFile ParseManifests(std::string path, absl::string_view text, const manifest::ProviderCheck& check);
ManifestFile LoadManifests(const std::string& path, const manifest::ProviderCheck& check);

// Adds a problem to each object that contradicts an earlier one of the same kind, namespace and name. Said twice alike,
// as an account that several examples bring along, is no mistake.
void CheckDuplicates(std::vector<ManifestFile>& files);

}  // namespace ottoscale::operator_main
