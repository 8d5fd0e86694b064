#include "common/limits/window_inference.h"

#include <string>
#include <vector>

#include "common/limits/window.h"
#include "gtest/gtest.h"
#include "tests/common/limits/turned_clock.h"

namespace chain429 {
namespace {

const absl::Duration kMinute = absl::Minutes(1), kDay = absl::Hours(24);

class WindowInferenceTest : public testing::Test {
 protected:
  // A request that was answered at once, and counted.
  bool Read(int64_t used, absl::Duration reset, absl::Duration length = kMinute, int64_t limit = 100) {
    clock_.Turn(absl::Seconds(1));
    own_.Add(1, clock_.mono(), clock_.now);
    return Hear(used, reset, length, limit);
  }
  bool Hear(int64_t used, absl::Duration reset, absl::Duration length = kMinute, int64_t limit = 100) {
    WindowReading reading;
    reading.at = clock_.mono();
    reading.answered = clock_.mono() + absl::Milliseconds(20);
    reading.limit = limit;
    reading.used = used;
    reading.reset = reset;
    return inference_.Observe(reading, length, own_.log(), clock_.now);
  }
  absl::Duration UntilMinute() const { return PeriodOf(Fixed(kMinute), clock_.now.wall).end - clock_.now.wall; }

  TurnedClock clock_;
  Window own_{Sliding(kMinute), 100};
  WindowInference inference_;
};

TEST_F(WindowInferenceTest, NothingSeenSlides) {
  EXPECT_EQ(inference_.held(), Sliding(kMinute));
  EXPECT_EQ(inference_.confidence(), 0);
}

TEST_F(WindowInferenceTest, ADayThatEndsAtAKnownMidnightIsHeldAfterAFewReadings) {
  for (const std::string zone : {"UTC", "America/Los_Angeles", "Asia/Tokyo"}) {
    inference_ = WindowInference();
    const WindowSpec day = Fixed(kDay, absl::ZeroDuration(), zone.c_str());
    int readings = 0;
    for (; readings < 20 && inference_.held().kind != WindowKind::kFixed; ++readings) {
      clock_.Turn(absl::Minutes(2));
      Read(readings + 1, PeriodOf(day, clock_.now.wall).end - clock_.now.wall - absl::Seconds(1), kDay);
    }
    EXPECT_EQ(inference_.held(), day) << zone;
    EXPECT_LE(readings, 6);
    EXPECT_GE(inference_.confidence(), WindowInference::kSureConfidence);
  }
}

TEST_F(WindowInferenceTest, AMinuteHasToBeSeenTwice) {
  clock_.Turn(absl::Seconds(15));
  for (int i = 1; i <= 20; ++i) Read(i, UntilMinute() - absl::Seconds(1));
  EXPECT_EQ(inference_.held().kind, WindowKind::kSliding);
  clock_.Turn(UntilMinute() + absl::Seconds(10));
  for (int i = 1; i <= 4; ++i) Read(i, UntilMinute() - absl::Seconds(1));
  EXPECT_EQ(inference_.held(), Fixed(kMinute));
}

TEST_F(WindowInferenceTest, TheFirstContradictionTakesItBack) {
  inference_.Restore(Fixed(kMinute));
  clock_.Turn(absl::Seconds(15));
  for (int i = 1; i <= 3; ++i) Read(i, UntilMinute() - absl::Seconds(1));
  EXPECT_EQ(inference_.held(), Fixed(kMinute));
  EXPECT_TRUE(Read(4, UntilMinute() + absl::Seconds(7)));
  EXPECT_EQ(inference_.held(), Sliding(kMinute));
  // And it takes far more to believe it again.
  clock_.Turn(UntilMinute() + absl::Seconds(10));
  for (int i = 1; i <= 8; ++i) Read(i, UntilMinute() - absl::Seconds(1));
  EXPECT_EQ(inference_.held(), Sliding(kMinute));
}

TEST_F(WindowInferenceTest, ARefusalThatOnlyASlidingWindowExplainsTakesItBack) {
  for (const WindowSpec& held : {Fixed(kMinute), Bucket(kMinute)}) {
    inference_.Restore(held);
    EXPECT_TRUE(inference_.Refuse());
    EXPECT_EQ(inference_.held(), Sliding(kMinute));
    EXPECT_FALSE(inference_.Refuse());
  }
}

TEST_F(WindowInferenceTest, ABucketIsToldByItsResets) {
  for (int i = 1; i <= 12; ++i) Read(i * 4, kMinute * 0.04 * i);
  EXPECT_EQ(inference_.held(), Bucket(kMinute));
  // A reset that is nothing like its use.
  EXPECT_TRUE(Read(60, absl::Seconds(3)));
  EXPECT_EQ(inference_.held(), Sliding(kMinute));
}

TEST_F(WindowInferenceTest, LateAndRepeatedReadingsChangeNothing) {
  const MonoTime first = clock_.mono();
  for (int i = 1; i <= 12; ++i) Read(i * 4, kMinute * 0.04 * i);
  const int confidence = inference_.confidence();
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(Hear(90, absl::Seconds(1)));
    WindowReading late;
    late.at = late.answered = first;
    late.limit = 100;
    late.used = 90;
    late.reset = absl::Seconds(1);
    EXPECT_FALSE(inference_.Observe(late, kMinute, own_.log(), clock_.now));
  }
  EXPECT_EQ(inference_.confidence(), confidence);
  EXPECT_EQ(inference_.held(), Bucket(kMinute));
}

TEST_F(WindowInferenceTest, ImpossibleResetsAndCountsSayNothing) {
  for (int i = 0; i < 200; ++i) {
    Read(i % 3 == 0 ? -5 : 1000, i % 2 == 0 ? -absl::Hours(1) : absl::Hours(1000));
    ASSERT_EQ(inference_.held(), Sliding(kMinute));
  }
  EXPECT_EQ(inference_.confidence(), 0);
}

TEST_F(WindowInferenceTest, AnotherLengthIsAnotherWindow) {
  inference_.Restore(Fixed(kMinute));
  EXPECT_TRUE(Read(1, absl::Minutes(30), absl::Hours(1)));
  EXPECT_EQ(inference_.held(), Sliding(absl::Hours(1)));
}

TEST(ClockWindowAt, KnowsTheEdgesThatPeopleKnow) {
  const auto at = [](const char* text) {
    absl::Time time;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
    return time;
  };
  const absl::Duration tolerance = absl::Seconds(2);
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T12:07:01Z"), kMinute, tolerance), Fixed(kMinute));
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T12:06:59Z"), kMinute, tolerance), Fixed(kMinute));
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T12:07:30Z"), kMinute, tolerance), std::nullopt);
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T12:00:00Z"), absl::Hours(1), tolerance), Fixed(absl::Hours(1)));
  const WindowSpec pacific = Fixed(kDay, absl::ZeroDuration(), "America/Los_Angeles");
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T08:00:00Z"), kDay, tolerance), pacific);
  EXPECT_EQ(ClockWindowAt(at("2026-07-24T07:00:00Z"), kDay, tolerance), pacific);  // summer time
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T12:34:56Z"), kDay, tolerance), std::nullopt);
  // Lengths that do not divide the day have no edges on the clock.
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T00:00:00Z"), absl::Seconds(7), tolerance), std::nullopt);
  EXPECT_EQ(ClockWindowAt(at("2026-11-24T00:00:00Z"), absl::Hours(48), tolerance), std::nullopt);
}

}  // namespace
}  // namespace chain429
