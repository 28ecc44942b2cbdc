// Every order of up to six of the events that can meet at an await, against a model of what must come of it.
//
// A shape (a plain await, one with a deadline, a gather, ...) is started, then the events happen one after the other,
// with the loop run until idle after each of them or not at all. The model keeps what is on its way to the await; what
// may end it is whatever was on its way when the loop ran next (the order among those is the loop's choice), or at once
// what acts at once. Afterwards: each await has ended exactly once, as the model allows, no frame is alive and nothing
// is left in the loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/semaphore.h"
#include "pkg/async/signal.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"

namespace ottoscale::async {
namespace {

enum class Event { kComplete, kCancel, kDeadline, kDrop, kForeign };
constexpr std::array<Event, 5> kEvents = {Event::kComplete, Event::kCancel, Event::kDeadline, Event::kDrop,
                                          Event::kForeign};
constexpr std::array<const char*, 5> kEventNames = {"complete", "cancel", "deadline", "drop", "foreign"};

// How an await ended, as one number: its value (above 0), or the negative code of its status.
constexpr int kCancelled = -static_cast<int>(absl::StatusCode::kCancelled);
constexpr int kDeadlineExceeded = -static_cast<int>(absl::StatusCode::kDeadlineExceeded);
constexpr int kAborted = -static_cast<int>(absl::StatusCode::kAborted);
int Ending(const absl::Status& status) { return status.ok() ? 1 : -static_cast<int>(status.code()); }
int Ending(const absl::StatusOr<int>& value) { return value.ok() ? *value : Ending(value.status()); }

// One foreign thread for the whole test: Run(f) runs f there and comes back when that is done.
class Foreign {
 public:
  Foreign() : thread_([this] { Work(); }) {}
  ~Foreign() {
    Run(nullptr);
    thread_.join();
  }
  void Run(std::function<void()> call) {
    std::unique_lock lock(mutex_);
    call_ = std::move(call);
    pending_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !pending_; });
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    for (bool running = true; running;) {
      changed_.wait(lock, [this] { return pending_; });
      running = static_cast<bool>(call_);
      if (running) std::exchange(call_, nullptr)();
      pending_ = false;
      changed_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> call_;
  bool pending_ = false;
  std::thread thread_;
};

// Counts the frames that are alive: each coroutine of the test has one as a parameter.
class Live {
 public:
  explicit Live(int& count) : count_(&count) { ++*count_; }
  Live(Live&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Live& operator=(Live&&) = delete;
  ~Live() {
    if (count_ != nullptr) --*count_;
  }

 private:
  int* count_;
};

// The model of one await.
class Expected {
 public:
  // Something from `source` is on its way. A source has one say.
  void Coming(int source, int ending) { coming_.emplace(source, ending); }
  // It ends now, unless it has ended.
  void Ends(int ending) {
    if (accepted_.empty()) accepted_ = {ending};
  }
  // The loop runs until nothing is ready.
  void Idle() {
    if (!accepted_.empty()) return;
    for (const auto& [source, ending] : coming_) accepted_.push_back(ending);
  }
  bool decided() const { return !accepted_.empty(); }
  bool Accepts(int ending) const { return std::find(accepted_.begin(), accepted_.end(), ending) != accepted_.end(); }
  std::string Text() const { return absl::StrJoin(accepted_, "|"); }

 private:
  std::map<int, int> coming_;
  std::vector<int> accepted_;
};
constexpr int kDeadlineSource = 100;

// One shape being put through one order of events.
struct Case {
  SimulatedLoop loop;
  Foreign& foreign;
  const BootTime deadline = loop.Now().boot + absl::Seconds(60);
  int live = 0;
  int finished = 0;          // root tasks
  std::vector<int> endings;  // in the order of `expected`
  std::vector<Expected> expected{Expected()};
  std::optional<Context> root;
  Task<void> task;
  std::vector<std::optional<Promise<int>>> promises;
  std::function<void(Event)> on_event;                     // acts, and tells the model
  std::function<void()> end = [] {};                       // ends what has not ended by itself
  std::function<std::string()> after = [] { return ""; };  // looks for what else may be wrong

  Case(uint64_t seed, Foreign& thread) : loop(seed), foreign(thread) {}
  Case(const Case&) = delete;

  void Idle() {
    loop.RunReady();
    for (Expected& one : expected) one.Idle();
  }
  void PassDeadline() {
    loop.Stall(std::max(deadline - loop.Now().boot, absl::ZeroDuration()));
    for (Expected& one : expected) one.Coming(kDeadlineSource, kDeadlineExceeded);
  }
  void CancelRoot() {
    root->Cancel(absl::CancelledError(""));
    for (Expected& one : expected) one.Ends(kCancelled);
  }
  void Start(Task<void> started, BootTime root_deadline) {
    root.emplace(loop, root_deadline);
    task = std::move(started);
    task.Start(*root, [this] { ++finished; });
  }
  Future<int> NewFuture() { return promises.emplace_back(loop)->GetFuture(); }
  // Promises `from` and up get a value, on the loop or from the foreign thread; the model of each is expected[index] as
  // `source`.
  void Set(size_t promise, int value, bool foreign_thread, Expected& model, int source) {
    if (!promises[promise]) return;
    if (foreign_thread) {
      foreign.Run([copy = *promises[promise], value] { copy.Set(value); });
    } else {
      promises[promise]->Set(value);
    }
    model.Coming(source, value);
  }
  void Drop(size_t promise, Expected& model, int source) {
    if (!promises[promise]) return;
    promises[promise].reset();
    model.Coming(source, kAborted);
  }
  void ForeignPost(std::function<void()> call) {
    foreign.Run([mailbox = loop.mailbox(), &call] { mailbox->Post(std::move(call)); });
  }
};

Task<absl::StatusOr<int>> Await([[maybe_unused]] Live live, Future<int> future) {
  co_return co_await std::move(future);
}
Task<absl::StatusOr<int>> Sleeping([[maybe_unused]] Live live, BootTime until) {
  CO_RETURN_IF_ERROR(co_await SleepUntil(until));
  co_return 1;
}
Task<absl::StatusOr<int>> Acquire([[maybe_unused]] Live live, Semaphore& semaphore) {
  CO_ASSIGN_OR_RETURN(const Permit permit, co_await semaphore.Acquire());
  co_return 1;
}
Task<absl::StatusOr<int>> Notified([[maybe_unused]] Live live, Signal& signal) {
  CO_RETURN_IF_ERROR(co_await signal.Wait());
  co_return 1;
}
Task<void> Track([[maybe_unused]] Live live, Case& c, Task<absl::StatusOr<int>> task) {
  const absl::StatusOr<int> value = co_await std::move(task);
  c.endings.push_back(Ending(value));
}

// What the shapes with one promise do with the events.
enum class Cancels { kYes, kNo };
void OnePromise(Case& c, Cancels cancels) {
  c.on_event = [&c, cancels](Event event) {
    switch (event) {
      case Event::kComplete: c.Set(0, 1, false, c.expected[0], 0); return;
      case Event::kForeign: c.Set(0, 2, true, c.expected[0], 0); return;
      case Event::kDrop: c.Drop(0, c.expected[0], 0); return;
      case Event::kCancel:
        if (cancels == Cancels::kYes) {
          c.CancelRoot();
        } else {
          c.root->Cancel(absl::CancelledError(""));
        }
        return;
      case Event::kDeadline: c.PassDeadline(); return;
    }
  };
  c.end = [&c] { c.Drop(0, c.expected[0], 0); };
}

void PlainAwait(Case& c) {
  OnePromise(c, Cancels::kYes);
  c.Start(Track(Live(c.live), c, Await(Live(c.live), c.NewFuture())), c.deadline);
}

void AwaitWithDeadline(Case& c) {
  OnePromise(c, Cancels::kYes);
  c.Start(Track(Live(c.live), c, WithDeadline(c.deadline, Await(Live(c.live), c.NewFuture()))), BootTime::Infinite());
}

void ShieldedAwait(Case& c) {
  OnePromise(c, Cancels::kNo);
  c.Start(Track(Live(c.live), c, Shield(c.deadline, Await(Live(c.live), c.NewFuture()))), BootTime::Infinite());
}

// Its events may come before the task has had its first turn: then a cancellation means that it never runs.
struct Scoped {
  explicit Scoped(Loop& loop) : scope(loop) {}
  Scope scope;
  bool dropped = false;
};
void TaskOfAScope(Case& c) {
  auto scoped = std::make_shared<Scoped>(c.loop);
  scoped->scope.Spawn(Track(Live(c.live), c, WithDeadline(c.deadline, Await(Live(c.live), c.NewFuture()))));
  OnePromise(c, Cancels::kYes);
  c.on_event = [&c, scoped, promise_event = std::move(c.on_event)](Event event) {
    if (scoped->dropped && event == Event::kDrop) {
      c.promises[0].reset();
    } else if (scoped->dropped || event != Event::kCancel) {
      if (!scoped->dropped) promise_event(event);
    } else if (scoped->scope.Cancel(); c.loop.turns() > 0) {
      c.expected[0].Ends(kCancelled);
    } else {
      scoped->dropped = true;
      c.expected.clear();
    }
  };
  c.end = [&c] { c.on_event(Event::kDrop); };
  c.finished = 1;  // there is no root task
  c.after = [scoped] { return scoped->scope.running() == 0 ? "" : "the scope is not empty"; };
}

// Two promises: complete sets the first, the foreign thread the second, drop drops both.
void TwoPromises(Case& c, size_t second_model, int second_source) {
  c.on_event = [&c, second_model, second_source](Event event) {
    Expected& first = c.expected[0];
    Expected& second = c.expected[second_model];
    switch (event) {
      case Event::kComplete: c.Set(0, 1, false, first, 0); return;
      case Event::kForeign: c.Set(1, 2, true, second, second_source); return;
      case Event::kDrop:
        c.Drop(0, first, 0);
        c.Drop(1, second, second_source);
        return;
      case Event::kCancel: c.CancelRoot(); return;
      case Event::kDeadline: c.PassDeadline(); return;
    }
  };
  c.end = [&c] { c.on_event(Event::kDrop); };
}

Task<void> TrackAll([[maybe_unused]] Live live, Case& c, std::vector<Task<absl::StatusOr<int>>> tasks) {
  const std::vector<absl::StatusOr<int>> values = co_await All(std::move(tasks));
  for (const absl::StatusOr<int>& value : values) c.endings.push_back(Ending(value));
}
void AllOfTwo(Case& c) {
  c.expected.resize(2);
  TwoPromises(c, 1, 0);
  std::vector<Task<absl::StatusOr<int>>> tasks;
  tasks.push_back(Await(Live(c.live), c.NewFuture()));
  tasks.push_back(Await(Live(c.live), c.NewFuture()));
  c.Start(TrackAll(Live(c.live), c, std::move(tasks)), c.deadline);
}

Task<void> TrackFirst([[maybe_unused]] Live live, Case& c, std::vector<Task<absl::StatusOr<int>>> tasks) {
  const First<absl::StatusOr<int>> first = co_await FirstOf(std::move(tasks));
  c.endings.push_back(Ending(first.value));
}
void FirstOfTwo(Case& c) {
  TwoPromises(c, 0, 1);
  std::vector<Task<absl::StatusOr<int>>> tasks;
  tasks.push_back(Await(Live(c.live), c.NewFuture()));
  tasks.push_back(WithDeadline(c.deadline, Await(Live(c.live), c.NewFuture())));
  c.Start(TrackFirst(Live(c.live), c, std::move(tasks)), c.deadline);
}

// A sleep that ends at the very moment of its deadline.
void SleepAtTheDeadline(Case& c) {
  c.on_event = [&c](Event event) {
    switch (event) {
      case Event::kCancel: c.CancelRoot(); return;
      case Event::kDeadline:
        c.PassDeadline();
        c.expected[0].Coming(0, 1);
        return;
      case Event::kForeign: c.ForeignPost([] {}); return;
      case Event::kComplete:
      case Event::kDrop: return;
    }
  };
  c.end = [&c] { c.on_event(Event::kDeadline); };
  c.Start(Track(Live(c.live), c, Sleeping(Live(c.live), c.deadline)), c.deadline);
}

// The only permit is held: complete gives it back, drop destroys it, the foreign thread has it given back on the loop.
struct Held {
  Semaphore semaphore{1};
  std::optional<Permit> permit;
};
Task<absl::Status> Hold(Held& held) {
  CO_ASSIGN_OR_RETURN(held.permit, co_await held.semaphore.Acquire());
  co_return absl::OkStatus();
}
void WaitForAPermit(Case& c) {
  auto held = std::make_shared<Held>();
  (void)c.loop.Run(Hold(*held));
  c.on_event = [&c, held](Event event) {
    switch (event) {
      case Event::kComplete:
      case Event::kDrop:
        if (!held->permit) return;
        event == Event::kDrop ? held->permit.reset() : std::exchange(held->permit, std::nullopt)->Release();
        c.expected[0].Ends(1);
        return;
      case Event::kForeign:
        if (!held->permit) return;
        c.expected[0].Coming(0, 1);
        c.ForeignPost([held] { held->permit.reset(); });
        return;
      case Event::kCancel: c.CancelRoot(); return;
      case Event::kDeadline: c.PassDeadline(); return;
    }
  };
  c.end = [&c] { c.on_event(Event::kDrop); };
  c.after = [held]() -> std::string {
    held->permit.reset();
    return held->semaphore.available() == 1 && held->semaphore.waiting() == 0 ? "" : "a permit was lost";
  };
  c.Start(Track(Live(c.live), c, Acquire(Live(c.live), held->semaphore)), c.deadline);
}

// complete and drop notify, once and twice; the foreign thread has it notified on the loop.
void WaitForASignal(Case& c) {
  auto signal = std::make_shared<Signal>();
  c.on_event = [&c, signal](Event event) {
    switch (event) {
      case Event::kDrop: signal->Notify(); [[fallthrough]];
      case Event::kComplete:
        signal->Notify();
        c.expected[0].Ends(1);
        return;
      case Event::kForeign:
        c.expected[0].Coming(0, 1);
        c.ForeignPost([signal] { signal->Notify(); });
        return;
      case Event::kCancel: c.CancelRoot(); return;
      case Event::kDeadline: c.PassDeadline(); return;
    }
  };
  c.end = [&c] { c.on_event(Event::kComplete); };
  c.Start(Track(Live(c.live), c, Notified(Live(c.live), *signal)), c.deadline);
}

struct Shape {
  const char* name;
  void (*start)(Case&);
};
constexpr Shape kShapes[] = {
    {"plain await", PlainAwait},   {"with deadline", AwaitWithDeadline},
    {"shield", ShieldedAwait},     {"scope", TaskOfAScope},
    {"all of two", AllOfTwo},      {"first of two", FirstOfTwo},
    {"sleep", SleepAtTheDeadline}, {"semaphore", WaitForAPermit},
    {"signal", WaitForASignal},
};

// What is run right now, for whoever reads the message of a CHECK that fails in the middle.
std::string current_order;
void SayWhere(int) {
  fputs(absl::StrCat("in the order: ", current_order, "\n").c_str(), stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

std::string Text(const Shape& shape, const std::vector<Event>& order, bool idle) {
  const auto name = [](std::string* out, Event event) { out->append(kEventNames[static_cast<size_t>(event)]); };
  return absl::StrCat(shape.name,
                      idle ? ", idle after each: " : ", idle at the end: ", absl::StrJoin(order, " ", name));
}

// "" or what went wrong.
std::string Problem(const Case& c) {
  if (c.finished != 1) return absl::StrCat("the root task ended ", c.finished, " times");
  if (c.endings.size() != c.expected.size()) return absl::StrCat(c.endings.size(), " awaits have ended");
  for (size_t i = 0; i < c.endings.size(); ++i) {
    if (!c.expected[i].Accepts(c.endings[i])) {
      return absl::StrCat("await ", i, " ended with ", c.endings[i], " instead of ", c.expected[i].Text());
    }
  }
  return "";
}

std::string RunOrder(const Shape& shape, const std::vector<Event>& order, bool idle, uint64_t seed, Foreign& foreign) {
  Case c(seed, foreign);
  shape.start(c);
  for (const Event event : order) {
    c.on_event(event);
    if (idle) c.Idle();
  }
  c.Idle();
  const bool decided = std::all_of(c.expected.begin(), c.expected.end(), [](const auto& e) { return e.decided(); });
  if (!decided || !c.promises.empty()) c.end();
  c.Idle();
  std::string problem = Problem(c);
  if (!problem.empty()) return problem;
  problem = c.after();
  c.task = Task<void>();
  c.root.reset();
  c.loop.RunReady();
  if (problem.empty() && c.live != 0) problem = absl::StrCat(c.live, " frames are alive");
  if (problem.empty() && !c.loop.drained()) problem = "something is left in the loop";
  return problem;
}

// The next order of the same length, or the first of the next length.
void Advance(std::vector<Event>& order) {
  for (Event& event : order) {
    if (event != kEvents.back()) {
      event = static_cast<Event>(static_cast<int>(event) + 1);
      return;
    }
    event = kEvents.front();
  }
  order.push_back(kEvents.front());
}

TEST(Orders, EveryOrderOfUpToSixEventsEndsEachAwaitOnceAndLeavesNothing) {
  const auto before = std::signal(SIGABRT, SayWhere);
  Foreign foreign;
  size_t orders = 0;
  size_t runs = 0;
  size_t problems = 0;
  for (std::vector<Event> order = {kEvents.front()}; order.size() <= 6; Advance(order), ++orders) {
    for (const Shape& shape : kShapes) {
      for (const bool idle : {true, false}) {
        current_order = Text(shape, order, idle);
        const std::string problem = RunOrder(shape, order, idle, orders, foreign);
        ++runs;
        if (problem.empty()) continue;
        ADD_FAILURE() << current_order << ": " << problem;
        ASSERT_LT(++problems, 10u) << "and so on";
      }
    }
  }
  std::signal(SIGABRT, before);
  EXPECT_EQ(orders, 19'530u);
  printf("[orders] %zu orders run, each in %zu shapes and 2 rhythms: %zu runs\n", orders, std::size(kShapes), runs);
}

}  // namespace
}  // namespace ottoscale::async
