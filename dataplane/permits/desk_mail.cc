// What waits for the link: sent reports and settlements, merged per permit and per target.
#include <algorithm>
#include <utility>

#include "dataplane/permits/desk_state.h"

namespace chain429 {
namespace {

// A target's first readings of a limit that nobody knows of go out at once, and no more than this often.
constexpr absl::Duration kUrgentEvery = absl::Milliseconds(50);

absl::Duration AgeOf(MonoTime at, MonoTime now) { return std::max(absl::ZeroDuration(), now - at); }

}  // namespace

void MakeSane(Settlement& settlement) {
  constexpr int64_t kMostTokens = int64_t{1} << 40;
  constexpr int64_t kUnstated = -1;
  settlement.usage.prompt_tokens = std::clamp<int64_t>(settlement.usage.prompt_tokens, 0, kMostTokens);
  settlement.usage.completion_tokens = std::clamp<int64_t>(settlement.usage.completion_tokens, 0, kMostTokens);
  settlement.prompt_bytes = std::clamp<int64_t>(settlement.prompt_bytes, 0, kMostTokens);
  settlement.retry_after = std::max(settlement.retry_after, absl::ZeroDuration());
  settlement.latency = std::max(settlement.latency, absl::ZeroDuration());
  for (Reading& reading : settlement.readings) {
    reading.limit = std::max(reading.limit, kUnstated);
    reading.remaining = std::max(reading.remaining, kUnstated);
    reading.window = std::max(reading.window, absl::ZeroDuration());
    reading.reset_after = std::max(reading.reset_after, absl::ZeroDuration());
  }
}

void PermitDesk::State::FlushDue(MonoTime now) {
  if (flush_at == MonoTime::Max()) flush_at = now + kFlushEvery;
}

void PermitDesk::State::MarkDirty(uint32_t permit, MonoTime now) {
  DeskPermit& record = book.permit(permit);
  if (record.dirty) return;
  record.dirty = true;
  dirty.push_back(permit);
  FlushDue(now);
}

void PermitDesk::State::MarkUrgent(uint32_t permit, MonoTime now) {
  MarkDirty(permit, now);
  urgent.push_back(permit);
}

void PermitDesk::State::MarkSent(uint32_t permit, MonoTime sent_at, MonoTime now) {
  DeskPermit& record = book.permit(permit);
  ++record.sent;
  record.sent_at = std::max(record.sent_at, sent_at);
  MarkDirty(permit, now);
}

void PermitDesk::State::SettleFree(const Target& target, Settlement settlement, bool plain, MonoTime sent_at,
                                   MonoTime now) {
  if (!plain) {
    SettleAlone({}, target, std::move(settlement), sent_at);
    return;
  }
  const uint32_t index = book.TargetIndex(target.id);
  TargetRecord& record = book.target(index);
  record.last_used = now;
  if (record.pools != target.pools) record.pools = target.pools;
  // A limit that a header tells of and nobody knows yet: until the control plane does, every proxy calls without
  // asking.
  if (!settlement.readings.empty() && now >= record.urgent_not_before) {
    record.urgent_not_before = now + kUrgentEvery;
    urgent_free = true;
  }
  record.tally.Add(std::move(settlement), 0, sent_at);
  if (record.dirty) return;
  record.dirty = true;
  dirty_free.push_back(index);
  FlushDue(now);
}

void PermitDesk::State::SettleAlone(const Grant& grant, const Target& target, Settlement settlement, MonoTime sent_at) {
  settlement.permit = grant.permit;
  settlement.target = target.id;
  settlement.pools = target.pools;
  settlement.last_use = grant.use;
  alone.push_back({std::move(settlement), sent_at});
}

void PermitDesk::State::WritePermit(uint32_t permit, WorkerMail& mail, MonoTime now) {
  DeskPermit& record = book.permit(permit);
  if (!record.dirty) return;
  record.dirty = false;
  if (record.sent > 0) mail.sent.push_back({record.id, record.sent, AgeOf(record.sent_at, now)});
  if (record.released > 0) mail.releases.push_back({record.id, record.released});
  record.sent = 0;
  record.released = 0;
  record.sent_at = MonoTime();
  const TargetRecord& target = book.target(record.target);
  record.tally.TakeInto(mail.settlements, now, [&](Settlement& settlement) {
    settlement.permit = record.id;
    settlement.target = target.id;
    settlement.pools = target.pools;
  });
  book.FreeIfDone(permit);
}

void PermitDesk::State::WriteFree(WorkerMail& mail, MonoTime now) {
  for (const uint32_t index : dirty_free) {
    TargetRecord& target = book.target(index);
    target.dirty = false;
    target.tally.TakeInto(mail.settlements, now, [&](Settlement& settlement) {
      settlement.target = target.id;
      settlement.pools = target.pools;
    });
  }
  dirty_free.clear();
  urgent_free = false;
}

WorkerMail PermitDesk::TakeMail(MonoTime now, bool flush) {
  State& s = *state_;
  WorkerMail mail;
  mail.acquires = std::exchange(s.acquires, {});
  mail.cancels = std::exchange(s.cancels, {});
  mail.closures = std::exchange(s.closures, {});
  for (State::LoneSettlement& lone : s.alone) {
    lone.settlement.sent_age = AgeOf(lone.sent_at, now);
    mail.settlements.push_back(std::move(lone.settlement));
  }
  s.alone.clear();
  // An acquire takes along whatever waits: the leader shall judge by what this worker knows, and the message goes
  // anyway.
  if (flush || now >= s.flush_at || !mail.acquires.empty()) {
    for (const uint32_t permit : s.dirty) s.WritePermit(permit, mail, now);
    s.dirty.clear();
    s.urgent.clear();
    s.WriteFree(mail, now);
    s.flush_at = MonoTime::Max();
    return mail;
  }
  if (!s.urgent.empty()) {
    for (const uint32_t permit : s.urgent) s.WritePermit(permit, mail, now);
    s.urgent.clear();
    // A record that was written may be free or another permit's by now; only those still marked have something to say.
    std::erase_if(s.dirty, [&s](uint32_t permit) { return !s.book.permit(permit).dirty; });
  }
  if (s.urgent_free) s.WriteFree(mail, now);
  return mail;
}

}  // namespace chain429
