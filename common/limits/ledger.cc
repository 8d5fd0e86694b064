#include "common/limits/ledger.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace chain429 {
namespace {

// When only reservations stand in the way: they are sent or go back within a few seconds.
constexpr absl::Duration kHeldWait = absl::Seconds(1);
// A limit used to this share is what a refusal is about.
constexpr int64_t kUsedUpPercent = 90;

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
      if (slots_.back().limit.amount != limit.amount) {
        slots_.back().window.set_amount(limit.amount, now);
        // What seemed to be somebody else's may have been the limit's change.
        slots_.back().forecast = {limit.window.length, limit.amount};
      }
      slots_.back().limit = limit;
      continue;
    }
    Slot slot{limit, Window(limit.window, limit.amount), {}, {limit.window.length, limit.amount}};
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

int64_t Ledger::Foretold(const Slot& slot, const Now& now) {
  const int64_t peak = slot.forecast.Peak(now.mono);
  return peak == 0 ? 0 : std::min(peak + 1, slot.limit.amount / 2);
}

int64_t Ledger::Outside(Slot& slot, const Now& now) {
  const int64_t extra = slot.drift.Extra(now.mono);
  const int64_t foretold = Foretold(slot, now);
  if (foretold == 0 || slot.limit.window.kind != WindowKind::kFixed) return std::max(extra, foretold);
  // What he has used in this period is in `extra`; what he will is his share of the time that is left.
  const double left = absl::FDivDuration(slot.window.FullLength(now), slot.limit.window.length);
  const auto coming = static_cast<int64_t>(std::ceil(static_cast<double>(foretold) * std::clamp(left, 0.0, 1.0)));
  return std::max(extra, std::min(extra + coming, slot.limit.amount / 2));
}

int64_t Ledger::Used(Slot& slot, const Now& now) {
  const Unit unit = slot.limit.unit;
  if (unit == Unit::kConcurrency) return held_.requests + open_.requests + aside_.requests;
  return slot.window.Used(now) + Outside(slot, now) + held_.Of(unit) + aside_.Of(unit);
}

absl::Duration Ledger::Wait(Slot& slot, int64_t amount, const Now& now) {
  if (amount <= 0) return absl::ZeroDuration();
  if (amount > slot.limit.at_once()) return absl::InfiniteDuration();
  const int64_t excess = Used(slot, now) + amount - slot.limit.at_once();
  if (excess <= 0) return absl::ZeroDuration();
  if (slot.limit.unit == Unit::kConcurrency) return kHeldWait;
  absl::Duration wait = slot.window.UntilFreed(excess, now);
  const int64_t outside = Outside(slot, now);
  if (const int64_t extra = slot.drift.Extra(now.mono); extra > 0) {
    // What is known of outside use goes at once, but for what must be reckoned with; what is missing beyond it must
    // leave the window.
    const int64_t goes = std::max<int64_t>(0, outside - Foretold(slot, now));
    wait = std::min(wait, std::max(slot.drift.Until(now.mono), slot.window.UntilFreed(excess - goes, now)));
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
    if (each > 0) most = std::min(most, std::max<int64_t>(0, slot.limit.at_once() - Used(slot, now)) / each);
  }
  return most;
}

int64_t Ledger::Capacity(const Charge& charge) const {
  int64_t capacity = INT64_MAX;
  for (const Slot& slot : slots_) {
    const int64_t each = charge.Of(slot.limit.unit);
    if (each > 0) capacity = std::min(capacity, slot.limit.at_once() / each);
  }
  return capacity;
}

Charge Ledger::Fitted(Charge charge, int64_t least) const {
  for (const Slot& slot : slots_) {
    const int64_t amount = slot.limit.at_once();
    if (slot.limit.unit == Unit::kTokens && charge.input < amount)
      charge.output = std::min(charge.output, amount - charge.input);
    if (slot.limit.unit == Unit::kOutputTokens) charge.output = std::min(charge.output, amount);
    if (slot.limit.unit == Unit::kCredits && least < amount) charge.credits = std::min(charge.credits, amount);
  }
  return charge;
}

const Limit* Ledger::TooSmallFor(const Charge& charge) const {
  for (const Slot& slot : slots_) {
    if (charge.Of(slot.limit.unit) > slot.limit.at_once()) return &slot.limit;
  }
  return nullptr;
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
    slot.forecast.See(slot.drift.Extra(now.mono), now.mono);
    return;
  }
}

void Ledger::Refused(absl::FunctionRef<bool(const Limit&)> says_otherwise, const Now& now) {
  for (Slot& slot : slots_) {
    const Limit& limit = slot.limit;
    if (limit.unit == Unit::kConcurrency || limit.amount <= 0 || says_otherwise(limit)) continue;
    if (Used(slot, now) * 100 < limit.at_once() * kUsedUpPercent) continue;
    const int64_t own = slot.window.Used(now) + held_.Of(limit.unit) + aside_.Of(limit.unit);
    const int64_t outside = limit.at_once() - own;
    // What is known to be used up explains the refusal, and for how long is known, too.
    if (outside <= slot.drift.Extra(now.mono)) continue;
    slot.drift.Assume(outside, now.mono, now.mono + slot.window.FullLength(now), now.mono);
    slot.forecast.Prove(outside, now.mono);
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

std::vector<Recovery> Ledger::Recoveries(Slot& slot, int64_t used, const Now& now) {
  std::vector<Recovery> recoveries;
  const int64_t amount = slot.limit.at_once();
  if (slot.limit.unit == Unit::kConcurrency || used <= 0) return recoveries;
  std::vector<Window::Freed> parts = slot.window.Frees(kMostRecoveries - 2, now);
  for (size_t i = parts.size(); i-- > 1;) parts[i].amount -= parts[i - 1].amount;
  if (const int64_t extra = slot.drift.Extra(now.mono); extra > 0) parts.push_back({slot.drift.Until(now.mono), extra});
  // What is reserved is taken for sent now.
  if (const int64_t held = held_.Of(slot.limit.unit) + aside_.Of(slot.limit.unit); held > 0)
    parts.push_back({slot.window.FullLength(now), held});
  std::sort(parts.begin(), parts.end(), [](const Window::Freed& a, const Window::Freed& b) { return a.in < b.in; });
  int64_t left = std::max<int64_t>(0, amount - used);
  for (const Window::Freed& part : parts) {
    used -= part.amount;
    const int64_t then = std::clamp<int64_t>(amount - used, left, amount);
    if (then == left) continue;
    left = then;
    if (!recoveries.empty() && recoveries.back().in == part.in) recoveries.pop_back();
    recoveries.push_back({part.in, left});
  }
  return recoveries;
}

std::vector<LimitState> Ledger::States(const Now& now) {
  std::vector<LimitState> states;
  states.reserve(slots_.size());
  for (Slot& slot : slots_) {
    const int64_t used = Used(slot, now);
    LimitState& state = states.emplace_back();
    state.unit = slot.limit.unit;
    state.amount = slot.limit.at_once();
    state.remaining = std::clamp<int64_t>(state.amount - used, 0, state.amount);
    if (state.unit == Unit::kConcurrency) continue;
    state.kind = slot.limit.window.kind;
    state.window = slot.limit.window.length;
    state.recoveries = Recoveries(slot, used, now);
  }
  return states;
}

}  // namespace chain429
