#include "common/waterfall/walk.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

// A pool that closed without saying for how long is worth another try after this.
constexpr absl::Duration kUnknownRecovery = absl::Seconds(1);

// A client that waits for a recovery waits for one that comes within this.
constexpr absl::Duration kSoon = absl::Minutes(1);

constexpr char kNoKey[] = "no key for it is at hand";

std::string NeverFits(const DenialReason& denial) {
  if (denial.unit == Unit::kCredits && denial.limit == 0) return "what its model costs in credits is not known";
  std::string unit(UnitName(denial.unit));
  std::replace(unit.begin(), unit.end(), '_', ' ');
  return absl::StrCat("the request needs more than its limit of ", AmountText(denial.unit, denial.limit), " ", unit,
                      " allows");
}

bool IsLimit(Closure closure) { return closure == Closure::kRateLimited || closure == Closure::kQuotaExhausted; }

}  // namespace

Outcome SkipOutcome(const GateView& view) {
  switch (view.gate) {
    case Gate::kClosed:
      return Outcome::kSkippedCooldown;
    case Gate::kUnfit:
      return Outcome::kSkippedUnfit;
    case Gate::kExhausted:
    case Gate::kFree:
    case Gate::kSpare:
    case Gate::kAsk:
    case Gate::kShare:
      return Outcome::kSkippedQuota;
  }
  return Outcome::kSkippedQuota;
}

bool SkipWaits(const GateView& view) {
  return view.gate == Gate::kClosed ? IsLimit(view.closure) : view.gate != Gate::kUnfit;
}

bool WaitsForLimit(Outcome outcome) { return outcome == Outcome::kRateLimited || outcome == Outcome::kQuotaExhausted; }

Outcome OutcomeOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kOk:
      return Outcome::kOk;
    case ErrorClass::kRateLimited:
      return Outcome::kRateLimited;
    case ErrorClass::kQuotaExhausted:
      return Outcome::kQuotaExhausted;
    case ErrorClass::kAuth:
      return Outcome::kAuth;
    case ErrorClass::kModelUnavailable:
      return Outcome::kModelUnavailable;
    case ErrorClass::kOverloaded:
      return Outcome::kOverloaded;
    case ErrorClass::kBadRequest:
    case ErrorClass::kRefusedHere:
    case ErrorClass::kContextTooLong:
      return Outcome::kError;
  }
  return Outcome::kError;
}

void Walk::Skip(uint32_t candidate, const GateView& view, std::string message) {
  Renew(candidate);
  Hop hop;
  hop.candidate = candidate;
  hop.outcome = SkipOutcome(view);
  hop.waits = SkipWaits(view);
  // What cannot take this request will not be able to later either.
  hop.opens = view.gate == Gate::kUnfit ? MonoTime::Max() : view.until;
  hop.message = view.gate == Gate::kUnfit && view.closure == Closure::kAuth ? kNoKey : std::move(message);
  hops_.push_back(std::move(hop));
}

Walk::Step Walk::Next(MonoTime now, Gates gates) {
  Step step;
  if (refused_) {
    step.action = Do::kHandBack;
    step.candidate = static_cast<uint32_t>(hand_back_);
    return step;
  }
  if (now >= options_.deadline || attempts_ >= options_.max_attempts) return Finish(now);
  between_.clear();
  for (; at_ < options_.candidates; ++at_) {
    const GateView view = gates(at_, at_ < alone_until_);
    switch (view.gate) {
      case Gate::kClosed:
      case Gate::kExhausted:
      case Gate::kUnfit:
        if (!step.ask.empty()) {
          between_.emplace_back(at_, view);
        } else if (static_cast<int>(at_) != looked_again_ || view.closure != Closure::kAuth) {
          Skip(at_, view);
        }
        continue;
      case Gate::kFree:
      case Gate::kSpare:
      case Gate::kShare:
        if (!step.ask.empty()) break;  // those before it come first
        step.action = Do::kAttempt;
        step.candidate = at_;
        step.gate = view.gate;
        return step;
      case Gate::kAsk:
        step.ask.push_back(at_);
        continue;
    }
    break;
  }
  if (step.ask.empty()) return Finish(now);
  at_ = step.ask.front();
  step.action = Do::kAsk;
  return step;
}

bool Walk::OnAnswer(const AcquireAnswer* answer, const Step& asked, absl::FunctionRef<TargetId(uint32_t)> id_of,
                    MonoTime now, uint32_t& granted) {
  if (answer == nullptr) {
    alone_until_ = asked.ask.back() + 1;
    return false;
  }
  size_t passed = 0;
  for (const uint32_t candidate : asked.ask) {
    for (; passed < between_.size() && between_[passed].first < candidate; ++passed) {
      Skip(between_[passed].first, between_[passed].second);
    }
    const TargetId id = id_of(candidate);
    at_ = candidate + 1;
    if (answer->granted && answer->permit.target == id) {
      granted = candidate;
      at_ = candidate;
      return true;
    }
    const auto denial = std::find_if(answer->denials.begin(), answer->denials.end(),
                                     [&](const DenialReason& d) { return d.target == id; });
    GateView view{Gate::kExhausted, Closure::kNone, MonoTime()};
    if (denial != answer->denials.end() && denial->never) {
      Skip(candidate, {Gate::kUnfit, Closure::kNone, MonoTime()}, NeverFits(*denial));
      continue;
    }
    if (denial != answer->denials.end()) {
      if (denial->cooldown) view = {Gate::kClosed, denial->closure, MonoTime()};
      if (denial->retry_after > absl::ZeroDuration()) view.until = now + denial->retry_after;
    }
    Skip(candidate, view);
  }
  return false;
}

void Walk::OnAttempt(uint32_t candidate, AttemptEnd end) {
  ++attempts_;
  Renew(candidate);
  Hop hop;
  hop.candidate = candidate;
  hop.outcome = end.outcome;
  hop.status = end.status;
  hop.latency = end.latency;
  hop.called = true;
  hop.waits = WaitsForLimit(end.outcome);
  hop.opens = end.opens;
  hop.message = std::move(end.message);
  hops_.push_back(std::move(hop));
  // After a refused credential the same target is looked at again: it may have another.
  looked_again_ = end.error_class == ErrorClass::kAuth ? static_cast<int>(candidate) : -1;
  at_ = looked_again_ >= 0 ? candidate : candidate + 1;
  if (!end.kept) return;
  refused_ = end.error_class == ErrorClass::kBadRequest;
  if (refused_ || hand_back_ < 0) hand_back_ = static_cast<int>(candidate);
}

Walk::Step Walk::Finish(MonoTime now) {
  Step step;
  bool waits = false;
  bool all_timed_out = !hops_.empty();
  bool hopeless = !hops_.empty();
  MonoTime soonest = MonoTime::Max();
  for (const Hop& hop : hops_) all_timed_out = all_timed_out && hop.outcome == Outcome::kTimeout;
  const auto look_at = [&](const Hop& hop) {
    hopeless = hopeless && hop.opens > now + kSoon;
    if (!hop.waits) return;
    waits = true;
    soonest = std::min(soonest, hop.opens == MonoTime() ? now + kUnknownRecovery : hop.opens);
  };
  std::for_each(hops_.begin(), hops_.end(), look_at);
  std::for_each(earlier_.begin(), earlier_.end(), look_at);
  const bool timed_out = now >= options_.deadline;
  if (waits && !timed_out && attempts_ < options_.max_attempts && options_.wait > absl::ZeroDuration()) {
    if (!waited_) wait_until_ = std::min(now + options_.wait, options_.deadline);
    waited_ = true;
    if (soonest <= wait_until_) {
      step.action = Do::kWait;
      step.until = std::max(soonest, now);
      at_ = 0;
      alone_until_ = 0;
      looked_again_ = -1;
      // What was only passed over is judged anew; what was called stays on record.
      std::copy_if(hops_.begin(), hops_.end(), std::back_inserter(earlier_), [](const Hop& hop) { return hop.waits; });
      hops_.erase(std::remove_if(hops_.begin(), hops_.end(), [](const Hop& hop) { return !hop.called; }), hops_.end());
      for (Hop& hop : hops_) hop.waits = false;
      return step;
    }
  }
  if (!waits && !timed_out && hand_back_ >= 0) {
    step.action = Do::kHandBack;
    step.candidate = static_cast<uint32_t>(hand_back_);
    return step;
  }
  // What the last pass did not come to is as it was.
  for (const Hop& before : earlier_) {
    if (!before.called) {
      hops_.push_back(before);
      continue;
    }
    const auto hop = std::find_if(hops_.rbegin(), hops_.rend(), [&](const Hop& other) {
      return other.called && other.candidate == before.candidate;
    });
    if (hop != hops_.rend()) hop->waits = true;
  }
  step.action = Do::kExhaust;
  step.status = timed_out ? 504 : waits ? 429 : all_timed_out ? 504 : 502;
  step.hopeless = hopeless && !timed_out;
  if (step.status == 429) step.retry_after = std::max(soonest - now, absl::ZeroDuration());
  return step;
}

}  // namespace chain429
