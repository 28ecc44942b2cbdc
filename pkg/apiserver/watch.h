// A watch as a body that is pulled: one JSON event a line. Nothing runs between two pulls, so a watcher that does not
// read costs nothing but its place in the history; when that is forgotten it gets an ERROR event with 410 and the end.
#pragma once

#include <functional>
#include <memory>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/store.h"
#include "pkg/apiserver/target.h"
#include "pkg/async/loop.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {

// Makes of an object what is sent for it. `first` in the stream: a table has its headers only there.
using Render = std::function<nlohmann::json(const nlohmann::json& object, bool first)>;

// BadRequest for options that do not fit, Expired when resourceVersion is forgotten or lies in the future (the server
// was started anew with an empty store). What comes:
//   * resourceVersion "" or "0", or sendInitialEvents=true: first an ADDED for each object there is, in the order of
//   keys;
//     with sendInitialEvents and bookmarks then a BOOKMARK annotated k8s.io/initial-events-end.
//   * every change after that, in the order of revisions; none twice, none left out. With a selector, an object that
//     begins to match is ADDED and one that ceases to is DELETED.
//   * with allowWatchBookmarks a BOOKMARK when `bookmark_interval` has passed without an event, and one before the end.
//   * the end after timeoutSeconds (else 30 to 60 minutes).
// `loop` and `store` outlive the body; `target` need not. Without
// `render` objects are sent as they are; errors always are.
absl::StatusOr<std::unique_ptr<http::BodySource>> OpenWatch(async::Loop& loop, Store& store, const Target& target,
                                                            const Options& options, absl::Duration bookmark_interval,
                                                            Render render = nullptr);

}  // namespace ottoscale::apiserver
