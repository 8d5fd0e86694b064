#include "common/provider/prose.h"

#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Prose, FindsTheWait) {
  EXPECT_EQ(FindDelay("Please try again in 3.5s"), absl::Milliseconds(3500));
  EXPECT_EQ(FindDelay("Please try again in 2m59.56s. Need more tokens?"), absl::Seconds(179) + absl::Milliseconds(560));
  EXPECT_EQ(FindDelay("Please retry in 5.237548564s."), absl::Seconds(5) + absl::Nanoseconds(237548564));
  EXPECT_EQ(FindDelay("Please retry after 2 seconds."), absl::Seconds(2));
  EXPECT_EQ(FindDelay("Rate limit exceeded. Retry after 1 seconds."), absl::Seconds(1));
  EXPECT_EQ(FindDelay("Please wait 55 seconds before retrying."), absl::Seconds(55));
  EXPECT_EQ(FindDelay("You can try again in 7 minutes"), absl::Minutes(7));
  EXPECT_EQ(FindDelay("quota will reset after 156h14m36s"), absl::Seconds(562476));
  EXPECT_EQ(FindDelay("Try again in 1 hour and 5 minutes."), absl::Minutes(65));
  EXPECT_EQ(FindDelay("TRY AGAIN IN 20MS"), absl::Milliseconds(20));
  EXPECT_EQ(FindDelay("please wait for about 10 sec"), absl::Seconds(10));
  EXPECT_EQ(FindDelay("try again in 99999999999999999999 days"), absl::Hours(24 * 36500));
}

TEST(Prose, WhatIsNoWaitIsNotTakenForOne) {
  for (const std::string text :
       {"", "Please try again later.", "try again in -5s", "try again in 5", "try again in soon",
        "You made 100 requests in 60 seconds", "limits reset every 24 hours", "retry after", "try again in 5 apples",
        "Error in 3s of audio", "wait"}) {
    EXPECT_EQ(FindDelay(text), std::nullopt) << text;
  }
}

TEST(Prose, FindsLimitsWithTheirUse) {
  const auto limits = FindLimits(
      "Rate limit reached for model `a` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try "
      "again in 9m38s.");
  ASSERT_EQ(limits.size(), 1u);
  EXPECT_EQ(limits[0].unit, Unit::kTokens);
  EXPECT_EQ(limits[0].window, absl::Hours(24));
  EXPECT_EQ(limits[0].limit, 100000);
  EXPECT_EQ(limits[0].used, 97050);
  EXPECT_EQ(limits[0].requested, 3619);
}

TEST(Prose, FindsLimitsInOtherWords) {
  struct Case {
    std::string text;
    Unit unit;
    absl::Duration window;
    int64_t limit;
  };
  for (const Case& c : std::vector<Case>{
           {"on requests per min. Limit: 3 / min. Please try again in 20s.", Unit::kRequests, absl::Minutes(1), 3},
           {"on requests per minute (RPM): Limit 30, Used 30, Requested 1", Unit::kRequests, absl::Minutes(1), 30},
           {"limited to 50 requests per minute", Unit::kRequests, absl::Minutes(1), 50},
           {"would exceed the rate limit of 30,000 input tokens per minute", Unit::kInputTokens, absl::Minutes(1),
            30000},
           {"limited to 20 API calls / minute", Unit::kRequests, absl::Minutes(1), 20},
           {"Rate limit of 15 per 60s exceeded", Unit::kRequests, absl::Minutes(1), 15},
           {"Rate limit of 5 per 0s exceeded", Unit::kConcurrency, absl::ZeroDuration(), 5},
           {"you may make 1000 calls per month", Unit::kRequests, absl::Hours(720), 1000}}) {
    const auto limits = FindLimits(c.text);
    ASSERT_EQ(limits.size(), 1u) << c.text;
    EXPECT_EQ(limits[0].unit, c.unit) << c.text;
    EXPECT_EQ(limits[0].window, c.window) << c.text;
    EXPECT_EQ(limits[0].limit, c.limit) << c.text;
  }
}

TEST(Prose, FindsNoLimitsWhereThereAreNone) {
  for (const std::string text : {"", "limit", "Limit 5", "limit: -3", "version 3 requests", "gpt-4 requests per minute",
                                 "1.5 requests per minute", "(TPM)", "Limit (TPM) x"}) {
    EXPECT_TRUE(FindLimits(text).empty()) << text;
  }
  EXPECT_LE(FindLimits([] {
              std::string many;
              for (int i = 0; i < 1000; ++i) many += "1 request per minute. ";
              return many;
            }())
                .size(),
            8u);
}

}  // namespace
}  // namespace chain429
