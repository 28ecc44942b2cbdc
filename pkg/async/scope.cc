#include "pkg/async/scope.h"

#include <utility>

#include "pkg/base/check.h"

namespace ottoscale::async {

Scope::~Scope() { CHECK(running_.empty(), "a scope died before its tasks: Cancel() and Join() it first"); }

bool Scope::Spawn(Task<void> task) {
  if (cancelled()) return false;
  const auto running = running_.insert(running_.end(), std::move(task));
  context_.loop().Post([this, running] {
    if (cancelled()) return Finished(running);  // never started: nothing to undo
    // The frame is still in its last instruction when it reports: it is freed in a turn of its own.
    running->Start(context_, [this, running] { context_.loop().Post([this, running] { Finished(running); }); });
  });
  return true;
}

void Scope::Cancel(const absl::Status& why) { context_.Cancel(why); }

void Scope::Finished(std::list<Task<void>>::iterator running) {
  running_.erase(running);
  if (running_.empty() && joining_) std::exchange(joining_, {}).resume();
}

void Scope::ParkJoin(std::coroutine_handle<> self) {
  CHECK(!joining_, "a scope is joined by one task at a time");
  joining_ = self;
}

}  // namespace ottoscale::async
