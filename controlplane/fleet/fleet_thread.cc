#include "controlplane/fleet/fleet_thread.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace chain429 {

FleetThread::FleetThread(const Clock& clock, EndOfTurn end_of_turn)
    : clock_(clock), end_of_turn_(std::move(end_of_turn)) {}

FleetThread::~FleetThread() { Stop(); }

void FleetThread::Start() {
  thread_ = std::thread([this] { Loop(); });
  pthread_setname_np(thread_.native_handle(), "fleet");
}

void FleetThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::vector<Work> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(posted_);
  }
  wake_.notify_all();
}

void FleetThread::Post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    posted_.push_back(std::move(work));
    // Whoever posted before has woken the thread already.
    if (posted_.size() > 1) return;
    oldest_posted_ = clock_.Read().mono;
  }
  wake_.notify_all();
}

bool FleetThread::Run(Work work) {
  struct Call {
    std::mutex mutex;
    std::condition_variable ended;
    bool done = false;
    bool dropped = false;
  };
  // Tells the waiter when the work was run, or destroyed unrun by Stop.
  struct Ticket {
    explicit Ticket(std::shared_ptr<Call> c) : call(std::move(c)) {}
    ~Ticket() {
      {
        const std::lock_guard lock(call->mutex);
        call->dropped = !call->done;
      }
      call->ended.notify_all();
    }
    std::shared_ptr<Call> call;
  };
  const auto call = std::make_shared<Call>();
  Post([ticket = std::make_shared<Ticket>(call), work = std::move(work)](const Now& now) {
    work(now);
    const std::lock_guard lock(ticket->call->mutex);
    ticket->call->done = true;
  });
  std::unique_lock lock(call->mutex);
  call->ended.wait(lock, [&] { return call->done || call->dropped; });
  return call->done;
}

void FleetThread::Loop() {
  std::vector<Work> turn;
  MonoTime deadline = MonoTime::Max();
  while (true) {
    MonoTime oldest;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return stopping_ || !posted_.empty(); };
      if (deadline == MonoTime::Max()) {
        wake_.wait(lock, ready);
      } else if (!ready()) {
        const absl::Duration wait = deadline - clock_.Read().mono;
        if (wait > absl::ZeroDuration()) wake_.wait_for(lock, absl::ToChronoNanoseconds(wait), ready);
      }
      if (stopping_) return;
      turn.swap(posted_);
      oldest = oldest_posted_;
    }
    const Now now = clock_.Read();
    for (Work& work : turn) work(now);
    deadline = end_of_turn_(now);
    if (!turn.empty()) turn_times_.Observe(clock_.Read().mono - oldest);
    turn.clear();
  }
}

}  // namespace chain429
