#include "operator/demo_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "operator/plot.h"
#include "operator/run.h"
#include "pkg/async/deadline.h"
#include "pkg/async/scope.h"
#include "pkg/async/sleep.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/simulation/demo_world.h"

namespace ottoscale::operator_main {
namespace {

using simulation::DemoWorld;

constexpr char kKey[] = "demo-key-of-the-simulated-heroku";
constexpr double kLowerMs = 200;
constexpr double kUpperMs = 1000;
constexpr absl::Duration kPlotPeriod = absl::Seconds(1);
constexpr int kPlainEvery = 10;  // plot periods between two plain lines

// Puts lines above a plot that is drawn again and again in the same place.
class Screen {
 public:
  Screen(bool plot, size_t columns, const Output& output) : plot_(plot), output_(output) {
    style_ = {.width = columns > 30 ? std::min<size_t>(columns - 20, 100) : 20,
              .colour = plot,
              .lower_ms = kLowerMs,
              .upper_ms = kUpperMs};
  }
  void Line(absl::string_view line) {
    Erase();
    output_.out(line);
    Redraw();
  }
  void Show(const std::vector<PlotPoint>& points) {
    if (!plot_) return;
    Erase();
    lines_ = RenderPlot(points, style_);
    Redraw();
  }
  const PlotStyle& style() const { return style_; }

 private:
  void Erase() {
    if (drawn_ > 0) output_.out(absl::StrCat("\x1b[", drawn_, "A\x1b[J\x1b[1A"));
    drawn_ = 0;
  }
  void Redraw() {
    for (const std::string& line : lines_) output_.out(line);
    drawn_ = lines_.size();
  }

  bool plot_;
  const Output& output_;
  PlotStyle style_;
  std::vector<std::string> lines_;
  size_t drawn_ = 0;
};

nlohmann::json Account(const std::string& url) {
  return {{"apiVersion", "ottoscale.dev/v1alpha1"},
          {"kind", "CloudAccount"},
          {"metadata", {{"name", "heroku"}, {"namespace", "default"}}},
          {"spec",
           {{"type", "Heroku"},
            {"heroku", {{"apiKeySecretRef", {{"name", "heroku"}, {"key", "apiKey"}}}, {"apiURL", url}}}}}};
}

nlohmann::json SecretObject() {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", "heroku"}, {"namespace", "default"}}},
          {"data", {{"apiKey", kubeapi::EncodeBase64(kKey)}}}};
}

nlohmann::json Policy(const std::string& heartbeat) {
  const nlohmann::json source = {{"type", "HTTPHeartbeat"},
                                 {"httpHeartbeat", {{"url", heartbeat}, {"timeoutMilliseconds", 4000}}}};
  const nlohmann::json strategy = {{"type", "Threshold"}, {"threshold", {{"lower", kLowerMs}, {"upper", kUpperMs}}}};
  nlohmann::json spec = {{"pollPeriodSeconds", 5},
                         {"target",
                          {{"type", "HerokuFormation"},
                           {"herokuFormation", {{"accountRef", {{"name", "heroku"}}}, {"app", DemoWorld::kApp}}}}},
                         {"minCapacity", 1},
                         {"maxCapacity", 3}};
  spec["metrics"] = nlohmann::json::array();
  spec["metrics"].push_back({{"name", "heartbeat"}, {"source", source}, {"strategy", strategy}});
  spec["behavior"] = {{"settleSeconds", 0},
                      {"scaleIn", {{"stabilizationWindowSeconds", 0}, {"policies", nlohmann::json::array()}}}};
  return {{"apiVersion", "ottoscale.dev/v1alpha1"},
          {"kind", "ScalingPolicy"},
          {"metadata", {{"name", DemoWorld::kApp}, {"namespace", "default"}}},
          {"spec", spec}};
}

class Demo {
 public:
  Demo(async::AsioLoop& loop, const DemoOptions& options, Standalone& standalone, DemoWorld& world,
       http::Server& heroku, http::Server& app, Screen& screen, const Output& output)
      : loop_(loop),
        options_(options),
        standalone_(standalone),
        world_(world),
        heroku_(heroku),
        app_(app),
        screen_(screen),
        output_(output) {}

  async::Task<int> Run() {
    started_ = loop_.Now().boot;
    output_.out("Ottoscale demo: a simulated Heroku with one app, and users whose number rises and falls.");
    output_.out(absl::StrCat("API      ", standalone_.api_url(), "   curl -s ", standalone_.api_url(),
                             "/apis/ottoscale.dev/v1alpha1/namespaces/default/scalingpolicies/", DemoWorld::kApp));
    output_.out(
        absl::StrCat("metrics  ", standalone_.metrics_url(), "   curl -s ", standalone_.metrics_url(), "/metrics"));
    output_.out("Ctrl-C ends it.");
    standalone_.Start();
    absl::Status end = co_await CreateObjects();
    if (end.ok()) end = co_await Watch();
    auto stop = async::Shield(async::BootTime::Infinite(), StopAll());
    co_await std::move(stop);
    if (absl::IsCancelled(end) || absl::IsDeadlineExceeded(end)) {
      Summary();
      co_return kOk;
    }
    output_.error(absl::StrCat("ottoscale: ", absl::string_view(end.message())));
    co_return kFailed;
  }

 private:
  std::string Local(const http::Server& server) const { return absl::StrCat("http://127.0.0.1:", server.port()); }

  async::Task<absl::Status> CreateObjects() {
    const async::BootTime deadline = loop_.Now().boot + absl::Seconds(5);
    const kube::Client& client = standalone_.client();
    auto secret = co_await client.Create(kubeapi::Secrets(), SecretObject(), deadline);
    if (!secret.ok()) co_return secret.status();
    auto account = co_await client.Create(kubeapi::CloudAccounts(), Account(Local(heroku_)), deadline);
    if (!account.ok()) co_return account.status();
    auto policy =
        co_await client.Create(kubeapi::ScalingPolicies(), Policy(absl::StrCat(Local(app_), "/heartbeat/")), deadline);
    co_return policy.status();
  }

  PlotPoint Now() {
    PlotPoint point{.load = world_.app.RateNow(),
                    .dynos = world_.heroku.Quantity(DemoWorld::kApp, DemoWorld::kType),
                    .ready = world_.heroku.Up(DemoWorld::kApp, DemoWorld::kType)};
    for (const auto& [key, entry] : standalone_.program().reconciler().entries()) {
      if (!entry.last || entry.last->decision.metrics.empty()) continue;
      point.response_ms = entry.last->decision.metrics.front().value;
    }
    return point;
  }

  async::Task<absl::Status> Watch() {
    const async::BootTime end = started_ + options_.length;
    for (int tick = 0;; ++tick) {
      const absl::Status slept = co_await async::SleepUntil(std::min(end, started_ + (tick + 1) * kPlotPeriod));
      if (!slept.ok()) co_return slept;
      if (loop_.Now().boot >= end) co_return absl::DeadlineExceededError("--for has passed");
      points_.push_back(Now());
      if (points_.size() > 200) points_.erase(points_.begin());
      screen_.Show(points_);
      if (options_.plain && tick % kPlainEvery == kPlainEvery - 1) {
        output_.out(
            absl::StrFormat("%4d s %s", tick + 1, RenderPlot({points_.back()}, {.width = 1}).back().substr(17)));
      }
    }
  }

  async::Task<void> StopAll() {
    co_await standalone_.Stop(loop_.Now().boot + absl::Seconds(20));
    co_await heroku_.Stop(loop_.Now().boot + absl::Seconds(1));
    co_await app_.Stop(loop_.Now().boot + absl::Seconds(1));
  }

  void Summary() {
    int out = 0;
    int in = 0;
    for (const simulation::HerokuWrite& write : world_.heroku.writes()) {
      out += write.status == 200 && write.to > write.from;
      in += write.status == 200 && write.to < write.from;
    }
    output_.out(absl::StrFormat("Ran %.0f s: %d changes (%d out, %d in), %u requests to Heroku, %d dynos at the end.",
                                absl::ToDoubleSeconds(loop_.Now().boot - started_), out + in, out, in,
                                static_cast<unsigned>(world_.heroku.requests()),
                                world_.heroku.Quantity(DemoWorld::kApp, DemoWorld::kType)));
  }

  async::AsioLoop& loop_;
  const DemoOptions& options_;
  Standalone& standalone_;
  DemoWorld& world_;
  http::Server& heroku_;
  http::Server& app_;
  Screen& screen_;
  const Output& output_;
  async::BootTime started_;
  std::vector<PlotPoint> points_;
};

}  // namespace

int RunDemo(DemoOptions options, const Version& version, bool plot, size_t columns, const Output& output) {
  options.plain = options.plain || !plot;
  Screen screen(!options.plain, columns, output);
  async::AsioLoop loop;
  const auto fail = [&output](const absl::Status& status) {
    output.error(absl::StrCat("ottoscale: ", absl::string_view(status.message())));
    return kFailed;
  };
  DemoWorld world(loop, kKey);
  auto heroku = http::Listen(loop, world.heroku, {});
  if (!heroku.ok()) return fail(heroku.status());
  auto app = http::Listen(loop, world.app, {});
  if (!app.ok()) return fail(app.status());
  // The demo is an administrator like any other: it allows what it needs in flags.
  options.common.allow_endpoints.push_back(absl::StrCat("http://127.0.0.1:", (*heroku)->port()));
  options.common.probe_allow_cidrs.emplace_back("127.0.0.0/8");
  telemetry::Sink sink = [&screen](telemetry::Level, absl::string_view line) { screen.Line(line); };
  auto standalone = Standalone::Make(loop, options.common, version, std::move(sink), !options.plain);
  if (!standalone.ok()) return fail(standalone.status());
  Demo demo(loop, options, **standalone, world, **heroku, **app, screen, output);
  return RunOnLoop(loop, demo.Run());
}

}  // namespace ottoscale::operator_main
