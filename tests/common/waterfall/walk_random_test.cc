#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "common/waterfall/walk.h"

namespace chain429 {
namespace {

bool Callable(Gate gate) { return gate == Gate::kFree || gate == Gate::kSpare || gate == Gate::kShare; }

// Plays the world around one walk by a seed, and checks every step against what the walk may do at that place.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    options_.candidates = static_cast<uint32_t>(1 + random_.Below(6));
    options_.max_attempts = static_cast<int>(1 + random_.Below(8));
    options_.deadline = now_ + absl::Seconds(1 + static_cast<int64_t>(random_.Below(40)));
    if (random_.Below(2) == 0) options_.wait = absl::Seconds(static_cast<int64_t>(random_.Below(20)));
    views_.resize(options_.candidates);
    alone_.resize(options_.candidates);
    BeginPass();
  }

  void Run() {
    Walk walk(options_);
    for (int steps = 0; steps < 100'000; ++steps) {
      Shuffle();
      const Walk::Step step =
          walk.Next(now_, [this](uint32_t candidate, bool alone) { return View(candidate, alone); });
      switch (step.action) {
        case Walk::Do::kAttempt:
          CheckPassed(step.candidate);
          ASSERT_TRUE(Callable(View(step.candidate, step.candidate < alone_until_).gate));
          ASSERT_EQ(step.gate, View(step.candidate, step.candidate < alone_until_).gate);
          if (Attempt(walk, step.candidate)) return CheckHops(walk);
          break;
        case Walk::Do::kAsk:
          CheckAsk(step);
          if (Ask(walk, step)) return CheckHops(walk);
          break;
        case Walk::Do::kWait:
          ASSERT_GE(step.until, now_);
          ASSERT_LE(step.until, options_.deadline);
          if (first_wait_ == MonoTime()) first_wait_ = now_;
          ASSERT_LE(step.until, std::max(now_, first_wait_ + options_.wait));
          ASSERT_EQ(walk.hops().size(), static_cast<size_t>(walk.attempts()))
              << "what was only passed over is forgotten";
          now_ = std::max(now_ + absl::Nanoseconds(1), step.until);
          called_before_ = static_cast<size_t>(walk.attempts());
          BeginPass();
          break;
        case Walk::Do::kHandBack:
          ASSERT_TRUE(kept_[step.candidate]);
          return CheckHops(walk);
        case Walk::Do::kExhaust:
          return CheckExhausted(walk, step);
      }
      if (testing::Test::HasFatalFailure()) return;
    }
    FAIL() << "the walk does not end";
  }

 private:
  void BeginPass() {
    at_ = 0;
    alone_until_ = 0;
    calls_.assign(options_.candidates, 0);
    refused_.assign(options_.candidates, false);
    kept_.resize(options_.candidates, false);
  }

  GateView View(uint32_t candidate, bool alone) const { return alone ? alone_[candidate] : views_[candidate]; }

  // Gates change all the time; alone, nobody is asked.
  void Shuffle() {
    for (std::vector<GateView>* views : {&views_, &alone_}) {
      for (GateView& view : *views) {
        view = {.gate = static_cast<Gate>(random_.Below(7)), .closure = Closure::kNone, .until = MonoTime()};
        if (views == &alone_ && view.gate == Gate::kAsk) view.gate = Gate::kExhausted;
        if (view.gate == Gate::kClosed) view.closure = static_cast<Closure>(1 + random_.Below(5));
        if (view.gate == Gate::kClosed || view.gate == Gate::kExhausted) {
          const bool never = view.closure == Closure::kAuth && random_.Below(2) == 0;
          view.until = never ? MonoTime::Max() : now_ + Ahead();
        }
      }
    }
  }
  absl::Duration Ahead() { return absl::Milliseconds(1 + static_cast<int64_t>(random_.Below(20'000))); }
  void Age() { now_ = now_ + absl::Milliseconds(static_cast<int64_t>(random_.Below(3'000))); }

  // Everything from the present place up to `candidate` cannot be called now.
  void CheckPassed(uint32_t candidate) {
    ASSERT_GE(candidate, at_);
    for (uint32_t i = at_; i < candidate; ++i) {
      const Gate gate = View(i, i < alone_until_).gate;
      ASSERT_TRUE(!Callable(gate) && gate != Gate::kAsk) << i;
    }
  }
  // Exactly the limited ones before the first that could be called without asking.
  void CheckAsk(const Walk::Step& step) {
    std::vector<uint32_t> expected;
    for (uint32_t i = at_; i < options_.candidates && !Callable(View(i, i < alone_until_).gate); ++i) {
      if (View(i, i < alone_until_).gate == Gate::kAsk) expected.push_back(i);
    }
    ASSERT_EQ(std::vector<uint32_t>(step.ask.begin(), step.ask.end()), expected);
  }

  // True: answered.
  bool Attempt(Walk& walk, uint32_t candidate) {
    static constexpr Outcome kTransport[] = {Outcome::kTimeout, Outcome::kConnect, Outcome::kBroken, Outcome::kEmpty};
    Age();
    AttemptEnd end;
    end.error_class = static_cast<ErrorClass>(random_.Below(9));
    end.outcome = OutcomeOf(end.error_class);
    end.status = end.error_class == ErrorClass::kOk ? 200 : 400 + static_cast<int>(random_.Below(130));
    if (end.error_class == ErrorClass::kOverloaded && random_.Below(2) == 0) end.outcome = kTransport[random_.Below(4)];
    if (random_.Below(2) == 0) end.opens = now_ + Ahead();
    const bool refusal = end.error_class == ErrorClass::kBadRequest || end.error_class == ErrorClass::kRefusedHere ||
                         end.error_class == ErrorClass::kContextTooLong;
    end.kept = refusal && random_.Below(3) > 0;
    kept_[candidate] = kept_[candidate] || end.kept;
    ++calls_[candidate];
    ++called_;
    refused_[candidate] = end.error_class == ErrorClass::kAuth;
    at_ = refused_[candidate] ? candidate : candidate + 1;
    const bool answered = end.error_class == ErrorClass::kOk;
    walk.OnAttempt(candidate, std::move(end));
    return answered;
  }

  bool Ask(Walk& walk, const Walk::Step& step) {
    Age();
    const auto id_of = [](uint32_t candidate) { return TargetId(100 + candidate); };
    uint32_t granted = 0;
    if (random_.Below(4) == 0) {
      EXPECT_FALSE(walk.OnAnswer(nullptr, step, id_of, now_, granted));
      alone_until_ = step.ask.back() + 1;
      at_ = step.ask.front();
      return false;
    }
    AcquireAnswer answer;
    const size_t fits = random_.Below(step.ask.size() * 2);
    for (size_t i = 0; i < std::min(fits, step.ask.size()); ++i) {
      if (random_.Below(4) == 0) continue;  // no reason given
      DenialReason reason;
      reason.target = id_of(step.ask[i]);
      reason.cooldown = random_.Below(2) == 0;
      if (reason.cooldown) reason.closure = static_cast<Closure>(1 + random_.Below(5));
      if (random_.Below(2) == 0) reason.retry_after = Ahead();
      answer.denials.push_back(reason);
    }
    at_ = step.ask.back() + 1;
    if (fits >= step.ask.size()) {
      EXPECT_FALSE(walk.OnAnswer(&answer, step, id_of, now_, granted));
      return false;
    }
    answer.granted = true;
    answer.permit.target = id_of(step.ask[fits]);
    EXPECT_TRUE(walk.OnAnswer(&answer, step, id_of, now_, granted));
    EXPECT_EQ(granted, step.ask[fits]);
    return Attempt(walk, step.ask[fits]);
  }

  // Hops of the present pass stand in the chain's order; whatever was passed has its hop, whatever was called one for
  // each call.
  void CheckHops(const Walk& walk) {
    ASSERT_EQ(walk.attempts(), called_);
    ASSERT_LE(walk.attempts(), options_.max_attempts);
    const Hops& hops = walk.hops();
    ASSERT_EQ(std::count_if(hops.begin(), hops.end(), [](const Hop& hop) { return hop.called; }), called_);
    std::vector<int> called(options_.candidates, 0);
    std::vector<int> skipped(options_.candidates, 0);
    uint32_t last = 0;
    for (size_t i = called_before_; i < hops.size(); ++i) {
      ASSERT_GE(hops[i].candidate, last);
      last = hops[i].candidate;
      ++(hops[i].called ? called : skipped)[last];
      ASSERT_EQ(skipped[last] > 0, !hops[i].called) << "a target is not called after it was passed over";
    }
    ASSERT_EQ(called, calls_);
    for (uint32_t i = 0; i < at_; ++i) {
      if (calls_[i] == 0) {
        ASSERT_EQ(skipped[i], 1) << i;
      } else {
        ASSERT_LE(skipped[i], refused_[i] ? 1 : 0) << i;
      }
    }
  }

  void CheckExhausted(const Walk& walk, const Walk::Step& step) {
    const bool timed_out = now_ >= options_.deadline;
    if (!timed_out && called_ < options_.max_attempts) {
      CheckPassed(options_.candidates);
      at_ = options_.candidates;
    }
    CheckHops(walk);
    const Hops& hops = walk.hops();
    const bool waits = std::any_of(hops.begin(), hops.end(), [](const Hop& hop) { return hop.waits; });
    const bool all_timed_out = !hops.empty() && std::all_of(hops.begin(), hops.end(), [](const Hop& hop) {
      return hop.outcome == Outcome::kTimeout;
    });
    ASSERT_EQ(step.status, timed_out ? 504 : waits ? 429 : all_timed_out ? 504 : 502);
    ASSERT_GE(step.retry_after, absl::ZeroDuration());
    ASSERT_LE(step.retry_after, absl::Seconds(30));
  }

  Random random_;
  Walk::Options options_;
  MonoTime now_ = MonoTime::FromNanos(1'000'000'000'000);
  MonoTime first_wait_;
  std::vector<GateView> views_;
  std::vector<GateView> alone_;
  uint32_t at_ = 0;  // the candidate that the walk must look at next
  uint32_t alone_until_ = 0;
  int called_ = 0;  // in all
  size_t called_before_ = 0;  // in earlier passes
  std::vector<int> calls_;  // of this pass
  std::vector<bool> refused_;  // the last call of this pass ended with a refused credential
  std::vector<bool> kept_;  // in any pass
};

TEST(WalkRandom, EndsInOrderAndLosesNoHopWhateverComes) {
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(seed);
    World(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace chain429
