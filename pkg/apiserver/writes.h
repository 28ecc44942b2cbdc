// The writing verbs: create, replace, the three patches, delete. Each happens within one turn of the loop, so it is
// atomic.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/managed_fields.h"
#include "pkg/apiserver/object_rules.h"
#include "pkg/apiserver/store.h"
#include "pkg/apiserver/target.h"
#include "pkg/async/loop.h"

namespace ottoscale::apiserver {

// What is wrong with an object of a custom kind, each as `spec.field: what was found, what is allowed`. Called for a
// new object and when more than metadata and status changes, so that an object which older rules allowed can still be
// labelled.
using Validator = std::function<std::vector<std::string>(const kubeapi::Resource&, const nlohmann::json& object)>;

// Where and how to write; from the request line.
struct WriteRequest {
  const Served& served;
  kubeapi::ObjectKey key;  // for a creation the name may be empty: it stands in the body
  bool status = false;     // to /status
  bool dry_run = false;
  bool force = false;
  std::string manager;
  FieldValidation validation = FieldValidation::kWarn;  // of fields that the kind's schema does not have
};

struct Written {
  int code = 200;  // 201 when it was created
  ObjectPtr object;
  std::vector<std::string> warnings = {};
};

class Writes {
 public:
  // All borrowed, outliving this.
  Writes(async::Loop& loop, Store& store, const Validator& validator)
      : loop_(loop), store_(store), validator_(validator) {}

  absl::StatusOr<Written> Create(WriteRequest request, const nlohmann::json& input);
  absl::StatusOr<Written> Replace(const WriteRequest& request, const nlohmann::json& input);
  absl::StatusOr<Written> MergePatch(const WriteRequest& request, const nlohmann::json& patch);
  absl::StatusOr<Written> JsonPatch(const WriteRequest& request, const nlohmann::json& patch);
  absl::StatusOr<Written> ServerSideApply(const WriteRequest& request, const nlohmann::json& input);
  // The answer to give: a Status, or the object when finalizers keep it. `options` is a DeleteOptions, or null.
  absl::StatusOr<nlohmann::json> Delete(const WriteRequest& request, const nlohmann::json& options);

 private:
  absl::StatusOr<Stored> Existing(const WriteRequest& request);
  // The schema's part of decoding `object`: unknown fields are refused or pruned, and absent ones filled in.
  static absl::StatusOr<std::vector<std::string>> Decode(const WriteRequest& request, nlohmann::json& object);
  absl::Status Validate(const Served& served, const std::string& name, const nlohmann::json& object) const;
  Manager WriterOf(const WriteRequest& request, absl::string_view operation);
  std::string GeneratedName(const std::string& prefix);

  absl::StatusOr<Written> CreateAs(const WriteRequest& request, nlohmann::json input, absl::string_view operation);
  absl::StatusOr<Written> Update(const WriteRequest& request, const Stored& live, nlohmann::json input);
  absl::StatusOr<Written> Finish(const WriteRequest& request, const Stored& live, nlohmann::json next,
                                 Managers managers);
  absl::StatusOr<Written> MarkDeleted(const WriteRequest& request, const Stored& live);

  async::Loop& loop_;
  Store& store_;
  const Validator& validator_;
};

}  // namespace ottoscale::apiserver
