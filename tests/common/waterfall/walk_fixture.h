#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/waterfall/walk.h"

namespace chain429 {

// A walk over targets whose gates the test sets, at a time that the test turns. Target ids are 100 + candidate.
class WalkTest : public testing::Test {
 protected:
  static constexpr absl::Duration kTotal = absl::Seconds(60);

  void Begin(const std::vector<Gate>& gates, Walk::Options options = {}) {
    views_.clear();
    for (const Gate gate : gates) views_.push_back({.gate = gate, .closure = Closure::kNone, .until = MonoTime()});
    alone_ = views_;
    options.candidates = static_cast<uint32_t>(gates.size());
    if (options.deadline == MonoTime()) options.deadline = now + kTotal;
    walk_ = std::make_unique<Walk>(options);
  }
  static Walk::Options AtMost(int attempts, absl::Duration wait = absl::ZeroDuration()) {
    Walk::Options options;
    options.max_attempts = attempts;
    options.wait = wait;
    return options;
  }
  static Walk::Options Patient(absl::Duration wait) { return AtMost(8, wait); }
  void Close(uint32_t candidate, Closure closure, absl::Duration for_how_long) {
    views_[candidate] = alone_[candidate] = {.gate = Gate::kClosed, .closure = closure, .until = now + for_how_long};
  }
  void Set(uint32_t candidate, Gate gate) {
    views_[candidate] = alone_[candidate] = {.gate = gate, .closure = Closure::kNone, .until = MonoTime()};
  }
  void SetAlone(uint32_t candidate, Gate gate) {
    alone_[candidate] = {.gate = gate, .closure = Closure::kNone, .until = MonoTime()};
  }

  Walk::Step Next() {
    return walk_->Next(now, [this](uint32_t candidate, bool alone) { return (alone ? alone_ : views_)[candidate]; });
  }
  // The next step must be an attempt at `candidate`.
  void ExpectAttempt(uint32_t candidate) {
    const Walk::Step step = Next();
    ASSERT_EQ(step.action, Walk::Do::kAttempt);
    EXPECT_EQ(step.candidate, candidate);
  }
  Walk::Step ExpectAsk(const std::vector<uint32_t>& candidates) {
    Walk::Step step = Next();
    EXPECT_EQ(step.action, Walk::Do::kAsk);
    EXPECT_EQ(std::vector<uint32_t>(step.ask.begin(), step.ask.end()), candidates);
    return step;
  }
  void ExpectExhausted(int status) {
    const Walk::Step step = Next();
    ASSERT_EQ(step.action, Walk::Do::kExhaust);
    EXPECT_EQ(step.status, status);
  }
  void ExpectHandBack(uint32_t candidate) {
    const Walk::Step step = Next();
    ASSERT_EQ(step.action, Walk::Do::kHandBack);
    EXPECT_EQ(step.candidate, candidate);
  }

  static AttemptEnd Failed(Outcome outcome, ErrorClass error_class, int status = 0) {
    AttemptEnd end;
    end.outcome = outcome;
    end.error_class = error_class;
    end.status = status;
    end.latency = absl::Milliseconds(5);
    return end;
  }
  static AttemptEnd Overloaded(int status = 503) {
    return Failed(Outcome::kOverloaded, ErrorClass::kOverloaded, status);
  }
  static AttemptEnd TimedOut() { return Failed(Outcome::kTimeout, ErrorClass::kOverloaded); }
  AttemptEnd RateLimited(absl::Duration opens_in) const {
    AttemptEnd end = Failed(Outcome::kRateLimited, ErrorClass::kRateLimited, 429);
    end.opens = now + opens_in;
    return end;
  }
  static AttemptEnd Kept(ErrorClass error_class, int status) {
    AttemptEnd end = Failed(Outcome::kError, error_class, status);
    end.kept = true;
    return end;
  }
  void Call(uint32_t candidate, AttemptEnd end) {
    ExpectAttempt(candidate);
    walk_->OnAttempt(candidate, std::move(end));
  }

  static TargetId IdOf(uint32_t candidate) { return TargetId(100 + candidate); }
  // Whether the answer lets the walk call something, and what.
  bool Answer(const AcquireAnswer* answer, const Walk::Step& asked, uint32_t* granted = nullptr) {
    uint32_t candidate = 999;
    const bool good = walk_->OnAnswer(answer, asked, IdOf, now, candidate);
    if (granted != nullptr) *granted = candidate;
    return good;
  }
  static DenialReason Denial(uint32_t candidate, absl::Duration retry_after, Closure closure = Closure::kNone) {
    DenialReason reason;
    reason.target = IdOf(candidate);
    reason.cooldown = closure != Closure::kNone;
    reason.closure = closure;
    reason.retry_after = retry_after;
    return reason;
  }
  static AcquireAnswer Granted(uint32_t candidate, std::vector<DenialReason> denials = {}) {
    AcquireAnswer answer;
    answer.granted = true;
    answer.permit.target = IdOf(candidate);
    answer.denials = std::move(denials);
    return answer;
  }
  static AcquireAnswer Denied(std::vector<DenialReason> denials) {
    AcquireAnswer answer;
    answer.denials = std::move(denials);
    return answer;
  }

  // "0:skipped_cooldown 1:rate_limited": the trail so far.
  std::string Trail() const {
    std::string out;
    for (const Hop& hop : walk_->hops()) {
      if (!out.empty()) out.push_back(' ');
      out.append(std::to_string(hop.candidate)).append(":").append(OutcomeName(hop.outcome));
    }
    return out;
  }
  Walk& walk() { return *walk_; }

  MonoTime now = MonoTime::FromNanos(5'000'000'000'000);

 private:
  std::vector<GateView> views_;
  std::vector<GateView> alone_;
  std::unique_ptr<Walk> walk_;
};

}  // namespace chain429
