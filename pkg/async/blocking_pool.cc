#include "pkg/async/blocking_pool.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace ottoscale::async {

struct BlockingPool::Shared {
  explicit Shared(size_t max) : max_threads(max) {}
  const size_t max_threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Callback> queue;
  size_t threads = 0;
  size_t idle = 0;
  bool abandoned = false;

  static void Work(const std::shared_ptr<Shared>& shared) {
    sigset_t all;  // signals are for the loop's thread
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock lock(shared->mutex);
    while (true) {
      ++shared->idle;
      shared->changed.wait(lock, [&] { return shared->abandoned || !shared->queue.empty(); });
      --shared->idle;
      if (shared->abandoned) break;
      Callback call = std::move(shared->queue.front());
      shared->queue.pop_front();
      lock.unlock();
      call();
      call = nullptr;
      lock.lock();
    }
    --shared->threads;
  }
};

BlockingPool::BlockingPool(size_t max_threads) : shared_(std::make_shared<Shared>(max_threads)) {}

BlockingPool::~BlockingPool() {
  std::deque<Callback> dropped;  // after the lock: what the calls own may post, or submit
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  dropped.swap(shared_->queue);
  shared_->changed.notify_all();
}

void BlockingPool::Submit(Callback call) {
  std::deque<Callback> dropped;
  const std::lock_guard lock(shared_->mutex);
  shared_->queue.push_back(std::move(call));
  if (shared_->idle < shared_->queue.size() && shared_->threads < shared_->max_threads && !AddThread() &&
      shared_->threads == 0) {
    dropped.swap(shared_->queue);
  }
  shared_->changed.notify_one();
}

bool BlockingPool::AddThread() {
  try {
    std::thread([shared = shared_] { Shared::Work(shared); }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  ++shared_->threads;
  return true;
}

size_t BlockingPool::threads() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->threads;
}

}  // namespace ottoscale::async
