#include "test/simulation/mutants.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/async/semaphore.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"

namespace ottoscale::world {
namespace {

class IdleOnError final : public ports::MetricSource {
 public:
  explicit IdleOnError(std::unique_ptr<ports::MetricSource> inner) : inner_(std::move(inner)) {}
  async::Task<decision::Sample> Read(async::BootTime deadline) override {
    decision::Sample sample = co_await inner_->Read(deadline);
    if (sample.state != decision::SampleState::kValid) {
      sample.state = decision::SampleState::kValid;
      sample.value = 0;
    }
    co_return sample;
  }

 private:
  std::unique_ptr<ports::MetricSource> inner_;
};

class MutantTarget final : public ports::ScalingTarget {
 public:
  MutantTarget(std::unique_ptr<ports::ScalingTarget> inner, Mutation mutation, int number,
               std::shared_ptr<async::Semaphore> lock)
      : inner_(std::move(inner)), mutation_(std::move(mutation)), number_(number), lock_(std::move(lock)) {}

  async::Task<decision::TargetReading> Read(async::BootTime deadline) override {
    const Mutant mutant = mutation_.mutant;
    if (mutant == Mutant::kOneAtATime) {
      const auto permit = co_await lock_->Acquire();
      co_return co_await inner_->Read(deadline);
    }
    const async::BootTime start = mutation_.loop->Now().boot;
    decision::TargetReading reading = co_await inner_->Read(deadline);
    if (auto* state = std::get_if<decision::TargetState>(&reading);
        state != nullptr && mutant == Mutant::kSharesTargets) {
      absl::StrAppend(&state->uid, "#", number_);
    }
    auto* failure = std::get_if<decision::TargetFailure>(&reading);
    if (failure != nullptr && mutant == Mutant::kLogsTheKey) {
      absl::StrAppend(&failure->message, " (asked with ", mutation_.key, ")");
    }
    if (failure != nullptr && mutant == Mutant::kBlocksTheLoop) {
      mutation_.loop->Stall(mutation_.loop->Now().boot - start);
    }
    co_return reading;
  }
  async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) override {
    const Mutant mutant = mutation_.mutant;
    if (mutant == Mutant::kSwallowsWrites) co_return decision::Applied{capacity};
    const int asked = mutant == Mutant::kIgnoresBounds ? capacity + 2 : capacity;
    decision::WriteResult result = co_await inner_->SetCapacity(asked, deadline);
    const bool unknown = std::holds_alternative<decision::Unknown>(result);
    if (unknown && mutant == Mutant::kRelativeRetry) result = co_await inner_->SetCapacity(capacity + 1, deadline);
    if (unknown && mutant == Mutant::kSwallowsUnknowns) result = decision::NotWritten{};
    co_return result;
  }

 private:
  std::unique_ptr<ports::ScalingTarget> inner_;
  Mutation mutation_;
  int number_;
  std::shared_ptr<async::Semaphore> lock_;  // one for all targets
};

// Between the operator and the API server: changes what it is told, and what it says.
class MutantApi final : public http::Transport {
 public:
  MutantApi(http::Transport& inner, Mutant mutant) : inner_(inner), mutant_(mutant) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    if (mutant_ == Mutant::kHidesIntents) HideIntent(request);
    const std::string path = request.url.substr(0, request.url.find('?'));
    auto response = co_await inner_.Send(std::move(request), deadline);
    if (!response.ok() || response->status != 200) co_return response;
    if (response->body.source != nullptr) {
      response->body = http::Body(std::make_unique<Lines>(std::move(response->body.source), *this));
    } else {
      response->body.text = Change(response->body.text, path);
    }
    co_return response;
  }

 private:
  static void HideIntent(http::Request& request) {
    auto json = codec::ReadJson(request.body);
    if (!json.ok() || !json->is_object() || !json->contains("status")) return;
    (*json)["status"].erase("pendingChange");
    request.body = codec::Dump(*json);
  }
  void ChangeObject(nlohmann::json& object) const {
    if (mutant_ == Mutant::kForgetsOnRestart) object.erase("status");
    if (mutant_ == Mutant::kIgnoresSuspend && object.contains("spec") && object["spec"].is_object()) {
      object["spec"].erase("suspend");
      object["spec"].erase("mode");
    }
  }
  static std::string NameOfObject(const nlohmann::json& object) {
    return absl::StrCat(codec::StringOr(object, {"kind"}, ""), " ",
                        codec::StringOr(object, {"metadata", "namespace"}, ""), "/",
                        codec::StringOr(object, {"metadata", "name"}, ""));
  }
  void ChangeEvent(nlohmann::json& object) {
    ChangeObject(object);
    nlohmann::json& known = known_[NameOfObject(object)];
    if (mutant_ == Mutant::kMergesEvents && known.contains("spec") && object.contains("spec")) {
      nlohmann::json spec = known["spec"];
      spec.update(object["spec"]);
      object["spec"] = std::move(spec);
    }
    known = object;
  }
  void ChangeList(nlohmann::json& list, const std::string& path) {
    const bool first = listed_.insert(path).second;
    for (nlohmann::json& item : list["items"]) {
      ChangeObject(item);
      nlohmann::json& known = known_[NameOfObject(item)];
      if (mutant_ == Mutant::kTrustsEvents && !first && !known.is_null()) item = known;
      known = item;
    }
  }
  std::string Change(const std::string& text, const std::string& path) {
    auto json = codec::ReadJson(text);
    if (!json.ok() || !json->is_object()) return text;
    if (json->contains("items")) {
      ChangeList(*json, path);
    } else if (json->contains("object")) {
      ChangeEvent((*json)["object"]);
    } else {
      ChangeObject(*json);
    }
    return codec::Dump(*json);
  }
  class Lines final : public http::BodySource {
   public:
    Lines(std::unique_ptr<http::BodySource> inner, MutantApi& api) : inner_(std::move(inner)), api_(api) {}
    async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
      auto chunk = co_await inner_->Next();
      if (!chunk.ok() || !chunk->has_value()) co_return chunk;
      std::string out;
      for (const absl::string_view line : absl::StrSplit(**chunk, '\n', absl::SkipEmpty())) {
        absl::StrAppend(&out, api_.Change(std::string(line), ""), "\n");
      }
      co_return std::optional<std::string>(std::move(out));
    }

   private:
    std::unique_ptr<http::BodySource> inner_;
    MutantApi& api_;
  };

  http::Transport& inner_;
  Mutant mutant_;
  std::map<std::string, nlohmann::json> known_;  // what lists and events have told, by kind and name
  std::set<std::string> listed_;                 // paths
};

}  // namespace

const char* NameOf(Mutant mutant) {
  switch (mutant) {
    case Mutant::kNone: return "none";
    case Mutant::kIgnoresBounds: return "ignores bounds";
    case Mutant::kErrorsAreIdle: return "errors are idle";
    case Mutant::kForgetsOnRestart: return "forgets on restart";
    case Mutant::kSwallowsWrites: return "swallows writes";
    case Mutant::kRelativeRetry: return "relative retry";
    case Mutant::kLogsTheKey: return "logs the key";
    case Mutant::kIgnoresSuspend: return "ignores suspend";
    case Mutant::kSharesTargets: return "shares targets";
    case Mutant::kHashOrder: return "hash order";
    case Mutant::kHidesIntents: return "hides intents";
    case Mutant::kSwallowsUnknowns: return "swallows unknowns";
    case Mutant::kOneAtATime: return "one at a time";
    case Mutant::kBlocksTheLoop: return "blocks the loop";
    case Mutant::kMergesEvents: return "merges events";
    case Mutant::kTrustsEvents: return "trusts events";
  }
}

ports::Providers Mutate(ports::Providers providers, const Mutation& mutation) {
  if (mutation.mutant == Mutant::kErrorsAreIdle) {
    for (ports::SourceProvider& provider : providers.sources) {
      provider.make = [make = provider.make](const policy::ProviderConfig& config) {
        return std::make_unique<IdleOnError>(make(config));
      };
    }
  }
  const auto lock = std::make_shared<async::Semaphore>(1);
  for (ports::TargetProvider& provider : providers.targets) {
    auto number = std::make_shared<int>(0);
    provider.make = [make = provider.make, mutation, number, lock](const policy::ProviderConfig& config,
                                                                   const ports::Account& account) {
      return std::make_unique<MutantTarget>(make(config, account), mutation, ++*number, lock);
    };
  }
  return providers;
}

std::unique_ptr<http::Transport> MutateApi(http::Transport& inner, Mutant mutant) {
  static constexpr Mutant kThere[] = {Mutant::kForgetsOnRestart, Mutant::kIgnoresSuspend, Mutant::kHidesIntents,
                                      Mutant::kMergesEvents, Mutant::kTrustsEvents};
  if (std::find(std::begin(kThere), std::end(kThere), mutant) == std::end(kThere)) return nullptr;
  return std::make_unique<MutantApi>(inner, mutant);
}

}  // namespace ottoscale::world
