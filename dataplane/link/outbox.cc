#include "dataplane/link/outbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace chain429 {
namespace {

template <typename T>
std::vector<T> TakeSome(std::deque<T>& queue, size_t most) {
  const auto end = queue.begin() + static_cast<ptrdiff_t>(std::min(queue.size(), most));
  std::vector<T> some(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
  queue.erase(queue.begin(), end);
  return some;
}

}  // namespace

Outbox::Overflow Outbox::Add(WorkerMail mail, MonoTime now) {
  Overflow overflow;
  for (const SentReport& sent : mail.sent) {
    if (sent_.size() < kMaxQueued) {
      sent_.push_back({sent, now});
    } else {
      overflow.sent.push_back(sent);
    }
  }
  for (Settlement& settlement : mail.settlements) {
    if (settlements_.size() < kMaxQueued) {
      settlements_.push_back({std::move(settlement), now});
    } else {
      overflow.settlements.push_back(std::move(settlement));
    }
  }
  for (const PermitRelease& release : mail.releases) {
    if (releases_.size() < kMaxQueued) {
      releases_.push_back(release);
    } else {
      overflow.releases.push_back(release);
    }
  }
  for (const AcquireId cancel : mail.cancels) {
    // One that has not left yet simply stays here.
    const auto unsent = std::find_if(acquires_.begin(), acquires_.end(),
                                     [cancel](const Acquire& acquire) { return acquire.id == cancel; });
    if (unsent != acquires_.end()) {
      acquires_.erase(unsent);
    } else if (cancels_.size() < kMaxQueued) {
      cancels_.push_back(cancel);
    }
  }
  // An acquire without room times out at its worker like one without an answer.
  for (Acquire& acquire : mail.acquires) {
    if (acquires_.size() < kMaxQueued) acquires_.push_back(std::move(acquire));
  }
  return overflow;
}

void Outbox::DropAcquires() {
  acquires_.clear();
  cancels_.clear();
}

wire::PermitsUp Outbox::Take(MonoTime now) {
  wire::PermitsUp up;
  for (Queued<SentReport>& queued : TakeSome(sent_, kMaxPerMessage)) {
    queued.item.age += std::max(absl::ZeroDuration(), now - queued.since);
    up.sent.push_back(queued.item);
  }
  if (sent_.empty()) {
    for (Queued<Settlement>& queued : TakeSome(settlements_, kMaxPerMessage)) {
      const absl::Duration waited = std::max(absl::ZeroDuration(), now - queued.since);
      Settlement& settlement = queued.item;
      settlement.sent_age += waited;
      if (settlement.retry_after > absl::ZeroDuration())
        settlement.retry_after = std::max(absl::Milliseconds(1), settlement.retry_after - waited);
      for (Reading& reading : settlement.readings)
        reading.reset_after = std::max(absl::ZeroDuration(), reading.reset_after - waited);
      up.settlements.push_back(std::move(settlement));
    }
    if (settlements_.empty()) up.releases = TakeSome(releases_, kMaxPerMessage);
  }
  up.cancels = TakeSome(cancels_, kMaxPerMessage);
  up.acquires = TakeSome(acquires_, kMaxPerMessage);
  return up;
}

}  // namespace chain429
