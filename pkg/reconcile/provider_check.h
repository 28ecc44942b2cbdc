// The inside of a provider's configuration is checked by its provider: this hands that check to whoever decodes
// policies, so that `validate`, the embedded API server and the operator find the same mistakes.
#pragma once

#include "pkg/manifest/manifest.h"
#include "pkg/ports/ports.h"

namespace ottoscale::reconcile {

const ports::TargetProvider* FindTarget(const ports::Providers& providers, absl::string_view type);
const ports::SourceProvider* FindSource(const ports::Providers& providers, absl::string_view type);

// Borrows `providers`. A type that no provider has is a mistake too.
manifest::ProviderCheck CheckWith(const ports::Providers& providers);

}  // namespace ottoscale::reconcile
