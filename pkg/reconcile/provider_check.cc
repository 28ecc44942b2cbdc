#include "pkg/reconcile/provider_check.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ottoscale::reconcile {

const ports::TargetProvider* FindTarget(const ports::Providers& providers, absl::string_view type) {
  for (const ports::TargetProvider& provider : providers.targets) {
    if (provider.type == type) return &provider;
  }
  return nullptr;
}

const ports::SourceProvider* FindSource(const ports::Providers& providers, absl::string_view type) {
  for (const ports::SourceProvider& provider : providers.sources) {
    if (provider.type == type) return &provider;
  }
  return nullptr;
}

manifest::ProviderCheck CheckWith(const ports::Providers& providers) {
  return [&providers](manifest::ConfigKind kind, const policy::ProviderConfig& config) {
    std::vector<codec::Problem> problems;
    const ports::CheckConfig* check = nullptr;
    if (kind == manifest::ConfigKind::kTarget) {
      if (const auto* provider = FindTarget(providers, config.type); provider != nullptr) check = &provider->check;
    } else {
      if (const auto* provider = FindSource(providers, config.type); provider != nullptr) check = &provider->check;
    }
    if (check == nullptr) {
      problems.push_back({.message = absl::StrCat(config.type, " is not supported by this installation")});
      return problems;
    }
    for (ports::ConfigProblem& problem : (*check)(config)) {
      problems.push_back({.path = std::move(problem.path), .message = std::move(problem.message)});
    }
    return problems;
  };
}

}  // namespace ottoscale::reconcile
