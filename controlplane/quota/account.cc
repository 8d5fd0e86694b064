#include "controlplane/quota/account.h"

#include <algorithm>
#include <utility>

namespace chain429 {
namespace {

// A refusal for longer than this is not about the minute.
constexpr absl::Duration kMinuteRefusal = absl::Minutes(2);
// A limit used to this share explains a refusal.
constexpr int64_t kExplainingPercent = 90;
// Streams take no longer, and what was given back before a reading's request was sent is no part of it.
constexpr absl::Duration kLongestStream = absl::Minutes(10);
constexpr absl::Duration kLongWindow = absl::Hours(1);
constexpr int64_t kTinyCapacity = 1000;
// A proxy that is left alone with a pool of unknown limits that has just been closed tries it this often.
constexpr absl::Duration kCautiousEvery = absl::Seconds(5);
// Outside use is worth a word from one part in so many of a limit on.
constexpr int64_t kNoticeableOutside = 20;
constexpr absl::Duration kOutsideLookEvery = absl::Seconds(5);
constexpr absl::Duration kOutsideNewsEvery = absl::Hours(1);

bool IsLearnt(const Limit& limit) {
  return limit.provenance == Provenance::kStated || limit.provenance == Provenance::kInferred;
}

}  // namespace

PoolAccount::PoolAccount(Pool pool, const Now& now) : last_used(now.mono), pool_(std::move(pool)) {
  // A pool without a name is one that somebody reported on: it has been called.
  if (pool_.learns && !pool_.key.empty()) probation_.BeginFirstContact();
  Relimit(now);
}

void PoolAccount::Declare(const Pool& pool, const Now& now) {
  if (pool == pool_) return;
  pool_ = pool;
  Relimit(now);
}

void PoolAccount::Relimit(const Now& now) {
  std::vector<Limit> limits = learns() ? learned_.Merge(pool_.limits) : pool_.limits;
  if (inferred_.known()) {
    Limit inferred = inferred_.AsLimit();
    if (inferred_window_.held().length == inferred.window.length) inferred.window = inferred_window_.held();
    const bool pointless = std::any_of(limits.begin(), limits.end(), [&](const Limit& limit) {
      return limit.unit == Unit::kRequests && limit.window.length <= inferred.window.length &&
             limit.amount <= inferred.amount;
    });
    if (!pointless) limits.push_back(inferred);
  }
  ledger_.SetLimits(limits, now);
  tiny_ = ledger_.limited() && ledger_.Capacity({1, 0, 0}) <= kTinyCapacity;
  if (ledger_.limited() && probation_.reason() == Probation::Reason::kFirstContact) probation_.End();
}

void PoolAccount::Read(const Seen& seen, const Now& now) {
  if (!learns()) return;
  bool changed = false;
  for (const Reading& reading : seen.readings) changed |= learned_.Observe(reading, seen.cost, seen.sent_at, now.mono);
  if (changed) {
    // What was inferred without the provider's word, or from a limit that it had before, is worth nothing beside it.
    if (learned_.states_requests()) inferred_ = InferredLimit();
    Relimit(now);
  }
  Watch(seen, now);
  for (const Reading& reading : seen.readings) {
    if (reading.limit <= 0 || reading.remaining < 0 || reading.remaining > reading.limit) continue;
    const bool requests = reading.unit == Unit::kRequests;
    if (!requests && HasDeclaredBucket(reading.unit, learned_.LengthOf(reading))) continue;
    Ledger::Count count;
    count.unit = reading.unit;
    count.length = learned_.LengthOf(reading);
    count.amount = reading.limit;
    count.reading.at = seen.sent_at;
    count.reading.used = reading.limit - reading.remaining;
    count.reading.charge = requests && !seen.refused ? 1 : 0;
    if (!requests && pool_.charging.tokens == TokenCharge::kOnUse) {
      count.reading.open = ledger_.open().Of(reading.unit);
    } else if (!requests) {
      given_back_.VisitAfter(seen.sent_at, [&](MonoTime, int64_t amount) { count.reading.given_back += amount; });
    }
    count.reading.reset = reading.reset_after;
    count.lowers = learned_.TrustsCount(reading);
    ledger_.Observe(count, now);
  }
}

void PoolAccount::GiveBack(const Charge& charged, const Charge& cost, const Now& now) {
  if (pool_.charging.tokens != TokenCharge::kUpFront) return;
  given_back_.After(now.mono - kLongestStream);
  given_back_.Add(now.mono, charged.tokens() - cost.tokens(), MonoTime::FromNanos(INT64_MIN));
}

std::vector<Reading> PoolAccount::SplitOff(TargetId target, std::span<const Reading> readings, MonoTime at,
                                           const Now& now) {
  std::vector<Reading> own;
  bool changed = false;
  for (const Reading& reading : readings) {
    const bool configured = std::any_of(pool_.limits.begin(), pool_.limits.end(), [&](const Limit& limit) {
      return limit.unit == reading.unit && limit.provenance == Provenance::kConfigured;
    });
    if (configured || !split_.Observe(target, reading, at)) continue;
    changed |= learned_.Forget(reading);
    own.push_back(reading);
  }
  if (changed) Relimit(now);
  return own;
}

bool PoolAccount::HasDeclaredBucket(Unit unit, absl::Duration length) const {
  return std::any_of(pool_.limits.begin(), pool_.limits.end(), [&](const Limit& limit) {
    return limit.unit == unit && limit.window.length == length && limit.window.kind == WindowKind::kBucket;
  });
}

void PoolAccount::Watch(const Seen& seen, const Now& now) {
  WindowReading timed;
  timed.at = seen.sent_at;
  timed.answered = std::max(seen.sent_at, seen.answered);
  timed.counted = !seen.refused;
  bool changed = false;
  for (const Reading& reading : seen.readings) {
    const UseLog* own = ledger_.UsesOf(reading.unit, learned_.LengthOf(reading));
    if (own == nullptr || reading.limit <= 0) continue;
    timed.limit = reading.limit;
    const bool states_use = reading.remaining >= 0 && reading.remaining <= reading.limit;
    timed.used = states_use ? reading.limit - reading.remaining : -1;
    const bool much_left = states_use && reading.remaining * 100 > reading.limit * (100 - kExplainingPercent);
    int64_t used = own->Touching(timed.at - learned_.LengthOf(reading), timed.at);
    // A count that is too low has made us forget our own use there, but not here.
    const absl::Duration minute = std::min(learned_.LengthOf(reading), absl::Minutes(1));
    if (reading.unit == Unit::kRequests)
      used = std::max(used, ledger_.recent_requests().Touching(timed.at - minute, timed.at));
    const bool used_up = used * 100 >= reading.limit * kExplainingPercent;
    if (seen.refused && much_left && used_up) learned_.DoubtCount(reading);
    timed.compares = reading.unit == Unit::kRequests;
    timed.reset = reading.reset_after;
    changed |= learned_.Watch(reading, timed, *own, now);
  }
  if (seen.refused) changed |= WatchRefusal(timed, seen, now);
  if (changed) Relimit(now);
}

bool PoolAccount::WatchRefusal(WindowReading timed, const Seen& seen, const Now& now) {
  bool changed = false;
  for (const LimitView& view : ledger_.View(now)) {
    const Limit& limit = view.limit;
    const UseLog* own = ledger_.UsesOf(limit.unit, limit.window.length);
    if (own == nullptr) continue;
    const auto full = [&](int64_t used) { return used * 100 >= limit.amount * kExplainingPercent; };
    if (!full(view.used)) {
      // Sliding, it would have been used up.
      if (IsLearnt(limit) && full(own->Touching(timed.at - limit.window.length, timed.at)))
        changed |= learned_.RefuseWindow(limit.unit, limit.window.length);
      continue;
    }
    const bool stated = std::any_of(seen.readings.begin(), seen.readings.end(), [&](const Reading& reading) {
      return reading.unit == limit.unit && reading.reset_after != absl::InfiniteDuration();
    });
    if (stated || seen.wait <= absl::ZeroDuration()) continue;
    timed.limit = limit.amount;
    timed.used = -1;
    timed.reset = seen.wait;
    if (inferred_.known() && limit.provenance == Provenance::kInferred && limit.amount == inferred_.amount()) {
      changed |= inferred_window_.Observe(timed, limit.window.length, *own, now);
    } else {
      changed |= learned_.WatchRefusal(limit.unit, timed, limit.window.length, *own, now);
    }
  }
  return changed;
}

void PoolAccount::Succeed(const Charge& charge, MonoTime sent_at, const Now& now) {
  TakesRequests(sent_at, now);
  bool changed = learns() && learned_.Succeed(charge, now.mono);
  if (inferred_.known()) changed |= inferred_.Turn(ledger_.LastMinute(Unit::kRequests, now), now.mono);
  if (changed) Relimit(now);
}

bool PoolAccount::TakesRequests(MonoTime sent_at, const Now& now) {
  if (!cooldown_.Succeed(sent_at, now.mono)) return false;
  if (!cooldown_.authoritative()) probation_.BeginReopened();
  return true;
}

void PoolAccount::Refuse(const Seen& seen, absl::Duration retry_after, const Now& now) {
  const auto says_otherwise = [&seen](const Limit& limit) {
    return std::any_of(seen.readings.begin(), seen.readings.end(), [&limit](const Reading& reading) {
      return reading.unit == limit.unit && reading.limit == limit.amount && reading.remaining > 0;
    });
  };
  if (cooldown_.IsSameTrouble(seen.sent_at)) {
    if (retry_after <= kMinuteRefusal) ledger_.Refused(says_otherwise, now);
    if (inferred_.Correct(ledger_.LastMinute(Unit::kRequests, now))) Relimit(now);
    return;
  }
  // A canary's refusal tells nothing of how much went well before it.
  if (cooldown_.At(now.mono) != Cooldown::Gate::kOpen) return;
  bool changed = learns() && learned_.Refuse();
  const std::vector<LimitView> views = ledger_.View(now);
  bool explained = retry_after > kMinuteRefusal;
  for (const LimitView& view : views) {
    explained |= view.limit.amount > 0 && view.used * 100 >= view.limit.at_once() * kExplainingPercent;
    for (const Reading& reading : seen.readings) {
      explained |= reading.unit == view.limit.unit && reading.limit == view.limit.amount && reading.remaining == 0;
    }
  }
  if (retry_after <= kMinuteRefusal) ledger_.Refused(says_otherwise, now);
  if (!explained) changed |= inferred_.Refuse(ledger_.LastMinute(Unit::kRequests, now), now.mono);
  if (changed) Relimit(now);
}

std::vector<SafeShare> PoolAccount::Shares(int64_t proxies, const Now& now) {
  proxies = std::max<int64_t>(1, proxies);
  std::vector<SafeShare> shares;
  if (!ledger_.limited() && limited(now.mono)) shares.push_back({1, 1, kCautiousEvery});
  for (const LimitView& view : ledger_.View(now)) {
    const Limit& limit = view.limit;
    const bool concurrency = limit.unit == Unit::kConcurrency;
    // A share is stated in requests, whatever the limit counts.
    const int64_t unit = UsualCost(pool_, limit.unit);
    const int64_t amount = limit.least() / unit;
    const int64_t left = std::max<int64_t>(0, limit.at_once() - view.used) / unit;
    SafeShare share;
    share.window = concurrency ? absl::Minutes(1) : limit.window.length;
    // Half of it, so that a proxy that stays cut off for long does not take what the others then share without it.
    share.steady = proxies == 1 ? amount : amount / (2 * proxies);
    if (share.steady == 0 && amount >= proxies) share.steady = 1;
    share.first = concurrency ? share.steady : left / proxies;
    shares.push_back(share);
  }
  return shares;
}

PoolState PoolAccount::Numbers(const Now& now) {
  PoolState state;
  state.pool = pool_.id;
  state.limited = limited(now.mono);
  if (cooldown_.At(now.mono) == Cooldown::Gate::kClosed) {
    state.closure = cooldown_.closure(now.mono);
    state.closed_for = cooldown_.Wait(now.mono);
  }
  state.limits = ledger_.States(now);
  state.numbers_only = true;
  return state;
}

PoolState PoolAccount::State(int64_t proxies, const Now& now) {
  PoolState state = Numbers(now);
  state.shares = Shares(proxies, now);
  state.numbers_only = false;
  return state;
}

WindowEvidence PoolAccount::EvidenceOf(const Limit& limit) const {
  WindowEvidence evidence;
  const WindowInference* window = learned_.WindowOf(limit.unit, limit.window.length);
  if (window == nullptr && limit.provenance == Provenance::kInferred) window = &inferred_window_;
  if (window != nullptr) {
    evidence.confidence = window->ConfidenceOf(limit.window.kind);
    evidence.seems = window->seeming();
    evidence.seems_confidence = window->ConfidenceOf(evidence.seems);
  }
  for (const Limit& given : pool_.limits) {
    if (given.unit != limit.unit || given.window != limit.window) continue;
    evidence.provenance = given.provenance;
    evidence.confidence = 100;
  }
  return evidence;
}

std::optional<LimitView> PoolAccount::TakeOutsideNews(const Now& now) {
  if (now.mono < next_outside_look_) return std::nullopt;
  next_outside_look_ = now.mono + kOutsideLookEvery;
  for (const LimitView& view : ledger_.View(now)) {
    if (view.outside * kNoticeableOutside <= view.limit.amount) continue;
    next_outside_look_ = now.mono + kOutsideNewsEvery;
    return view;
  }
  return std::nullopt;
}

PoolView PoolAccount::View(const Now& now) {
  PoolView view;
  view.id = pool_.id;
  view.key = pool_.key;
  view.closure = cooldown_.closure(now.mono);
  view.closed_for = cooldown_.Wait(now.mono);
  view.authoritative = view.closure != Closure::kNone && cooldown_.authoritative();
  view.limits = ledger_.View(now);
  for (const LimitView& limit : view.limits) view.windows.push_back(EvidenceOf(limit.limit));
  view.models_apart = split_.any();
  view.open_attempts = ledger_.open().requests;
  return view;
}

bool PoolAccount::memorable(MonoTime now) const {
  if (cooldown_.At(now) != Cooldown::Gate::kOpen || inferred_.known()) return true;
  return ledger_.HasLimit([](const Limit& limit) { return IsLearnt(limit) || limit.window.length >= kLongWindow; });
}

PoolMemory PoolAccount::Memory(const Now& now) {
  PoolMemory memory;
  memory.key = pool_.key;
  memory.at = now.wall;
  memory.closure = cooldown_.closure(now.mono);
  memory.closed_until = now.wall + cooldown_.Wait(now.mono);
  memory.authoritative = cooldown_.authoritative();
  memory.learnt = learned_.Known();
  memory.inferred = inferred_.amount();
  for (const LimitView& view : ledger_.View(now)) {
    if (view.limit.unit == Unit::kConcurrency || view.limit.window.length < kLongWindow || view.used == 0) continue;
    memory.marks.push_back({view.limit.unit, view.limit.window, view.used});
  }
  return memory;
}

void PoolAccount::Remember(const PoolMemory& memory, const Now& now) {
  cooldown_.Restore(memory.closure, memory.closed_until - now.wall, memory.authoritative, now.mono);
  // Only a model that was found to have limits of its own has learnt any without being asked to.
  for_model_ |= !pool_.learns && !memory.learnt.empty();
  if (learns()) {
    const std::vector<Limit> known = learned_.Known();
    for (const Limit& limit : memory.learnt) {
      const bool fresh = std::any_of(known.begin(), known.end(), [&](const Limit& newer) {
        return newer.unit == limit.unit && newer.window.length == limit.window.length;
      });
      if (!fresh) learned_.Restore(limit, now.mono);
    }
  }
  if (memory.inferred > 0 && !inferred_.known()) inferred_.Restore(memory.inferred, now.mono);
  Relimit(now);
  for (const PoolMemory::Mark& mark : memory.marks) {
    const bool over = mark.window.kind == WindowKind::kFixed ? PeriodOf(mark.window, memory.at).end <= now.wall
                                                             : memory.at + mark.window.length <= now.wall;
    if (!over) ledger_.Assume(mark.unit, mark.window, mark.used, now.mono - (now.wall - memory.at), now);
  }
}

}  // namespace chain429
