// Windows against providers that count for themselves: whatever the window lets through, no provider may ever have
// counted more than its limit, with its clock and the network as far off as the guard allows.
#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "common/base/random.h"
#include "common/limits/window.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

// Requests that are granted, written a little later, and reported a little after that, in whatever order.
class Traffic {
 public:
  Traffic(const WindowSpec& spec, int64_t limit, uint64_t seed) : window_(spec, limit), limit_(limit), random_(seed) {}

  TurnedClock& clock() { return clock_; }
  Random& random() { return random_; }

  // Until the next one may go, if nothing else comes.
  absl::Duration UntilFree() {
    const absl::Duration wait = window_.UntilFreed(window_.Used(clock_.now) + held_ + 1 - limit_, clock_.now);
    return wait == absl::InfiniteDuration() ? absl::Milliseconds(1) : wait;
  }
  // Lets time pass, and lets as many of `wanted` through as fit. Calls sent(date on the monotonic clock, date on the
  // wall clock) for what is written meanwhile.
  template <typename Sent>
  void Step(absl::Duration pause, int wanted, Sent sent) {
    clock_.Turn(pause);
    Report(sent);
    for (int i = 0; i < wanted; ++i) {
      if (window_.Used(clock_.now) + held_ + 1 > limit_) return;
      ++held_;
      ++granted_;
      const absl::Duration until_sent =
          absl::Milliseconds(static_cast<int64_t>(random_.Below(4) == 0 ? random_.Below(1500) : random_.Below(3)));
      const absl::Duration until_reported = absl::Milliseconds(static_cast<int64_t>(random_.Below(300)));
      pending_.push_back(
          {clock_.mono() + until_sent, clock_.now.wall + until_sent, clock_.mono() + until_sent + until_reported});
    }
  }
  int64_t granted() const { return granted_; }

 private:
  struct Pending {
    MonoTime sent;
    absl::Time sent_wall;
    MonoTime reported;
  };
  template <typename Sent>
  void Report(Sent sent) {
    for (size_t i = 0; i < pending_.size();) {
      if (pending_[i].reported > clock_.mono()) {
        ++i;
        continue;
      }
      sent(pending_[i].sent, pending_[i].sent_wall);
      window_.Add(1, pending_[i].sent, clock_.now);
      --held_;
      pending_[i] = pending_.back();
      pending_.pop_back();
    }
  }

  TurnedClock clock_;
  Window window_;
  int64_t limit_;
  Random random_;
  std::vector<Pending> pending_;
  int64_t held_ = 0;
  int64_t granted_ = 0;
};

// The jitter of one request: often none, often the most that the guard allows.
absl::Duration JitterBelow(absl::Duration guard, Random& random) {
  switch (random.Below(3)) {
    case 0:
      return absl::ZeroDuration();
    case 1:
      return guard - absl::Nanoseconds(1);
    default:
      return guard * random.Uniform();
  }
}

TEST(WindowAgainstProvider, ASlidingWindowIsNeverOverrunInAnyIntervalOfItsLength) {
  struct Case {
    absl::Duration length;
    int64_t limit;
  };
  for (const Case& c :
       {Case{absl::Seconds(1), 5}, Case{absl::Seconds(10), 1}, Case{absl::Minutes(1), 1}, Case{absl::Minutes(1), 30},
        Case{absl::Minutes(1), 3000}, Case{absl::Hours(1), 200}, Case{absl::Hours(24), 1000}}) {
    const absl::Duration guard = std::min(kSlidingGuard, c.length / 10);
    Traffic traffic(Sliding(c.length), c.limit, static_cast<uint64_t>(c.limit));
    std::vector<MonoTime> seen;
    const absl::Duration mean = c.length / (2.0 * static_cast<double>(std::min<int64_t>(c.limit, 400)));
    const MonoTime start = traffic.clock().mono();
    while (traffic.clock().mono() - start < c.length * 12) {
      // Bursts, pauses, and as often somebody who comes at the very moment that something is free again.
      const uint64_t what = traffic.random().Below(400);
      const absl::Duration pause = what == 0    ? c.length * traffic.random().Uniform()
                                   : what < 200 ? traffic.UntilFree()
                                                : mean * 2 * traffic.random().Uniform();
      traffic.Step(pause, static_cast<int>(traffic.random().Below(20)),
                   [&](MonoTime sent, absl::Time) { seen.push_back(sent + JitterBelow(guard, traffic.random())); });
    }
    std::sort(seen.begin(), seen.end());
    for (size_t i = static_cast<size_t>(c.limit); i < seen.size(); ++i) {
      ASSERT_GT(seen[i] - seen[i - static_cast<size_t>(c.limit)], c.length) << c.length << " " << c.limit;
    }
    // And much of it is used, pauses and all: the greediest would get 12 windows' worth, and the one that is open.
    EXPECT_GT(traffic.granted(), c.limit * 6) << c.length << " " << c.limit;
  }
}

TEST(WindowAgainstProvider, AFixedWindowIsNeverOverrunOnClocksThatDiffer) {
  struct Case {
    WindowSpec spec;
    int64_t limit;
    int periods;
  };
  for (const Case& c : {Case{Fixed(absl::Minutes(1)), 20, 60}, Case{Fixed(absl::Hours(1), absl::Minutes(10)), 100, 60},
                        Case{Fixed(absl::Hours(24), absl::ZeroDuration(), "America/Los_Angeles"), 50, 40}}) {
    for (const double off : {-1.0, -0.3, 0.0, 0.7, 1.0}) {
      // The guard is for the clock's error and the network's jitter together.
      const absl::Duration jitter = absl::Milliseconds(200);
      const absl::Duration error = (kEdgeGuard - jitter) * off;
      Traffic traffic(c.spec, c.limit, 17);
      traffic.clock().now.wall = absl::FromUnixSeconds(1793000000);  // a week before the clocks change in 2026
      std::map<absl::Time, int64_t> counted;
      const absl::Time end = traffic.clock().now.wall + c.spec.length * c.periods;
      while (traffic.clock().now.wall < end) {
        // Nearly idle, but for the minute around the edges.
        const Period period = PeriodOf(c.spec, traffic.clock().now.wall + absl::Seconds(20));
        const bool near = traffic.clock().now.wall < period.start + absl::Seconds(20);
        const absl::Duration pause =
            near ? absl::Milliseconds(700)
                 : (period.end - absl::Seconds(20) - traffic.clock().now.wall) / 8 + absl::Seconds(1);
        traffic.Step(pause * traffic.random().Uniform(), static_cast<int>(traffic.random().Below(4)),
                     [&](MonoTime, absl::Time wall) {
                       ++counted[PeriodOf(c.spec, wall + error + JitterBelow(jitter, traffic.random())).start];
                     });
      }
      int64_t best = 0;
      for (const auto& [period, count] : counted) {
        ASSERT_LE(count, c.limit) << period << " " << off;
        best = std::max(best, count);
      }
      EXPECT_EQ(best, c.limit);
    }
  }
}

// A provider whose bucket holds `limit` units and refills evenly.
class BucketProvider {
 public:
  BucketProvider(absl::Duration length, double limit) : per_second_(limit / absl::ToDoubleSeconds(length)) {}
  // REQUIRES: dates rise. The level after it.
  double Take(MonoTime at, double amount) {
    if (at > last_) level_ = std::max(0.0, level_ - per_second_ * absl::ToDoubleSeconds(at - last_));
    last_ = std::max(last_, at);
    return level_ += amount;
  }

 private:
  double per_second_;
  double level_ = 0;
  MonoTime last_;
};

TEST(WindowAgainstProvider, ABucketIsNeverOverdrawn) {
  for (const int64_t limit : {1, 3, 60, 6000}) {
    Traffic traffic(Bucket(absl::Minutes(1)), limit, 23);
    std::vector<MonoTime> seen;
    const MonoTime start = traffic.clock().mono();
    while (traffic.clock().mono() - start < absl::Minutes(20)) {
      const uint64_t what = traffic.random().Below(100);
      const absl::Duration pause = what == 0   ? absl::Minutes(1) * traffic.random().Uniform()
                                   : what < 50 ? traffic.UntilFree()
                                               : absl::Milliseconds(400) * traffic.random().Uniform();
      const bool burst = traffic.random().Below(4) == 0;
      traffic.Step(pause, burst ? static_cast<int>(limit) : 1, [&](MonoTime sent, absl::Time) {
        seen.push_back(sent + JitterBelow(kSlidingGuard, traffic.random()));
      });
    }
    std::sort(seen.begin(), seen.end());
    BucketProvider provider(absl::Minutes(1), static_cast<double>(limit));
    for (const MonoTime at : seen) ASSERT_LE(provider.Take(at, 1), static_cast<double>(limit) + 1e-3) << limit;
    EXPECT_GT(traffic.granted(), limit * 12);
  }
}

// Charged high, settled late and low: what a bucket gives back must not be what has flowed back already.
TEST(WindowAgainstProvider, ABucketOfTokensIsNotOverdrawnByWhatLateSettlementsGiveBack) {
  struct Call {
    MonoTime at, settled;
    int64_t charged, actual;
  };
  constexpr int64_t kLimit = 10'000;
  Random random(31);
  TurnedClock clock;
  Window window(Bucket(absl::Minutes(1)), kLimit);
  std::deque<Call> open;
  std::vector<Call> calls;
  for (int i = 0; i < 60'000; ++i) {
    clock.Turn(absl::Milliseconds(static_cast<int64_t>(random.Below(random.Below(500) == 0 ? 60'000 : 200))));
    for (size_t j = 0; j < open.size();) {
      if (open[j].settled > clock.mono()) {
        ++j;
        continue;
      }
      window.Subtract(open[j].charged - open[j].actual, open[j].at, clock.now);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(j));
    }
    Call call;
    call.charged = 500 + static_cast<int64_t>(random.Below(3000));
    if (window.Used(clock.now) + call.charged > kLimit) continue;
    call.actual = static_cast<int64_t>(random.Below(static_cast<uint64_t>(call.charged) + 1));
    call.at = clock.mono();
    call.settled =
        clock.mono() + absl::Milliseconds(static_cast<int64_t>(random.Below(random.Below(3) == 0 ? 90'000 : 3000)));
    window.Add(call.charged, call.at, clock.now);
    open.push_back(call);
    calls.push_back(call);
  }
  // The provider knows the actual cost at once, which is the least that it can have counted.
  BucketProvider provider(absl::Minutes(1), kLimit);
  int64_t used = 0;
  for (const Call& call : calls) {
    ASSERT_LE(provider.Take(call.at, static_cast<double>(call.actual)), kLimit + 1e-3);
    used += call.actual;
  }
  EXPECT_GT(static_cast<double>(used) / absl::ToDoubleMinutes(calls.back().at - calls.front().at), 0.5 * kLimit);
}

}  // namespace
}  // namespace chain429
