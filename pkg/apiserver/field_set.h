// Sets of fields of an object, as server-side apply counts them, and walking an object by their paths. Pure.
//
// A path is a list of elements in the notation of fieldsV1: "f:spec" is a member, `k:{"type":"Ready"}` an element of a
// list that is a map (Served::list_maps). A set holds leaves: plain values, empty maps, lists that are one value; and
// each element of a list map as itself besides its fields.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

using FieldPath = std::vector<std::string>;
using FieldSet = std::set<FieldPath>;
using ListMaps = std::vector<ListMap>;

// The fields of `object` that somebody can own: all but apiVersion, kind, and the metadata that the server sets.
FieldSet FieldsOf(const nlohmann::json& object, const ListMaps& maps);

// The value at a path, or null.
const nlohmann::json* ValueAt(const nlohmann::json& object, const FieldPath& path);
// Removes what is at a path, and the objects around it that become empty by that.
void RemoveAt(nlohmann::json& object, const FieldPath& path);
// Lays `applied` over `object`: maps member by member, list maps element by element, everything else as one value.
void Overlay(nlohmann::json& object, const nlohmann::json& applied, const ListMaps& maps);

// True when `path` names an element of a list map itself.
bool IsElement(const FieldPath& path);
// True when `path` names the member that tells such an element apart: it lives as long as the element.
bool IsKeyOfElement(const FieldPath& path);
// A member of `set` that is `path`, lies below it, or contains it; or null. What is a map in `object`, and an element
// of a list map, does not contain: owning it is not owning what others put into it.
const FieldPath* Overlapping(const FieldSet& set, const FieldPath& path, const nlohmann::json& object);
// ".spec.metrics[name="heartbeat"].strategy": how messages name a field.
std::string PathText(const FieldPath& path);

nlohmann::json ToFieldsV1(const FieldSet& set);
// Ignores what it cannot read.
FieldSet FromFieldsV1(const nlohmann::json& fields);

}  // namespace ottoscale::apiserver
