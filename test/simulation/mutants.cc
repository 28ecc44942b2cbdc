#include "test/simulation/mutants.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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
  MutantTarget(std::unique_ptr<ports::ScalingTarget> inner, Mutant mutant, std::string key, int number)
      : inner_(std::move(inner)), mutant_(mutant), key_(std::move(key)), number_(number) {}

  async::Task<decision::TargetReading> Read(async::BootTime deadline) override {
    decision::TargetReading reading = co_await inner_->Read(deadline);
    if (auto* state = std::get_if<decision::TargetState>(&reading);
        state != nullptr && mutant_ == Mutant::kSharesTargets) {
      absl::StrAppend(&state->uid, "#", number_);
    }
    if (auto* failure = std::get_if<decision::TargetFailure>(&reading);
        failure != nullptr && mutant_ == Mutant::kLogsTheKey) {
      absl::StrAppend(&failure->message, " (asked with ", key_, ")");
    }
    co_return reading;
  }
  async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) override {
    if (mutant_ == Mutant::kSwallowsWrites) co_return decision::Applied{capacity};
    const int asked = mutant_ == Mutant::kIgnoresBounds ? capacity + 2 : capacity;
    decision::WriteResult result = co_await inner_->SetCapacity(asked, deadline);
    if (mutant_ == Mutant::kRelativeRetry && std::holds_alternative<decision::Unknown>(result)) {
      result = co_await inner_->SetCapacity(capacity + 1, deadline);
    }
    co_return result;
  }

 private:
  std::unique_ptr<ports::ScalingTarget> inner_;
  Mutant mutant_;
  std::string key_;
  int number_;
};

// Takes something out of every object that the API server answers with.
class ForgetfulApi final : public http::Transport {
 public:
  ForgetfulApi(http::Transport& inner, Mutant mutant) : inner_(inner), mutant_(mutant) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    auto response = co_await inner_.Send(std::move(request), deadline);
    if (!response.ok() || response->status != 200) co_return response;
    if (response->body.source != nullptr) {
      response->body = http::Body(std::make_unique<Lines>(std::move(response->body.source), mutant_));
    } else {
      response->body.text = Cut(response->body.text, mutant_);
    }
    co_return response;
  }

 private:
  static void CutObject(nlohmann::json& object, Mutant mutant) {
    if (mutant == Mutant::kForgetsOnRestart) object.erase("status");
    if (mutant == Mutant::kIgnoresSuspend && object.contains("spec") && object["spec"].is_object()) {
      object["spec"].erase("suspend");
      object["spec"].erase("mode");
    }
  }
  static std::string Cut(const std::string& text, Mutant mutant) {
    auto json = codec::ReadJson(text);
    if (!json.ok() || !json->is_object()) return text;
    if (json->contains("items")) {
      for (nlohmann::json& item : (*json)["items"]) CutObject(item, mutant);
    } else if (json->contains("object")) {
      CutObject((*json)["object"], mutant);
    } else {
      CutObject(*json, mutant);
    }
    return codec::Dump(*json);
  }
  class Lines final : public http::BodySource {
   public:
    Lines(std::unique_ptr<http::BodySource> inner, Mutant mutant) : inner_(std::move(inner)), mutant_(mutant) {}
    async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
      auto chunk = co_await inner_->Next();
      if (!chunk.ok() || !chunk->has_value()) co_return chunk;
      std::string out;
      for (const absl::string_view line : absl::StrSplit(**chunk, '\n', absl::SkipEmpty())) {
        absl::StrAppend(&out, Cut(std::string(line), mutant_), "\n");
      }
      co_return std::optional<std::string>(std::move(out));
    }

   private:
    std::unique_ptr<http::BodySource> inner_;
    Mutant mutant_;
  };

  http::Transport& inner_;
  Mutant mutant_;
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
  }
}

ports::Providers Mutate(ports::Providers providers, Mutant mutant, const std::string& key) {
  if (mutant == Mutant::kErrorsAreIdle) {
    for (ports::SourceProvider& provider : providers.sources) {
      provider.make = [make = provider.make](const policy::ProviderConfig& config) {
        return std::make_unique<IdleOnError>(make(config));
      };
    }
  }
  for (ports::TargetProvider& provider : providers.targets) {
    auto number = std::make_shared<int>(0);
    provider.make = [make = provider.make, mutant, key, number](const policy::ProviderConfig& config,
                                                                const ports::Account& account) {
      return std::make_unique<MutantTarget>(make(config, account), mutant, key, ++*number);
    };
  }
  return providers;
}

std::unique_ptr<http::Transport> MutateApi(http::Transport& inner, Mutant mutant) {
  if (mutant != Mutant::kForgetsOnRestart && mutant != Mutant::kIgnoresSuspend) return nullptr;
  return std::make_unique<ForgetfulApi>(inner, mutant);
}

}  // namespace ottoscale::world
