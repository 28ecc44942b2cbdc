#include "pkg/apiserver/reads.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/errors.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"

namespace ottoscale::apiserver {

using kubeapi::ObjectKey;
using nlohmann::json;

namespace {

// Where the next page starts: after `last`, in the state of `revision`.
struct Continuation {
  int64_t revision = 0;
  ObjectKey last;
};

std::string Encode(const Continuation& next) {
  json token = json::object();
  token["rv"] = next.revision;
  token["ns"] = next.last.ns;
  token["name"] = next.last.name;
  return absl::WebSafeBase64Escape(codec::Dump(token));
}

absl::StatusOr<Continuation> Decode(absl::string_view text) {
  std::string plain;
  absl::Status bad = BadRequest("query parameter continue: not a token of this server");
  if (!absl::WebSafeBase64Unescape(text, &plain)) return bad;
  const absl::StatusOr<json> token = codec::ReadJson(plain);
  if (!token.ok()) return bad;
  const std::optional<int64_t> revision = kubeapi::IntegerAt(*token, {"rv"});
  if (!revision || *revision < 1) return bad;
  return Continuation{.revision = *revision,
                      .last = {kubeapi::TextAt(*token, {"ns"}), kubeapi::TextAt(*token, {"name"})}};
}

constexpr size_t kSliceItems = 100;

// The text of a page, slice by slice.
class ListText {
 public:
  explicit ListText(ListPage page) : page_(std::move(page)) {}

  size_t remaining() const { return page_.items.size() - written_; }
  bool done() const { return closed_; }

  std::string Slice() {
    std::string out;
    if (written_ == 0) {
      absl::StrAppend(&out, "{\"apiVersion\":\"", page_.api_version, "\",\"kind\":\"", page_.kind,
                      "\",\"metadata\":", codec::Dump(page_.metadata), ",\"items\":[");
    }
    for (size_t i = 0; i < kSliceItems && remaining() > 0; ++i) {
      absl::StrAppend(&out, written_ == 0 ? "" : ",", codec::Dump(*page_.items[written_]));
      page_.items[written_++].reset();
    }
    closed_ = remaining() == 0;
    if (closed_) absl::StrAppend(&out, "]}\n");
    return out;
  }

 private:
  ListPage page_;
  size_t written_ = 0;
  bool closed_ = false;
};

class ListSource final : public http::BodySource {
 public:
  explicit ListSource(ListText text) : text_(std::move(text)) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (text_.done()) co_return std::nullopt;
    CO_RETURN_IF_ERROR(co_await async::Yield());
    co_return text_.Slice();
  }

 private:
  ListText text_;
};

// The state to list: nullopt is the present one.
absl::StatusOr<std::optional<int64_t>> RevisionToList(const Options& options, int64_t current) {
  ASSIGN_OR_RETURN(const std::optional<int64_t> wanted, WantedRevision(options));
  if (wanted && *wanted > current) return FromTheFuture(*wanted, current);
  if (options.resource_version_match == "Exact") {
    if (!wanted) return BadRequest("query parameter resourceVersionMatch=Exact needs a resourceVersion other than 0");
    return wanted;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> WantedRevision(const Options& options) {
  if (options.resource_version.empty() || options.resource_version == "0") return std::nullopt;
  int64_t revision = 0;
  if (!absl::SimpleAtoi(options.resource_version, &revision) || revision < 0) {
    return BadRequest(absl::StrCat("query parameter resourceVersion: must be a number, found '",
                                   Printable(Truncate(options.resource_version, 60)), "'"));
  }
  return revision;
}

absl::Status FromTheFuture(int64_t wanted, int64_t current) {
  kubeapi::ApiError error = kubeapi::MakeApiError(
      kubeapi::ErrorReason::kTimeout, absl::StrCat("Too large resource version: ", wanted, ", current: ", current));
  error.causes = {{.reason = "ResourceVersionTooLarge", .message = "Too large resource version"}};
  error.retry_after = absl::Seconds(1);
  return kubeapi::ToStatus(error);
}

absl::Status TooOld(int64_t wanted) {
  return Refusal(kubeapi::ErrorReason::kExpired, absl::StrCat("too old resource version: ", wanted, ": list again"));
}

absl::StatusOr<ObjectPtr> ReadOne(Store& store, const Target& target) {
  ASSIGN_OR_RETURN(const std::optional<Stored> found,
                   store.Get(target.served->resource, ObjectKey{target.ns, target.name}));
  if (!found) return NotFound(target.served->resource, target.name);
  return found->object;
}

absl::StatusOr<ListPage> ReadList(Store& store, const Target& target, const Options& options) {
  ASSIGN_OR_RETURN(const Selector selector,
                   ParseSelector(options.label_selector, options.field_selector, target.served->selectable));
  const int64_t current = store.Revision();
  Continuation from;
  std::optional<int64_t> at;
  if (options.continue_token.empty()) {
    ASSIGN_OR_RETURN(at, RevisionToList(options, current));
  } else {
    if (!options.resource_version.empty() && options.resource_version != "0") {
      return BadRequest("query parameters continue and resourceVersion exclude each other: the token has its version");
    }
    ASSIGN_OR_RETURN(from, Decode(options.continue_token));
    if (from.revision > current) return TooOld(from.revision);
    at = from.revision;
  }
  const absl::StatusOr<std::vector<Stored>> all = store.List(target.served->resource, target.ns, at);
  if (absl::IsOutOfRange(all.status())) return TooOld(at.value_or(0));
  RETURN_IF_ERROR(all.status());

  const int64_t revision = at.value_or(current);
  ListPage page{.kind = target.served->resource.kind + "List",
                .api_version = target.served->resource.ApiVersion(),
                .metadata = json::object()};
  page.metadata["resourceVersion"] = std::to_string(revision);
  for (auto stored = all->begin(); stored != all->end(); ++stored) {
    if (!options.continue_token.empty() && stored->key <= from.last) continue;
    if (!selector.Matches(*stored->object)) continue;
    if (options.limit != 0 && page.items.size() == options.limit) {
      page.metadata["continue"] = Encode({.revision = revision, .last = from.last});
      // A selector makes the number of those that remain unknown.
      if (selector.empty()) page.metadata["remainingItemCount"] = all->end() - stored;
      break;
    }
    page.items.push_back(stored->object);
    if (options.limit != 0) from.last = stored->key;
  }
  return page;
}

http::Body ListBody(ListPage page) {
  ListText text(std::move(page));
  if (text.remaining() > kSliceItems) return http::Body(std::make_unique<ListSource>(std::move(text)));
  return http::Body(text.Slice());
}

}  // namespace ottoscale::apiserver
