// The formats, compared with recorded headers and bodies of the providers.
#include "tests/sim/styles.h"

#include <map>

#include "gtest/gtest.h"
#include "tests/sim/document.h"
#include "tests/sim/duration_text.h"

namespace chain429::sim {
namespace {

using Map = std::map<std::string, std::string>;

const absl::Time kNow = absl::FromUnixSeconds(1'795'521'600);  // 2026-11-24T12:00:00Z

Map AsMap(const std::vector<Header>& headers) { return Map(headers.begin(), headers.end()); }

LimitReading Reading(LimitName name, int64_t limit, int64_t remaining, absl::Duration reset) {
  return {name, limit, limit - remaining, remaining, UsualLength(name), reset};
}

Refusal Full(LimitName name, int64_t limit, int64_t used, int64_t requested, absl::Duration wait) {
  return {name, limit, used, requested, UsualLength(name), wait, wait};
}

Map HeadersOf(Style style, std::vector<LimitReading> readings, std::optional<Refusal> refusal = std::nullopt) {
  LimitView view;
  view.readings = std::move(readings);
  view.refusal = std::move(refusal);
  view.now = kNow;
  return AsMap(LimitHeaders(style, view));
}

Json BodyOf(Style style, const Refusal& refusal, const std::string& model) {
  return Json::parse(RefusalAnswer(style, refusal, model, kNow).body);
}

TEST(SimDurations, AreSpelledAsGoDoes) {
  EXPECT_EQ(GoDuration(absl::Minutes(6)), "6m0s");
  EXPECT_EQ(GoDuration(absl::Milliseconds(12)), "12ms");
  EXPECT_EQ(GoDuration(absl::Milliseconds(8'640)), "8.64s");
  EXPECT_EQ(GoDuration(absl::Milliseconds(179'560)), "2m59.56s");
  EXPECT_EQ(GoDuration(absl::Milliseconds(578'016)), "9m38.016s");
  EXPECT_EQ(GoDuration(absl::Milliseconds(86'400)), "1m26.4s");
  EXPECT_EQ(GoDuration(absl::Hours(24)), "24h0m0s");
  EXPECT_EQ(GoDuration(absl::Nanoseconds(1)), "1ms");
  EXPECT_EQ(GoDuration(absl::ZeroDuration()), "0s");
}

TEST(SimDurations, AreReadWithAUnitOnly) {
  EXPECT_EQ(ParseDuration("1m30s"), absl::Seconds(90));
  EXPECT_EQ(ParseDuration("0s"), absl::ZeroDuration());
  for (const char* bad : {"", "0", "5", "-3s", "inf", "3 s", "3x"}) EXPECT_FALSE(ParseDuration(bad)) << bad;
}

TEST(SimStyles, OpenAiShowsRequestsAndTokensUntilFull) {
  Map expected = {{"x-ratelimit-limit-requests", "60"},       {"x-ratelimit-remaining-requests", "59"},
                  {"x-ratelimit-reset-requests", "1s"},       {"x-ratelimit-limit-tokens", "150000"},
                  {"x-ratelimit-remaining-tokens", "149984"}, {"x-ratelimit-reset-tokens", "6m0s"}};
  EXPECT_EQ(HeadersOf(Style::kOpenAi, {Reading(LimitName::kRpm, 60, 59, absl::Seconds(1)),
                                       Reading(LimitName::kTpm, 150'000, 149'984, absl::Minutes(6))}),
            expected);
}

TEST(SimStyles, OpenAiRefusesInItsWords) {
  Refusal refusal = Full(LimitName::kTpm, 30'000, 29'900, 700, absl::Milliseconds(1'200));
  EXPECT_EQ(BodyOf(Style::kOpenAi, refusal, "gpt-4.1")["error"]["message"],
            "Rate limit reached for gpt-4.1 in organization org-sim on tokens per min (TPM): Limit 30000, Used 29900, "
            "Requested 700. Please try again in 1.2s.");
  Map expected = {{"retry-after", "2"}, {"retry-after-ms", "1200"}};
  EXPECT_EQ(AsMap(RetryHeaders(Style::kOpenAi, RetryAfter::kStyle, refusal, kNow)), expected);
}

TEST(SimStyles, GroqShowsTheDaysRequestsAndTheMinutesTokens) {
  Map expected = {{"x-ratelimit-limit-requests", "14400"},    {"x-ratelimit-remaining-requests", "14370"},
                  {"x-ratelimit-reset-requests", "2m59.56s"}, {"x-ratelimit-limit-tokens", "18000"},
                  {"x-ratelimit-remaining-tokens", "17997"},  {"x-ratelimit-reset-tokens", "7.66s"}};
  EXPECT_EQ(HeadersOf(Style::kGroq, {Reading(LimitName::kRpm, 30, 29, absl::Seconds(2)),
                                     Reading(LimitName::kRpd, 14'400, 14'370, absl::Milliseconds(179'560)),
                                     Reading(LimitName::kTpm, 18'000, 17'997, absl::Milliseconds(7'660))}),
            expected);
}

TEST(SimStyles, GroqRefusesInItsWords) {
  Refusal refusal = Full(LimitName::kTpd, 100'000, 97'050, 3'619, absl::Milliseconds(578'016));
  Json expected = {{"error",
                    {{"message",
                      "Rate limit reached for model `openai/gpt-oss-120b` in organization `org_sim` service tier "
                      "`on_demand` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again "
                      "in 9m38.016s. Need more tokens? Upgrade to Dev Tier today at "
                      "https://console.groq.com/settings/billing"},
                     {"type", "tokens"},
                     {"code", "rate_limit_exceeded"}}}};
  EXPECT_EQ(BodyOf(Style::kGroq, refusal, "openai/gpt-oss-120b"), expected);
  EXPECT_EQ(AsMap(RetryHeaders(Style::kGroq, RetryAfter::kStyle, refusal, kNow)), (Map{{"retry-after", "579"}}));
}

TEST(SimStyles, GroqSays413WhenARequestCanNeverFit) {
  Refusal refusal = Full(LimitName::kTpm, 6'000, 0, 6'791, absl::InfiniteDuration());
  refusal.until_reset = absl::Seconds(9);
  EXPECT_EQ(RefusalAnswer(Style::kGroq, refusal, "m", kNow).status, 413);
  EXPECT_EQ(AsMap(RetryHeaders(Style::kGroq, RetryAfter::kStyle, refusal, kNow)), (Map{{"retry-after", "9"}}));
}

TEST(SimStyles, CerebrasNamesEveryWindow) {
  Map expected = {
      {"x-ratelimit-limit-requests-minute", "5"},       {"x-ratelimit-remaining-requests-minute", "4"},
      {"x-ratelimit-limit-requests-day", "2400"},       {"x-ratelimit-remaining-requests-day", "2399"},
      {"x-ratelimit-reset-requests-day", "33011.5"},    {"x-ratelimit-limit-tokens-minute", "30000"},
      {"x-ratelimit-remaining-tokens-minute", "13616"}, {"x-ratelimit-reset-tokens-minute", "11.382867097"}};
  std::vector<LimitReading> readings = {Reading(LimitName::kRpm, 5, 4, absl::Seconds(12)),
                                        Reading(LimitName::kRpd, 2'400, 2'399, absl::Seconds(33'011.5)),
                                        Reading(LimitName::kTpm, 30'000, 13'616, absl::Nanoseconds(11'382'867'097))};
  EXPECT_EQ(HeadersOf(Style::kCerebras, readings), expected);
  EXPECT_EQ(HeadersOf(Style::kCerebras, readings, Full(LimitName::kRpm, 5, 5, 1, absl::Seconds(12))), Map{});
}

TEST(SimStyles, CerebrasTellsQuotaFromQueue) {
  Refusal quota = Full(LimitName::kRpm, 5, 5, 1, absl::Milliseconds(56'500));
  Json body = BodyOf(Style::kCerebras, quota, "m");
  EXPECT_EQ(body["type"], "too_many_requests_error");
  EXPECT_EQ(body["param"], "quota");
  EXPECT_EQ(body["code"], "request_quota_exceeded");
  EXPECT_EQ(AsMap(RetryHeaders(Style::kCerebras, RetryAfter::kStyle, quota, kNow)), (Map{{"retry-after", "57"}}));
  Refusal queue = Full(LimitName::kConcurrency, 1, 1, 1, absl::ZeroDuration());
  EXPECT_EQ(BodyOf(Style::kCerebras, queue, "m")["code"], "queue_exceeded");
  EXPECT_EQ(AsMap(RetryHeaders(Style::kCerebras, RetryAfter::kStyle, queue, kNow)), (Map{{"x-should-retry", "false"}}));
}

TEST(SimStyles, OpenRouterTellsOnlyOnA429) {
  std::vector<LimitReading> readings = {Reading(LimitName::kRpd, 50, 0, absl::Hours(12))};
  EXPECT_EQ(HeadersOf(Style::kOpenRouter, readings), Map{});
  Refusal refusal = Full(LimitName::kRpd, 50, 50, 1, absl::Hours(12));
  Map expected = {{"x-ratelimit-limit", "50"}, {"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1795564800000"}};
  EXPECT_EQ(HeadersOf(Style::kOpenRouter, readings, refusal), expected);
  Json metadata = BodyOf(Style::kOpenRouter, refusal, "m")["error"]["metadata"];
  EXPECT_EQ(metadata["headers"]["X-RateLimit-Reset"], "1795564800000");
  EXPECT_EQ(metadata["limit_source"], "openrouter_free_tier_daily");
}

TEST(SimStyles, GeminiTellsInAnArray) {
  Json body = BodyOf(Style::kGemini, Full(LimitName::kRpd, 20, 20, 1, absl::Hours(20)), "gemini-3.5-flash");
  ASSERT_TRUE(body.is_array());
  Json details = body[0]["error"]["details"];
  EXPECT_EQ(details[0]["violations"][0]["quotaId"], "GenerateRequestsPerDayPerProjectPerModel-FreeTier");
  EXPECT_EQ(details[2]["retryDelay"], "20s");
}

TEST(SimStyles, RetryAfterCanBeSpelledOtherwise) {
  Refusal refusal = Full(LimitName::kRpm, 30, 30, 1, absl::Milliseconds(90'500));
  auto spelled = [&](RetryAfter how) { return AsMap(RetryHeaders(Style::kNone, how, refusal, kNow)); };
  EXPECT_EQ(spelled(RetryAfter::kNone), Map{});
  EXPECT_EQ(spelled(RetryAfter::kStyle), Map{});
  EXPECT_EQ(spelled(RetryAfter::kSeconds), (Map{{"retry-after", "91"}}));
  EXPECT_EQ(spelled(RetryAfter::kFloat), (Map{{"retry-after", "90.5"}}));
  EXPECT_EQ(spelled(RetryAfter::kMillis), (Map{{"retry-after", "91"}, {"retry-after-ms", "90500"}}));
  EXPECT_EQ(spelled(RetryAfter::kDate), (Map{{"retry-after", "Tue, 24 Nov 2026 12:01:31 GMT"}}));
}

TEST(SimStyles, OthersHaveTheirNames) {
  std::vector<LimitReading> minute = {Reading(LimitName::kRpm, 20, 19, absl::Seconds(30))};
  EXPECT_EQ(HeadersOf(Style::kIetf, minute),
            (Map{{"ratelimit", "\"rpm\";r=19;t=30"}, {"ratelimit-policy", "\"rpm\";q=20;w=60"}}));
  EXPECT_EQ(HeadersOf(Style::kIetfOld, minute),
            (Map{{"ratelimit-limit", "20, 20;w=60"}, {"ratelimit-remaining", "19"}, {"ratelimit-reset", "30"}}));
  EXPECT_EQ(HeadersOf(Style::kGeneric, minute),
            (Map{{"x-ratelimit-limit", "20"}, {"x-ratelimit-remaining", "19"}, {"x-ratelimit-reset", "1795521630"}}));
  EXPECT_EQ(HeadersOf(Style::kCohere, minute),
            (Map{{"x-trial-endpoint-call-limit", "20"}, {"x-trial-endpoint-call-remaining", "19"}}));
  EXPECT_EQ(HeadersOf(Style::kAnthropic, minute),
            (Map{{"anthropic-ratelimit-requests-limit", "20"},
                 {"anthropic-ratelimit-requests-remaining", "19"},
                 {"anthropic-ratelimit-requests-reset", "2026-11-24T12:00:30Z"}}));
  EXPECT_EQ(HeadersOf(Style::kNvidia, minute), Map{});
}

}  // namespace
}  // namespace chain429::sim
