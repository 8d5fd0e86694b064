#include "dataplane/permits/pending.h"

#include <algorithm>

namespace chain429 {

void PendingAcquires::Add(AcquireId id, Ask ask, MonoTime now) {
  ask.deadline = now + timeout_;
  deadlines_.push({ask.deadline, id});
  asks_.emplace(id, ask);
  last_ask_ = now;
}

std::optional<PendingAcquires::Ask> PendingAcquires::Answered(AcquireId id, MonoTime now) {
  std::optional<Ask> ask = Forget(id);
  if (!ask) return ask;
  if (!ask->held) Measure(now - ask->asked_at);
  return ask;
}

void PendingAcquires::Hold(AcquireId id, MonoTime now) {
  const auto it = asks_.find(id);
  if (it == asks_.end()) return;
  Ask& ask = it->second;
  if (!ask.held) Measure(now - ask.asked_at);
  ask.held = true;
  ask.deadline = now + kHeldAtMost;
  deadlines_.push({ask.deadline, id});
}

void PendingAcquires::Measure(absl::Duration round_trip) {
  const absl::Duration measured = std::max(absl::ZeroDuration(), round_trip);
  round_trip_ = round_trip_ ? *round_trip_ + (measured - *round_trip_) / 8 : measured;
  timeout_ = std::clamp(*round_trip_ * 4, kShortest, kLongest);
}

std::optional<PendingAcquires::Ask> PendingAcquires::Forget(AcquireId id) {
  const auto it = asks_.find(id);
  if (it == asks_.end()) return std::nullopt;
  const Ask ask = it->second;
  asks_.erase(it);
  return ask;
}

std::optional<std::pair<AcquireId, PendingAcquires::Ask>> PendingAcquires::TakeOverdue(MonoTime now) {
  while (!deadlines_.empty() && deadlines_.top().at <= now) {
    const auto [at, id] = deadlines_.top();
    deadlines_.pop();
    const auto it = asks_.find(id);
    if (it == asks_.end() || it->second.deadline > at) continue;
    const std::optional<Ask> ask = Forget(id);
    // Asks of one burst time out together and say no more than one of them does.
    if (ask->asked_at < last_timeout_) return std::make_pair(id, *ask);
    last_timeout_ = now;
    if (timeouts_in_a_row_++ == 0) silent_since_ = ask->asked_at;
    // Without this a round trip that has grown for good would never be measured: every answer would come too late.
    timeout_ = std::min(timeout_ * 2, kLongest);
    round_trip_ = timeout_ / 4;
    return std::make_pair(id, *ask);
  }
  return std::nullopt;
}

std::vector<AcquireId> PendingAcquires::Ids() const {
  std::vector<AcquireId> ids;
  ids.reserve(asks_.size());
  for (const auto& [id, ask] : asks_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

MonoTime PendingAcquires::NextDeadline() {
  while (!deadlines_.empty() && !asks_.contains(deadlines_.top().id)) deadlines_.pop();
  return deadlines_.empty() ? MonoTime::Max() : deadlines_.top().at;
}

void PendingAcquires::Restart() {
  round_trip_.reset();
  timeout_ = kLongest;
  timeouts_in_a_row_ = 0;
}

}  // namespace chain429
