#include "common/limits/ledger.h"

#include <algorithm>
#include <optional>

namespace chain429 {
namespace {

// When only reservations stand in the way: they are sent or go back within a few seconds.
constexpr absl::Duration kHeldWait = absl::Seconds(1);

bool IsTokens(Unit unit) { return unit == Unit::kTokens || unit == Unit::kInputTokens || unit == Unit::kOutputTokens; }

}  // namespace

Ledger::Ledger() : requests_meter_(WindowSpec{}, 0), tokens_meter_(WindowSpec{}, 0) {}

void Ledger::SetLimits(std::span<const Limit> limits, const Now& now) {
  std::vector<Slot> old = std::move(slots_);
  std::vector<bool> taken(old.size(), false);
  slots_.clear();
  for (const Limit& limit : limits) {
    std::optional<size_t> same;
    std::optional<size_t> moved;  // its window moves in another way now
    std::optional<size_t> longest;
    for (size_t i = 0; i < old.size(); ++i) {
      if (old[i].limit.unit != limit.unit) continue;
      if (!taken[i] && !same && old[i].limit.window == limit.window) same = i;
      if (!taken[i] && !moved && old[i].limit.window.length == limit.window.length) moved = i;
      if (!longest || old[i].limit.window.length > old[*longest].limit.window.length) longest = i;
    }
    if (same) {
      taken[*same] = true;
      slots_.push_back(old[*same]);
      if (slots_.back().limit.amount != limit.amount) slots_.back().window.set_amount(limit.amount, now);
      slots_.back().limit = limit;
      continue;
    }
    Slot slot{limit, Window(limit.window, limit.amount), {}};
    if (moved) {
      slot.window.CopyFrom(old[*moved].window, now);
      slot.drift = old[*moved].drift;
    } else if (longest) {
      slot.window.CopyFrom(old[*longest].window, now);
    } else if (limit.unit == Unit::kRequests || limit.unit == Unit::kTokens) {
      slot.window.CopyFrom(Meter(limit.unit), now);
    }
    slots_.push_back(std::move(slot));
  }
}

int64_t Ledger::Used(Slot& slot, const Now& now) {
  const Unit unit = slot.limit.unit;
  if (unit == Unit::kConcurrency) return held_.requests + open_.requests + aside_.requests;
  return slot.window.Used(now) + slot.drift.Extra(now.mono) + held_.Of(unit) + aside_.Of(unit);
}

absl::Duration Ledger::Wait(Slot& slot, int64_t amount, const Now& now) {
  if (amount <= 0) return absl::ZeroDuration();
  if (amount > slot.limit.amount) return absl::InfiniteDuration();
  const int64_t excess = Used(slot, now) + amount - slot.limit.amount;
  if (excess <= 0) return absl::ZeroDuration();
  if (slot.limit.unit == Unit::kConcurrency) return kHeldWait;
  absl::Duration wait = slot.window.UntilFreed(excess, now);
  if (const int64_t extra = slot.drift.Extra(now.mono); extra > 0) {
    // Outside use goes at once; what is missing beyond it must leave the window.
    wait = std::min(wait, std::max(slot.drift.Until(now.mono), slot.window.UntilFreed(excess - extra, now)));
  }
  return wait == absl::InfiniteDuration() ? kHeldWait : std::max(wait, absl::Milliseconds(1));
}

absl::Duration Ledger::Wait(const Charge& charge, const Now& now) {
  absl::Duration wait;
  for (Slot& slot : slots_) wait = std::max(wait, Wait(slot, charge.Of(slot.limit.unit), now));
  return wait;
}

int64_t Ledger::Room(const Charge& charge, int64_t most, const Now& now) {
  for (Slot& slot : slots_) {
    const int64_t each = charge.Of(slot.limit.unit);
    if (each > 0) most = std::min(most, std::max<int64_t>(0, slot.limit.amount - Used(slot, now)) / each);
  }
  return most;
}

int64_t Ledger::Capacity(const Charge& charge) const {
  int64_t capacity = INT64_MAX;
  for (const Slot& slot : slots_) {
    const int64_t each = charge.Of(slot.limit.unit);
    if (each > 0) capacity = std::min(capacity, slot.limit.amount / each);
  }
  return capacity;
}

Charge Ledger::Fitted(Charge charge) const {
  for (const Slot& slot : slots_) {
    const int64_t amount = slot.limit.amount;
    if (slot.limit.unit == Unit::kTokens && charge.input < amount)
      charge.output = std::min(charge.output, amount - charge.input);
    if (slot.limit.unit == Unit::kOutputTokens) charge.output = std::min(charge.output, amount);
  }
  return charge;
}

void Ledger::Reserve(const Charge& charge) { held_ += charge; }

void Ledger::Unreserve(const Charge& charge) { held_ -= charge; }

void Ledger::Send(const Charge& charge, MonoTime at, const Now& now) {
  held_ -= charge;
  SendUnreserved(charge, at, now);
}

void Ledger::SendUnreserved(const Charge& charge, MonoTime at, const Now& now) {
  open_ += charge;
  at = std::min(at, now.mono);
  for (Slot& slot : slots_) {
    if (slot.limit.unit != Unit::kConcurrency) slot.window.Add(charge.Of(slot.limit.unit), at, now);
  }
  requests_meter_.Add(charge.requests, at, now);
  tokens_meter_.Add(charge.tokens(), at, now);
}

void Ledger::Settle(const Charge& charged, const Charge& actual, MonoTime at, const Now& now) {
  open_ -= charged;
  at = std::min(at, now.mono);
  const auto true_up = [&](Window& window, int64_t was, int64_t is) {
    if (is > was) window.Add(is - was, at, now);
    if (is < was) window.Subtract(was - is, at, now);
  };
  for (Slot& slot : slots_) {
    const Unit unit = slot.limit.unit;
    if (unit != Unit::kConcurrency) true_up(slot.window, charged.Of(unit), actual.Of(unit));
  }
  true_up(requests_meter_, charged.requests, actual.requests);
  true_up(tokens_meter_, charged.tokens(), actual.tokens());
}

void Ledger::Abandon(const Charge& charged) { open_ -= charged; }

void Ledger::Observe(const Count& count, const Now& now) {
  for (Slot& slot : slots_) {
    const Limit& limit = slot.limit;
    if (limit.unit != count.unit || limit.window.length != count.length || limit.amount != count.amount) continue;
    const bool both_ways = count.lowers && limit.provenance != Provenance::kConfigured;
    slot.drift.Observe(count.reading, both_ways, slot.window, now);
    return;
  }
}

const UseLog* Ledger::UsesOf(Unit unit, absl::Duration length) const {
  for (const Slot& slot : slots_) {
    if (slot.limit.unit == unit && slot.limit.window.length == length) return &slot.window.log();
  }
  return nullptr;
}

void Ledger::Assume(Unit unit, const WindowSpec& window, int64_t used, MonoTime as_of, const Now& now) {
  for (Slot& slot : slots_) {
    if (slot.limit.unit != unit || !(slot.limit.window == window)) continue;
    slot.drift.Assume(used - slot.window.Used(now), as_of, now.mono + slot.window.FullLength(now), now.mono);
  }
}

void Ledger::Recount(const Charge& charge, MonoTime at, const Now& now) {
  SendUnreserved(charge, at, now);
  Abandon(charge);
  for (Slot& slot : slots_) slot.drift.Explain(charge.Of(slot.limit.unit), at);
}

int64_t Ledger::LastMinute(Unit unit, const Now& now) { return Meter(unit).Used(now); }

std::vector<LimitView> Ledger::View(const Now& now) {
  std::vector<LimitView> views;
  for (Slot& slot : slots_) {
    LimitView view;
    view.limit = slot.limit;
    view.used = Used(slot, now);
    view.reserved = held_.Of(slot.limit.unit);
    view.outside = slot.limit.unit == Unit::kConcurrency ? 0 : slot.drift.Extra(now.mono) + slot.window.Outside(now);
    view.recovers_in = Wait(slot, 1, now);
    views.push_back(view);
  }
  return views;
}

int64_t Ledger::Remaining(Unit unit, const Now& now) {
  int64_t remaining = -1;
  for (Slot& slot : slots_) {
    if (slot.limit.unit != unit && !(unit == Unit::kTokens && IsTokens(slot.limit.unit))) continue;
    const int64_t left = std::max<int64_t>(0, slot.limit.amount - Used(slot, now));
    remaining = remaining < 0 ? left : std::min(remaining, left);
  }
  return remaining;
}

}  // namespace chain429
