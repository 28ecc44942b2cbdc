#include "pkg/apiserver/api_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/apiserver/body.h"
#include "pkg/apiserver/core_events.h"
#include "pkg/apiserver/discovery.h"
#include "pkg/apiserver/errors.h"
#include "pkg/apiserver/openapi.h"
#include "pkg/apiserver/reads.h"
#include "pkg/apiserver/table.h"
#include "pkg/apiserver/watch.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"

namespace ottoscale::apiserver {

using kubeapi::ErrorReason;
using nlohmann::json;

namespace {

http::Response JsonAnswer(int status, http::Body body) {
  http::Response response{.status = status};
  response.headers.Add("Content-Type", "application/json");
  response.headers.Add("Cache-Control", "no-cache, private");
  response.body = std::move(body);
  return response;
}

http::Response JsonAnswer(int status, const json& body, bool pretty = false) {
  return JsonAnswer(status, http::Body((pretty ? codec::DumpIndented(body) : codec::Dump(body)) + "\n"));
}

http::Response ErrorAnswer(const absl::Status& status) {
  const kubeapi::ApiError error = AsApiError(status);
  const json body = kubeapi::ToJson(error);
  http::Response response = JsonAnswer(error.code, body);
  if (const std::optional<int64_t> seconds = kubeapi::IntegerAt(body, {"details", "retryAfterSeconds"})) {
    response.headers.Add("Retry-After", std::to_string(*seconds));
  }
  return response;
}

http::Response Ok() {
  http::Response response;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = http::Body(std::string("ok"));
  return response;
}

bool IsHealthPath(const std::string& path) { return path == "/healthz" || path == "/readyz" || path == "/livez"; }

absl::Status NotAllowed(absl::string_view method) {
  return Refusal(ErrorReason::kMethodNotAllowed,
                 absl::StrCat("the server does not allow this method on the requested resource: ",
                              Printable(Truncate(method, 20))));
}

// Who writes when nobody says: the first word of the User-Agent, as on the real server.
std::string FieldManager(const http::ServerRequest& request, const Options& options) {
  if (!options.field_manager.empty()) return options.field_manager;
  const std::string agent = request.headers.Get("User-Agent").value_or("");
  const std::string word = agent.substr(0, agent.find_first_of("/ "));
  return word.empty() ? "unknown" : Printable(Truncate(word, 128));
}

absl::Status CheckAccept(const http::ServerRequest& request) {
  const std::optional<std::string> accept = request.headers.Get("Accept");
  if (!accept || accept->empty() || absl::StrContains(*accept, "json") || absl::StrContains(*accept, "*/*") ||
      absl::StrContains(*accept, "application/*")) {
    return absl::OkStatus();
  }
  return Refusal(ErrorReason::kNotAcceptable, "only the following media types are accepted: application/json");
}

bool HasDirective(const json& patch) {
  if (!patch.is_structured()) return false;
  for (const auto& [key, value] : patch.items()) {
    if ((patch.is_object() && absl::StartsWith(key, "$")) || HasDirective(value)) return true;
  }
  return false;
}

// Namespaces exist by being named, so making one finds it there.
absl::Status NamespaceIsThere(const http::ServerRequest& request) {
  ASSIGN_OR_RETURN(const json input, ReadObject(request));
  const kubeapi::Resource namespaces{.version = "v1", .plural = "namespaces", .kind = "Namespace"};
  return AlreadyExists(namespaces, Printable(Truncate(kubeapi::TextAt(input, {"metadata", "name"}), 80)));
}

}  // namespace

ApiServer::ApiServer(async::Loop& loop, Store& store, ApiServerOptions options)
    : loop_(loop), store_(store), options_(std::move(options)), writes_(loop, store, options_.validator) {}

async::Task<http::Response> ApiServer::Handle(http::ServerRequest request) {
  if (IsHealthPath(request.path)) co_return Ok();
  absl::StatusOr<http::Response> answer = Answer(request);
  if (!answer.ok()) co_return ErrorAnswer(answer.status());
  co_return *std::move(answer);
}

absl::StatusOr<http::Response> ApiServer::Answer(const http::ServerRequest& request) {
  if (options_.authorize && !options_.authorize(request)) {
    return Refusal(ErrorReason::kForbidden, absl::StrCat("forbidden: ", request.method, " ", request.path));
  }
  RETURN_IF_ERROR(CheckSize(request));
  RETURN_IF_ERROR(CheckAccept(request));
  ASSIGN_OR_RETURN(const std::vector<std::string> segments, PathSegments(request.path));
  std::optional<json> document = OpenApi(segments, options_.served, options_.version);
  if (!document) document = Discovery(segments, options_.served, options_.version);
  if (document) {
    if (request.method != "GET") return NotAllowed(request.method);
    return JsonAnswer(200, *document, http::QueryValue(request.query, "pretty").has_value());
  }
  if (request.method == "POST" && request.path == "/api/v1/namespaces") return NamespaceIsThere(request);
  if (const std::optional<std::string> ns = CoreEventsPath(segments)) return ReadCoreEvents(request, *ns);
  ASSIGN_OR_RETURN(const Target target, ParseTarget(segments, options_.served));
  return Serve(request, target);
}

absl::StatusOr<http::Response> ApiServer::Serve(const http::ServerRequest& request, const Target& target) {
  ASSIGN_OR_RETURN(const Options options, ParseOptions(request.query));
  if (request.method == "GET") return Read(request, target, options);
  const bool collection = target.name.empty();
  const bool all_namespaces = target.served->resource.namespaced && target.ns.empty();
  if (all_namespaces || collection != (request.method == "POST")) return NotAllowed(request.method);
  const WriteRequest write{.served = *target.served,
                           .key = {target.ns, target.name},
                           .status = target.status,
                           .dry_run = options.dry_run,
                           .force = options.force,
                           .manager = FieldManager(request, options),
                           .validation = options.field_validation};
  if (request.method == "DELETE" && !target.status) return Delete(request, write, options.pretty);
  ForgetOldEvents();
  ASSIGN_OR_RETURN(const Written written, Write(request, write, collection));
  if (!options.dry_run) RememberEvent(target, written);
  http::Response response = JsonAnswer(written.code, *written.object, options.pretty);
  for (const std::string& warning : written.warnings) {
    response.headers.Add("Warning", absl::StrCat("299 - ", codec::Dump(json(warning))));
  }
  return response;
}

absl::StatusOr<http::Response> ApiServer::Read(const http::ServerRequest& request, const Target& target,
                                               const Options& options) {
  if (WantsTable(request.headers.Get("Accept").value_or(""))) return ReadTable(request, target, options);
  if (options.watch && !target.status) {
    ASSIGN_OR_RETURN(std::unique_ptr<http::BodySource> stream,
                     OpenWatch(loop_, store_, target, options, options_.bookmark_interval));
    return JsonAnswer(200, http::Body(std::move(stream)));
  }
  if (target.name.empty()) {
    ASSIGN_OR_RETURN(ListPage page, ReadList(store_, target, options));
    return JsonAnswer(200, ListBody(std::move(page)));
  }
  ASSIGN_OR_RETURN(const ObjectPtr object, ReadOne(store_, target));
  return JsonAnswer(200, *object, options.pretty);
}

absl::StatusOr<http::Response> ApiServer::ReadTable(const http::ServerRequest& request, const Target& target,
                                                    const Options& options) {
  const TableOptions table{.include = IncludeOf(request.query)};
  if (options.watch && !target.status) {
    Render render = [this, table, served = target.served](const json& object, bool first) {
      TableOptions with = table;
      with.headers = first;
      return TableOf(*served, object, loop_.Now().wall, with);
    };
    ASSIGN_OR_RETURN(std::unique_ptr<http::BodySource> stream,
                     OpenWatch(loop_, store_, target, options, options_.bookmark_interval, std::move(render)));
    return JsonAnswer(200, http::Body(std::move(stream)));
  }
  if (!target.name.empty()) {
    ASSIGN_OR_RETURN(const ObjectPtr object, ReadOne(store_, target));
    return JsonAnswer(200, TableOf(*target.served, *object, loop_.Now().wall, table), options.pretty);
  }
  ASSIGN_OR_RETURN(const ListPage page, ReadList(store_, target, options));
  return JsonAnswer(200, TableOf(*target.served, page, loop_.Now().wall, table));
}

absl::StatusOr<http::Response> ApiServer::ReadCoreEvents(const http::ServerRequest& request, const std::string& ns) {
  if (request.method != "GET") return NotAllowed(request.method);
  ASSIGN_OR_RETURN(const Options options, ParseOptions(request.query));
  const bool as_table = WantsTable(request.headers.Get("Accept").value_or(""));
  const TableOptions table{.include = IncludeOf(request.query)};
  if (options.watch) {
    if (!options.field_selector.empty()) {
      return BadRequest("query parameter fieldSelector: events of v1 are watched without one, or listed with it");
    }
    Render render = [this, table, as_table](const json& event, bool first) {
      const json converted = ToCoreEvent(event);
      TableOptions with = table;
      with.headers = first;
      return as_table ? TableOf(CoreEvents(), converted, loop_.Now().wall, with) : converted;
    };
    ASSIGN_OR_RETURN(std::unique_ptr<http::BodySource> stream,
                     OpenWatch(loop_, store_, Target{.served = &StoredEvents(), .ns = ns}, options,
                               options_.bookmark_interval, std::move(render)));
    return JsonAnswer(200, http::Body(std::move(stream)));
  }
  ASSIGN_OR_RETURN(ListPage page, ListCoreEvents(store_, ns, options));
  if (!as_table) return JsonAnswer(200, ListBody(std::move(page)));
  return JsonAnswer(200, TableOf(CoreEvents(), page, loop_.Now().wall, table));
}

absl::StatusOr<Written> ApiServer::Write(const http::ServerRequest& request, const WriteRequest& write,
                                         bool collection) {
  if (request.method == "PATCH") return Patch(request, write);
  if (request.method != "POST" && request.method != "PUT") return NotAllowed(request.method);
  ASSIGN_OR_RETURN(const json input, ReadObject(request));
  return collection ? writes_.Create(write, input) : writes_.Replace(write, input);
}

absl::StatusOr<Written> ApiServer::Patch(const http::ServerRequest& request, const WriteRequest& write) {
  const std::string type = MediaType(request);
  if (type == "application/apply-patch+yaml") {
    if (!http::QueryValue(request.query, "fieldManager")) {
      return BadRequest("query parameter fieldManager is required for an apply patch");
    }
    ASSIGN_OR_RETURN(const json applied, ReadYamlObject(request.body));
    return writes_.ServerSideApply(write, applied);
  }
  if (http::QueryValue(request.query, "force")) return BadRequest("query parameter force is only for an apply patch");
  const bool strategic = type == "application/strategic-merge-patch+json" && !write.served.custom;
  const bool merge = type == "application/merge-patch+json" || strategic;
  if (!merge && type != "application/json-patch+json") {
    return WrongMediaType(type,
                          "application/merge-patch+json, application/json-patch+json or application/apply-patch+yaml");
  }
  ASSIGN_OR_RETURN(const json patch, ReadJsonBody(request.body));
  // Without directives it is a merge patch for the built-in kinds that are served: none has a list that merges.
  if (strategic && HasDirective(patch)) {
    return BadRequest("strategic merge patch: directives like $patch are not supported, use a merge patch");
  }
  return merge ? writes_.MergePatch(write, patch) : writes_.JsonPatch(write, patch);
}

absl::StatusOr<http::Response> ApiServer::Delete(const http::ServerRequest& request, const WriteRequest& write,
                                                 bool pretty) {
  json options;
  if (!request.body.empty()) {
    ASSIGN_OR_RETURN(options, ReadObject(request));
  }
  ASSIGN_OR_RETURN(const json answer, writes_.Delete(write, options));
  return JsonAnswer(200, answer, pretty);
}

void ApiServer::ForgetOldEvents() {
  const async::BootTime now = loop_.Now().boot;
  while (!events_.empty() && events_.front().until <= now) {
    const ShortLived old = std::move(events_.front());
    events_.pop_front();
    // Written again or deleted since: the revision does not fit, and nothing happens. A store that fails keeps an old
    // Event, no more.
    store_.Delete(kubeapi::Events(), old.key, old.revision).IgnoreError();
  }
}

void ApiServer::RememberEvent(const Target& target, const Written& written) {
  if (target.served->resource != kubeapi::Events()) return;
  int64_t revision = 0;
  if (!absl::SimpleAtoi(kubeapi::TextAt(*written.object, {"metadata", "resourceVersion"}), &revision)) return;
  events_.push_back({.until = loop_.Now().boot + options_.event_lifetime,
                     .key = {target.ns, kubeapi::TextAt(*written.object, {"metadata", "name"})},
                     .revision = revision});
}

}  // namespace ottoscale::apiserver
