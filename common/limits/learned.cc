#include "common/limits/learned.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace chain429 {
namespace {

// A provider that states more than this many kinds of limits is making them up.
constexpr size_t kMostFacts = 16;
constexpr std::array<absl::Duration, 3> kLengths = {absl::Minutes(1), absl::Hours(1), absl::Hours(24)};
constexpr double kVoteTolerance = 0.03;
constexpr int kVotesNeeded = 2;
// Exceeded by this factor and a few more requests, a limit is disproved.
constexpr int64_t kDisproof = 2;
constexpr int64_t kDisproofMargin = 10;
// A limit counts us if it has counted one part in this many of what we used.
constexpr int64_t kCountedPart = 2;
constexpr int64_t kLargestLimit = int64_t{1} << 50;

absl::Duration ShortestHolding(absl::Duration reset) {
  // Providers round their resets up.
  for (const absl::Duration length : kLengths) {
    if (reset <= length * 1.02) return length;
  }
  return kLengths.back();
}

absl::Duration NextShorter(absl::Duration length) {
  for (size_t i = kLengths.size(); i-- > 0;) {
    if (kLengths[i] < length) return kLengths[i];
  }
  return absl::ZeroDuration();
}

}  // namespace

LearnedLimits::Fact* LearnedLimits::Find(const Reading& reading) {
  for (Fact& fact : facts_) {
    if (fact.unit == reading.unit && fact.project == reading.project_scope && fact.named == reading.window)
      return &fact;
  }
  return nullptr;
}

void LearnedLimits::Guess(Fact& fact, const Reading& reading) {
  if (fact.named > absl::ZeroDuration()) {
    fact.length = fact.named;
    return;
  }
  const bool timed = reading.reset_after > absl::ZeroDuration() && reading.reset_after < absl::Hours(25);
  if (timed) fact.longest_reset = std::max(fact.longest_reset, reading.reset_after);
  if (timed && reading.remaining >= 0 && reading.remaining < reading.limit) {
    const double share = static_cast<double>(reading.limit) / static_cast<double>(reading.limit - reading.remaining);
    const double window_s = absl::ToDoubleSeconds(reading.reset_after) * share;
    absl::Duration vote;
    for (const absl::Duration length : kLengths) {
      if (std::abs(window_s / absl::ToDoubleSeconds(length) - 1) < kVoteTolerance) vote = length;
    }
    fact.votes = vote == fact.voted ? fact.votes + 1 : 1;
    fact.voted = vote;
  }
  if (fact.voted > absl::ZeroDuration() && fact.votes >= kVotesNeeded) {
    fact.length = fact.voted;
  } else {
    fact.length = ShortestHolding(fact.longest_reset);
  }
  fact.length = std::min(fact.length, fact.at_most);
}

bool LearnedLimits::Observe(const Reading& reading, const Charge& cost, MonoTime at, MonoTime now) {
  if (reading.unit == Unit::kConcurrency || reading.limit <= 0 || reading.limit > kLargestLimit) return false;
  if (reading.window < absl::ZeroDuration() || reading.window > absl::Hours(24 * 31)) return false;
  Fact* fact = Find(reading);
  if (fact == nullptr) {
    if (facts_.size() >= kMostFacts) return false;
    facts_.push_back({});
    fact = &facts_.back();
    fact->unit = reading.unit;
    fact->project = reading.project_scope;
    fact->named = reading.window;
    fact->at = at;
    fact->proof_start = now;
  } else if (at < fact->at) {
    return false;
  }
  fact->at = at;
  const Fact before = *fact;
  Guess(*fact, reading);
  fact->amount = reading.limit;
  const int64_t used = reading.remaining < 0 ? 0 : reading.limit - reading.remaining;
  const bool counts_us = used > 0 && used * kCountedPart >= fact->proven + cost.Of(fact->unit);
  fact->counts |= fact->named > absl::ZeroDuration() || counts_us;
  const bool corrected = Correct(*fact);
  if (fact->amount == before.amount && fact->length == before.length) return corrected || fact->counts != before.counts;
  // What is proven of one limit says nothing of another.
  if (fact->amount != before.amount) {
    fact->left_out = false;
    fact->doubtful = false;
    fact->at_most = absl::InfiniteDuration();
  }
  fact->proof_start = now;
  fact->proven = 0;
  return true;
}

// Headers and the texts of refusals may speak of one and the same limit: the newer word holds for both.
bool LearnedLimits::Correct(const Fact& newest) {
  const bool sure = newest.named > absl::ZeroDuration() || newest.longest_reset * 2 > newest.length ||
                    (newest.voted == newest.length && newest.votes >= kVotesNeeded);
  if (!sure) return false;
  bool corrected = false;
  for (Fact& other : facts_) {
    if (!other.Is(newest.unit, newest.length) || other.project != newest.project) continue;
    corrected |= other.amount != newest.amount;
    other.amount = newest.amount;
  }
  return corrected;
}

bool LearnedLimits::Watch(const Reading& reading, const WindowReading& timed, const UseLog& own, const Now& now) {
  Fact* fact = Find(reading);
  if (fact == nullptr || fact->project) return false;
  return fact->window.Observe(timed, fact->length, own, now);
}

bool LearnedLimits::WatchRefusal(Unit unit, const WindowReading& timed, absl::Duration length, const UseLog& own,
                                 const Now& now) {
  for (Fact& fact : facts_) {
    if (fact.Is(unit, length)) return fact.window.Observe(timed, length, own, now);
  }
  return false;
}

bool LearnedLimits::RefuseWindow(Unit unit, absl::Duration length) {
  for (Fact& fact : facts_) {
    if (fact.Is(unit, length)) return fact.window.Refuse();
  }
  return false;
}

const WindowInference* LearnedLimits::WindowOf(Unit unit, absl::Duration length) const {
  for (const Fact& fact : facts_) {
    if (fact.Is(unit, length)) return fact.window.held().length == length ? &fact.window : nullptr;
  }
  return nullptr;
}

bool LearnedLimits::Succeed(const Charge& charge, MonoTime now) {
  bool changed = false;
  for (Fact& fact : facts_) {
    if (fact.left_out) continue;
    if (now - fact.proof_start > fact.length) {
      fact.proof_start = now;
      fact.proven = 0;
    }
    fact.proven += charge.Of(fact.unit);
    if (fact.proven <= kDisproof * fact.amount + kDisproofMargin) continue;
    changed = true;
    fact.proof_start = now;
    fact.proven = 0;
    const absl::Duration shorter = fact.named > absl::ZeroDuration() ? absl::ZeroDuration() : NextShorter(fact.length);
    if (shorter > absl::ZeroDuration()) {
      fact.at_most = shorter;
      fact.length = shorter;
    } else {
      fact.left_out = true;
    }
  }
  return changed;
}

void LearnedLimits::DoubtCount(const Reading& reading) {
  if (Fact* fact = Find(reading)) fact->doubtful = true;
}

bool LearnedLimits::TrustsCount(const Reading& reading) const {
  return std::none_of(facts_.begin(), facts_.end(), [&](const Fact& fact) {
    return fact.doubtful && fact.unit == reading.unit && fact.project == reading.project_scope &&
           fact.named == reading.window;
  });
}

bool LearnedLimits::Refuse() {
  bool changed = false;
  for (Fact& fact : facts_) {
    changed |= fact.left_out;
    fact.left_out = false;
    fact.proven = 0;
  }
  return changed;
}

bool LearnedLimits::Forget(const Reading& reading) {
  const Fact* fact = Find(reading);
  if (fact == nullptr) return false;
  facts_.erase(facts_.begin() + (fact - facts_.data()));
  return true;
}

void LearnedLimits::Restore(const Limit& limit, MonoTime now) {
  if (facts_.size() >= kMostFacts) return;
  Fact fact;
  fact.unit = limit.unit;
  fact.named = limit.provenance == Provenance::kStated ? limit.window.length : absl::ZeroDuration();
  fact.length = limit.window.length;
  fact.window.Restore(limit.window);
  fact.longest_reset = limit.window.length;
  fact.amount = limit.amount;
  fact.counts = true;
  fact.at = now;
  fact.proof_start = now;
  facts_.push_back(fact);
}

absl::Duration LearnedLimits::LengthOf(const Reading& reading) const {
  for (const Fact& fact : facts_) {
    if (fact.unit == reading.unit && fact.project == reading.project_scope && fact.named == reading.window)
      return fact.length;
  }
  return absl::ZeroDuration();
}

bool LearnedLimits::states_requests() const {
  return std::any_of(facts_.begin(), facts_.end(), [](const Fact& fact) {
    return fact.unit == Unit::kRequests && fact.counts && !fact.left_out && fact.length <= absl::Hours(1);
  });
}

Limit LearnedLimits::AsLimit(const Fact& fact) {
  Limit limit;
  limit.unit = fact.unit;
  limit.amount = fact.amount;
  if (fact.window.held().length == fact.length) limit.window = fact.window.held();
  limit.window.length = fact.length;
  limit.provenance = fact.named > absl::ZeroDuration() ? Provenance::kStated : Provenance::kInferred;
  return limit;
}

std::vector<Limit> LearnedLimits::Known() const {
  std::vector<Limit> known;
  for (const Fact& fact : facts_) {
    // A Limit cannot say that it is the project's; restored as the account's own it would never be corrected. Nor is it
    // worth knowing what was disproved. The next reading brings both.
    if (fact.counts && !fact.project && !fact.left_out) known.push_back(AsLimit(fact));
  }
  return known;
}

std::vector<Limit> LearnedLimits::Merge(std::span<const Limit> declared) const {
  std::vector<Limit> merged(declared.begin(), declared.end());
  for (const Fact& fact : facts_) {
    if (fact.left_out || !fact.counts) continue;
    bool placed = false;
    for (size_t i = 0; i < declared.size() && !placed; ++i) {
      const Limit& limit = declared[i];
      if (limit.unit != fact.unit) continue;
      const bool same_length = limit.window.length == fact.length;
      if (limit.provenance == Provenance::kConfigured) {
        placed = same_length || fact.named == absl::ZeroDuration();
      } else if (same_length && !fact.project) {
        merged[i].amount = fact.amount;
        merged[i].provenance = Provenance::kStated;
        placed = true;
      }
    }
    for (size_t i = declared.size(); i < merged.size() && !placed; ++i) {
      // The same limit by another name.
      const Limit& limit = merged[i];
      placed = limit.unit == fact.unit && limit.window.length == fact.length && limit.amount == fact.amount;
    }
    if (!placed) merged.push_back(AsLimit(fact));
  }
  return merged;
}

}  // namespace chain429
