#include "controlplane/ctl/up/traffic_story.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

TrafficResult Answered(const std::string& target, const std::string& trail) { return {200, target, trail, ""}; }

TEST(TrafficStory, TellsWhenAnotherTargetBeginsToAnswerAndWhy) {
  TrafficStory story;
  EXPECT_EQ(story.Tell(Answered("groq/m", "groq/m;o=ok;s=200;ms=120")), "groq/m answers now");
  EXPECT_EQ(story.Tell(Answered("groq/m", "groq/m;o=ok;s=200;ms=99")), std::nullopt);
  EXPECT_EQ(story.Tell(Answered("cerebras/n", "groq/m;o=skipped_quota;retry=42, cerebras/n;o=ok;s=200;ms=80")),
            "cerebras/n answers now: groq/m is used up, free in 42 s");
  EXPECT_EQ(story.Tell(Answered("cerebras/n", "groq/m;o=skipped_quota;retry=40, cerebras/n;o=ok;s=200;ms=80")),
            std::nullopt);
  EXPECT_EQ(story.Tell(Answered("router/o",
                                "groq/m;o=skipped_cooldown;retry=3, cerebras/n;o=rate_limited;s=429, router/o;o=ok")),
            "router/o answers now: groq/m is cooling down, free in 3 s; cerebras/n ended in rate_limited");
}

TEST(TrafficStory, TellsAFailureOnceUntilItChanges) {
  TrafficStory story;
  EXPECT_EQ(story.Tell({429, "", "groq/m;o=skipped_quota;retry=9", ""}),
            "answered with 429: groq/m is used up, free in 9 s");
  EXPECT_EQ(story.Tell({429, "", "groq/m;o=skipped_quota;retry=8", ""}), std::nullopt);
  EXPECT_EQ(story.Tell({0, "", "", "connection refused"}), "no answer: connection refused");
  EXPECT_EQ(story.Tell({0, "", "", "connection refused"}), std::nullopt);
  EXPECT_EQ(story.Tell(Answered("groq/m", "groq/m;o=ok")), "groq/m answers now");
}

TEST(TrafficStory, CountsCallsThatWereAvoided) {
  TrafficStory story;
  EXPECT_EQ(story.Summary(), "0 requests, 0 answered, 0 calls avoided");
  story.Tell(Answered("c/n", "a/m;o=skipped_quota, b/m;o=skipped_cooldown, c/n;o=ok"));
  story.Tell({502, "", "a/m;o=skipped_health, b/m;o=error;s=500", ""});
  story.Tell({0, "", "", "gone"});
  EXPECT_EQ(story.Summary(), "3 requests, 1 answered, 3 calls avoided");
}

TEST(TrafficStory, TakesATrailOfAnyKind) {
  TrafficStory story;
  for (const std::string trail :
       {"", ",", ", ", ";", ";;;", "a", "a;o=", "a;o=ok;retry=", "…+12", "\x1b[2J;o=error", "o=ok"}) {
    const auto line = story.Tell({500, "", trail, ""});
    EXPECT_EQ(line.value_or("").find('\x1b'), std::string::npos);
    story.Tell(Answered("t", ""));
  }
}

}  // namespace
}  // namespace chain429
