// The protocol of exec credential plugins (client.authentication.k8s.io v1 and v1beta1), without running anything.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pkg/base/secret.h"
#include "pkg/kube/child_process.h"
#include "pkg/kube/config.h"

namespace ottoscale::kube {

struct PluginCredential {
  std::optional<Secret> token;
  std::string certificate_pem;  // with its key, or both empty
  Secret key_pem;
  absl::Time expires = absl::InfiniteFuture();
};

// How to run it: with KUBERNETES_EXEC_INFO in its environment.
ProcessCall CallOf(const ExecPlugin& plugin);

// What it answered. Unauthenticated in all other cases, in a sentence that names the plugin, what went wrong (with the
// beginning of its standard error) and how to install it.
absl::StatusOr<PluginCredential> ReadPluginAnswer(const ExecPlugin& plugin, absl::StatusOr<ProcessResult> result);

}  // namespace ottoscale::kube
