#include "common/waterfall/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace chain429 {
namespace {

constexpr std::string_view kCount = "…+";

class Report : public testing::Test {
 protected:
  Hop& Add(std::string name, Outcome outcome) {
    names.push_back(std::move(name));
    Hop hop;
    hop.candidate = static_cast<uint32_t>(names.size() - 1);
    hop.outcome = outcome;
    hops.push_back(std::move(hop));
    return hops.back();
  }
  Hop& AddCalled(std::string name, Outcome outcome, int status, absl::Duration latency) {
    Hop& hop = Add(std::move(name), outcome);
    hop.called = true;
    hop.status = status;
    hop.latency = latency;
    return hop;
  }
  Hop& Opens(Hop& hop, absl::Duration in) const {
    hop.opens = now + in;
    return hop;
  }
  std::string_view NameOf(uint32_t candidate) const { return names[candidate]; }
  std::string Trail() const {
    std::string out;
    AppendTrail(out, hops, [this](uint32_t candidate) { return NameOf(candidate); }, now);
    return out;
  }
  std::string Message() const {
    return ExhaustionMessage(hops, "coding", [this](uint32_t candidate) { return NameOf(candidate); }, now);
  }
  std::string Attempts() const {
    return AttemptsJson(hops, [this](uint32_t candidate) { return NameOf(candidate); }, now);
  }

  std::vector<std::string> names;
  Hops hops;
  MonoTime now = MonoTime::FromNanos(7'000'000'000'000);
};

TEST_F(Report, TrailHasOneItemAHopWithWhatIsKnown) {
  Opens(AddCalled("groq/openai/gpt-oss-120b", Outcome::kRateLimited, 429, absl::Milliseconds(12)), absl::Seconds(42));
  Opens(Add("a/x", Outcome::kSkippedCooldown), absl::Milliseconds(1));
  Add("b/y", Outcome::kSkippedUnfit);
  AddCalled("c/z", Outcome::kConnect, 0, absl::Microseconds(900));
  AddCalled("d/m:free@1", Outcome::kOk, 200, absl::Milliseconds(310));
  EXPECT_EQ(Trail(),
            "groq/openai/gpt-oss-120b;o=rate_limited;s=429;ms=12;retry=42, a/x;o=skipped_cooldown;retry=1, "
            "b/y;o=skipped_unfit, c/z;o=connect;ms=0, d/m:free@1;o=ok;s=200;ms=310");
}

TEST_F(Report, TheMessageSaysWhyATargetCouldNotBeReached) {
  AddCalled("a/x", Outcome::kConnect, 0, absl::Milliseconds(1)).message = "certificate refused: it has expired";
  AddCalled("b/y", Outcome::kConnect, 0, absl::Milliseconds(1)).message = std::string(1000, 'z');
  AddCalled("c/z", Outcome::kConnect, 0, absl::Milliseconds(1));
  const std::string message = Message();
  EXPECT_NE(message.find("a/x connect: certificate refused: it has expired; b/y connect: zzz"), std::string::npos);
  EXPECT_TRUE(message.ends_with("; c/z connect.")) << message;
  EXPECT_LT(message.size(), 400u);
}

TEST_F(Report, TrailOfNothingIsEmpty) { EXPECT_EQ(Trail(), ""); }

TEST_F(Report, RetryIsInWholeSecondsRoundedUp) {
  const struct {
    absl::Duration opens_in;
    std::string retry;
  } cases[] = {{absl::Nanoseconds(1), "1"}, {absl::Seconds(1), "1"},  {absl::Milliseconds(1001), "2"},
               {absl::Seconds(59), "59"},   {absl::Hours(1), "3600"}, {-absl::Seconds(4), "1"}};
  for (const auto& c : cases) {
    hops.clear();
    names.clear();
    Opens(Add("a/m", Outcome::kSkippedQuota), c.opens_in);
    EXPECT_EQ(Trail(), "a/m;o=skipped_quota;retry=" + c.retry);
    EXPECT_EQ(Attempts(), R"([{"target":"a/m","outcome":"skipped_quota","retry_after_s":)" + c.retry + "}]");
  }
}

TEST_F(Report, WhatNobodyExpectsToOpenHasNoTime) {
  Add("a/m", Outcome::kSkippedCooldown).opens = MonoTime::Max();
  EXPECT_EQ(Trail(), "a/m;o=skipped_cooldown");
  EXPECT_EQ(Attempts(), R"([{"target":"a/m","outcome":"skipped_cooldown"}])");
  EXPECT_EQ(Message(), "None of the 1 target of \"coding\" can take a request now: a/m on cooldown.");
}

TEST_F(Report, TheTrailsSignsAreEscapedInNames) {
  const struct {
    std::string name;
    std::string shown;
  } cases[] = {
      {"p/a,b", "p/a%2Cb"},
      {"p/a;o=ok", "p/a%3Bo=ok"},
      {"p/100%", "p/100%25"},
      {"p/a b\tc", "p/a%20b%09c"},
      {"p/x\r\nset-cookie: a", "p/x%0D%0Aset-cookie:%20a"},
      {"p/é\x7F", "p/%C3%A9%7F"},
      {std::string("p/\0", 3), "p/%00"},
      {"p/[x]{y}\"z'", "p/[x]{y}\"z'"},
  };
  for (const auto& c : cases) {
    hops.clear();
    names.clear();
    Add(c.name, Outcome::kEmpty);
    EXPECT_EQ(Trail(), c.shown + ";o=empty");
  }
}

// Cuts at every item count and name length that lie near the bound.
TEST_F(Report, TrailStopsBeforeTwoKilobytesAndCountsTheRest) {
  for (size_t length = 20; length <= 220; length += 5) {
    hops.clear();
    names.clear();
    std::vector<std::string> items;
    for (size_t i = 0; i < 120; ++i) {
      const std::string name = "p/" + std::string(length - 2, 'm');
      Add(name, Outcome::kSkippedQuota);
      items.push_back(name + ";o=skipped_quota");
    }
    const std::string trail = Trail();
    ASSERT_LE(trail.size(), 2048u);
    const size_t count_at = trail.find(kCount);
    ASSERT_NE(count_at, std::string::npos);
    const size_t left_out = std::stoul(trail.substr(count_at + kCount.size()));
    std::string expected;
    for (size_t i = 0; i < items.size() - left_out; ++i) expected += items[i] + ", ";
    EXPECT_EQ(trail, expected + std::string(kCount) + std::to_string(left_out));
    EXPECT_GT(expected.size() + items[0].size() + 12, 2048u) << "no room is wasted";
  }
}

TEST_F(Report, ATrailThatJustFitsIsWhole) {
  for (size_t i = 0; i < 2; ++i)
    Add(std::string(1024 - std::string_view(";o=empty").size() - i * 2, 'm'), Outcome::kEmpty);
  EXPECT_EQ(Trail().size(), 2048u);
  EXPECT_EQ(Trail().find(kCount), std::string::npos);
}

TEST_F(Report, OneNameTooLongIsOnlyCounted) {
  Add(std::string(3000, 'm'), Outcome::kEmpty);
  EXPECT_EQ(Trail(), "…+1");
}

TEST_F(Report, TheBoundCountsFromWhereTheTrailBegins) {
  Add(std::string(2000, 'm'), Outcome::kEmpty);
  std::string out(1500, '-');
  AppendTrail(out, hops, [this](uint32_t candidate) { return NameOf(candidate); }, now);
  EXPECT_EQ(out.size(), 1500 + 2000 + std::string_view(";o=empty").size());
}

TEST_F(Report, MessageNamesEveryTargetAndWhy) {
  Opens(AddCalled("groq/m", Outcome::kRateLimited, 429, absl::Milliseconds(12)), absl::Milliseconds(41'200));
  Opens(Add("a/x", Outcome::kSkippedCooldown), absl::Minutes(3) + absl::Seconds(5));
  Add("b/y", Outcome::kSkippedQuota);
  AddCalled("c/z", Outcome::kTimeout, 0, absl::Seconds(3));
  AddCalled("d/w", Outcome::kEmpty, 200, absl::Seconds(3));
  EXPECT_EQ(Message(),
            "Tried 5 targets of \"coding\": groq/m 429, resets in 42 s; a/x on cooldown, resets in 3 min 5 s; "
            "b/y no quota left; c/z timeout; d/w 200 empty.");
}

TEST_F(Report, MessageOfAWalkThatCalledNobodySaysSo) {
  Opens(Add("a/x", Outcome::kSkippedCooldown), absl::Seconds(9));
  EXPECT_EQ(Message(), "None of the 1 target of \"coding\" can take a request now: a/x on cooldown, resets in 9 s.");
  Add("b/y", Outcome::kSkippedUnfit);
  EXPECT_EQ(Message(),
            "None of the 2 targets of \"coding\" can take a request now: a/x on cooldown, resets in 9 s; b/y "
            "skipped_unfit.");
}

TEST_F(Report, MessageWithoutATarget) { EXPECT_EQ(Message(), "No target of \"coding\" could be tried in time."); }

TEST_F(Report, MessageOfOneTarget) {
  AddCalled("a/x", Outcome::kOverloaded, 503, absl::Seconds(1));
  EXPECT_EQ(Message(), "Tried 1 target of \"coding\": a/x 503.");
}

TEST_F(Report, AttemptsAreOneObjectAHopWithWhatIsKnown) {
  Hop& limited =
      Opens(AddCalled("groq/m", Outcome::kRateLimited, 429, absl::Milliseconds(12)), absl::Milliseconds(41'200));
  limited.message = "Rate limit reached, \"try\" again\n";
  Add("a/x", Outcome::kSkippedUnfit);
  AddCalled("c/z", Outcome::kTimeout, 0, absl::Seconds(3));
  EXPECT_EQ(Attempts(),
            R"([{"target":"groq/m","outcome":"rate_limited","status":429,"retry_after_s":42,"latency_ms":12,)"
            R"("message":"Rate limit reached, \"try\" again\n"},{"target":"a/x","outcome":"skipped_unfit"},)"
            R"({"target":"c/z","outcome":"timeout","latency_ms":3000}])");
}

TEST_F(Report, NoAttemptsAreAnEmptyArray) { EXPECT_EQ(Attempts(), "[]"); }

TEST_F(Report, AttemptsAreJsonWhateverNamesAndMessagesHold) {
  const std::string odd[] = {"\"\\\n\r\t\b", std::string("\0\x01\x1F\x7F", 4), "\xFF\xC3", "é日😀", "</script>"};
  for (const std::string& text : odd) AddCalled("p/" + text, Outcome::kError, 500, absl::Seconds(1)).message = text;
  const auto parsed = nlohmann::json::parse(Attempts(), nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(parsed.is_array());
  ASSERT_EQ(parsed.size(), std::size(odd));
  EXPECT_EQ(parsed[1]["message"], odd[1]);
  EXPECT_EQ(parsed[2]["message"], "\uFFFD\uFFFD");
  EXPECT_EQ(parsed[3]["target"], "p/é日😀");
}

TEST_F(Report, AMessageIsCutAtThreeHundredBytesBetweenCharacters) {
  for (const std::string unit : {"x", "é", "日", "😀", "\"", "\n"}) {
    hops.clear();
    names.clear();
    std::string text;
    while (text.size() < 1000) text += unit;
    AddCalled("p/m", Outcome::kError, 500, absl::Seconds(1)).message = text;
    const auto parsed = nlohmann::json::parse(Attempts(), nullptr, /*allow_exceptions=*/false);
    ASSERT_FALSE(parsed.is_discarded());
    const std::string shown = parsed[0]["message"];
    EXPECT_LE(shown.size(), 300u);
    EXPECT_GT(shown.size(), 290u);
    EXPECT_TRUE(shown.ends_with("…"));
    EXPECT_EQ(shown.substr(0, shown.size() - 3), text.substr(0, shown.size() - 3));
  }
}

TEST_F(Report, AnAnswersHeadHasChainTargetAttemptsAndTrail) {
  AddCalled("a/m", Outcome::kOverloaded, 503, absl::Milliseconds(4));
  AddCalled("b/m x", Outcome::kOk, 200, absl::Milliseconds(7));
  const auto name_of = [this](uint32_t candidate) { return NameOf(candidate); };
  std::string out = "HTTP/1.1 200 OK\r\n";
  AppendChainHead(out, "coding", hops, 1, 2, name_of, now);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nx-429chain-chain: coding\r\nx-429chain-target: b/m%20x\r\nx-429chain-attempts: 2\r\n"
            "x-429chain-trail: a/m;o=overloaded;s=503;ms=4, b/m%20x;o=ok;s=200;ms=7\r\n");
}

TEST_F(Report, AnAnswersHeadNamesNoTargetWhereNoneAnswered) {
  Add("a/m", Outcome::kSkippedQuota);
  std::string out;
  AppendChainHead(out, "p/x\r\ny: z", hops, -1, 0, [this](uint32_t candidate) { return NameOf(candidate); }, now);
  EXPECT_EQ(out,
            "x-429chain-chain: p/x%0D%0Ay:%20z\r\nx-429chain-attempts: 0\r\n"
            "x-429chain-trail: a/m;o=skipped_quota\r\n");
}

}  // namespace
}  // namespace chain429
