#include "pkg/async/blocking_pool.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
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
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->queue.clear();
  shared_->changed.notify_all();
}

void BlockingPool::Submit(Callback call) {
  const std::lock_guard lock(shared_->mutex);
  shared_->queue.push_back(std::move(call));
  if (shared_->idle < shared_->queue.size() && shared_->threads < shared_->max_threads) {
    ++shared_->threads;
    std::thread([shared = shared_] { Shared::Work(shared); }).detach();
  }
  shared_->changed.notify_one();
}

size_t BlockingPool::threads() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->threads;
}

}  // namespace ottoscale::async
