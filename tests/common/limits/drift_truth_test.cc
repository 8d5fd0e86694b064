// A provider that counts truly, a network that delays and reorders, and perhaps somebody else who uses the same key.
#include <algorithm>
#include <vector>

#include "common/base/random.h"
#include "common/limits/ledger.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

struct World {
  WindowSpec window;
  int64_t amount = 1'000'000;
  absl::Duration mean_pause = absl::Milliseconds(500);
  double outside = 0;       // requests of somebody else for each of ours
  Provenance provenance = Provenance::kStated;
};

class Truth {
 public:
  explicit Truth(const World& world, uint64_t seed) : world_(world), random_(seed) {
    ledger_.SetLimits(std::vector<Limit>{MakeLimit(Unit::kRequests, world.amount, world.window, world.provenance)},
                      clock_.now);
  }

  // Sends one request, and takes in the answers that have come.
  void Step() {
    clock_.Turn(world_.mean_pause * (2 * random_.Uniform()));
    if (random_.Below(400) == 0) clock_.Turn(world_.window.length * (random_.Uniform() / 4));
    TakeIn(clock_.mono());
    const MonoTime sent = clock_.mono();
    ledger_.SendUnreserved({1, 0, 0}, sent, clock_.now);
    const MonoTime arrives = sent + absl::Milliseconds(static_cast<int64_t>(random_.Below(150)));
    arrived_.push_back({arrives, true});
    if (world_.outside > 0 && random_.Uniform() < world_.outside)
      arrived_.push_back({sent - absl::Milliseconds(300), false});
    const absl::Duration answer =
        absl::Milliseconds(static_cast<int64_t>(200 + random_.Below(random_.Below(10) == 0 ? 40'000 : 4000)));
    answers_.push_back({sent, arrives, arrives + answer});
  }
  void Drain() {
    clock_.Turn(absl::Minutes(1));
    TakeIn(MonoTime::Max());
  }

  LimitView View() { return ledger_.View(clock_.now)[0]; }
  int64_t CountedNow() const { return Counted(clock_.mono()); }
  int64_t OutsideNow() const {
    return std::count_if(arrived_.begin(), arrived_.end(),
                         [&](const Arrival& a) { return !a.ours && InWindow(a.at, clock_.mono()); });
  }

 private:
  struct Arrival {
    MonoTime at;
    bool ours;
  };
  struct Answer {
    MonoTime sent, arrived, comes;
  };
  absl::Time Wall(MonoTime t) const { return clock_.now.wall - (clock_.mono() - t); }
  bool InWindow(MonoTime at, MonoTime when) const {
    if (at > when) return false;
    return world_.window.kind == WindowKind::kFixed ? PeriodOf(world_.window, Wall(when)).Contains(Wall(at))
                                                    : when - at < world_.window.length;
  }
  int64_t Counted(MonoTime when) const {
    return std::count_if(arrived_.begin(), arrived_.end(), [&](const Arrival& a) { return InWindow(a.at, when); });
  }
  void TakeIn(MonoTime until) {
    std::sort(answers_.begin(), answers_.end(), [](const Answer& a, const Answer& b) { return a.comes < b.comes; });
    size_t taken = 0;
    for (; taken < answers_.size() && answers_[taken].comes <= until; ++taken) {
      Ledger::Count count;
      count.length = world_.window.length;
      count.amount = world_.amount;
      count.reading = {answers_[taken].sent, Counted(answers_[taken].arrived), 1, 0, absl::InfiniteDuration()};
      ledger_.Observe(count, clock_.now);
      if (random_.Below(5) == 0) ledger_.Observe(count, clock_.now);
      ledger_.Abandon({1, 0, 0});
    }
    answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(taken));
  }

  World world_;
  Random random_;
  TurnedClock clock_;
  Ledger ledger_;
  std::vector<Arrival> arrived_;
  std::vector<Answer> answers_;
};

std::vector<World> Worlds() {
  std::vector<World> worlds;
  for (const WindowSpec& spec : {Sliding(absl::Minutes(1)), Sliding(absl::Hours(1)), Sliding(absl::Hours(24)),
                                 Fixed(absl::Minutes(1)), Fixed(absl::Hours(24))}) {
    World world;
    world.window = spec;
    worlds.push_back(world);
    world.mean_pause = absl::Milliseconds(40);
    worlds.push_back(world);
  }
  return worlds;
}

// The key of the whole: with nobody else on the key, no true reading, however late, invents outside use, and none makes
// us forget what the provider still counts.
TEST(DriftAgainstTruth, TrueReadingsInventNothingAndHideNothing) {
  for (const World& world : Worlds()) {
    Truth truth(world, 1);
    for (int i = 0; i < 600; ++i) {
      truth.Step();
      ASSERT_EQ(truth.View().outside, 0) << i << " " << world.window.length << " "
                                         << static_cast<int>(world.window.kind);
      ASSERT_GE(truth.View().used, truth.CountedNow()) << i << " " << world.window.length;
    }
    truth.Drain();
    EXPECT_EQ(truth.View().outside, 0);
  }
}

TEST(DriftAgainstTruth, OutsideUseIsSeenAndNotExaggerated) {
  for (const World& base : Worlds()) {
    World world = base;
    world.outside = 0.3;
    Truth truth(world, 3);
    for (int i = 0; i < 600; ++i) {
      truth.Step();
      // Of the minute that is passing, what is known may be up to a window old.
      if (world.window.length >= absl::Hours(1) && world.window.kind == WindowKind::kSliding) {
        ASSERT_LE(truth.View().outside, truth.OutsideNow() + 1) << i << " " << world.window.length;
      }
    }
    if (world.window.length == absl::Hours(24)) {
      EXPECT_GE(truth.View().outside, truth.OutsideNow() * 9 / 10 - 10);
    }
  }
}

}  // namespace
}  // namespace chain429
