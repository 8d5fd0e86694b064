#include "common/provider/rules.h"

#include <string>
#include <vector>

#include "common/provider/catalogue.h"
#include "common/provider/header_rules.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1795521600);  // 2026-11-24T12:00:00Z

std::unique_ptr<const ProviderRules> RulesOf(std::string_view kind) {
  static const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  EXPECT_TRUE(catalogue.ok()) << catalogue.status();
  absl::StatusOr<std::unique_ptr<const ProviderRules>> rules = ProviderRules::Compile(catalogue->Find(kind)->json);
  EXPECT_TRUE(rules.ok()) << rules.status();
  return *std::move(rules);
}

std::unique_ptr<const ProviderRules> NoRules() { return *ProviderRules::Compile(""); }

struct Judged {
  Verdict verdict;
  ReadingList readings;
};

Judged Classify(const ProviderRules& rules, int status, const std::vector<HeaderField>& headers,
                std::string_view body) {
  Judged judged;
  judged.verdict = rules.Classify(status, headers, body, kNow, judged.readings);
  return judged;
}

TEST(Rules, DefaultClassOfEveryStatus) {
  struct Case {
    int status;
    std::string body;
    ErrorClass error_class;
    Scope scope;
  };
  const std::string plain = R"({"error":{"message":"no"}})";
  const std::vector<Case> cases = {
      {400, plain, ErrorClass::kBadRequest, Scope::kRequest},
      {401, plain, ErrorClass::kAuth, Scope::kCredential},
      {402, plain, ErrorClass::kAuth, Scope::kCredential},
      {403, plain, ErrorClass::kAuth, Scope::kCredential},
      {404, plain, ErrorClass::kBadRequest, Scope::kRequest},
      {404, R"({"error":{"message":"The model `x` does not exist"}})", ErrorClass::kModelUnavailable, Scope::kTarget},
      {404, R"({"error":{"message":"no","code":"model_not_found"}})", ErrorClass::kModelUnavailable, Scope::kTarget},
      {408, plain, ErrorClass::kOverloaded, Scope::kTarget},
      {409, plain, ErrorClass::kOverloaded, Scope::kTarget},
      {410, plain, ErrorClass::kModelUnavailable, Scope::kTarget},
      {413, plain, ErrorClass::kContextTooLong, Scope::kRequest},
      {422, plain, ErrorClass::kBadRequest, Scope::kRequest},
      {425, plain, ErrorClass::kOverloaded, Scope::kTarget},
      {429, plain, ErrorClass::kRateLimited, Scope::kPool},
      {500, plain, ErrorClass::kOverloaded, Scope::kTarget},
      {502, "", ErrorClass::kOverloaded, Scope::kTarget},
      {529, plain, ErrorClass::kOverloaded, Scope::kTarget},
      {302, "", ErrorClass::kOverloaded, Scope::kTarget},
      {418, plain, ErrorClass::kBadRequest, Scope::kRequest},
  };
  for (const auto& rules : {NoRules(), RulesOf("openai")}) {
    for (const Case& c : cases) {
      const Judged judged = Classify(*rules, c.status, {}, c.body);
      EXPECT_EQ(judged.verdict.error_class, c.error_class) << c.status << " " << c.body;
      EXPECT_EQ(judged.verdict.scope, c.scope) << c.status << " " << c.body;
      EXPECT_FALSE(judged.verdict.authoritative);
    }
  }
}

TEST(Rules, RetryAfterMsBeatsRetryAfterBeatsTheBodyBeatsResets) {
  const auto rules = RulesOf("openai");
  const std::string body = R"({"error":{"message":"Please try again in 3.5s."}})";
  const HeaderField ms{"Retry-After-Ms", "1500"}, after{"Retry-After", "2"},
      remaining{"x-ratelimit-remaining-requests", "0"}, reset{"x-ratelimit-reset-requests", "7s"};
  EXPECT_EQ(Classify(*rules, 429, {reset, remaining, after, ms}, body).verdict.retry_after, absl::Milliseconds(1500));
  EXPECT_EQ(Classify(*rules, 429, {reset, remaining, after}, body).verdict.retry_after, absl::Seconds(2));
  EXPECT_EQ(Classify(*rules, 429, {reset, remaining}, body).verdict.retry_after, absl::Milliseconds(3500));
  EXPECT_EQ(Classify(*rules, 429, {reset, remaining}, "{}").verdict.retry_after, absl::Seconds(7));
  EXPECT_TRUE(Classify(*rules, 429, {reset, remaining}, "{}").verdict.authoritative);
  EXPECT_FALSE(Classify(*rules, 429, {reset, {"x-ratelimit-remaining-requests", "5"}}, "{}").verdict.authoritative);
}

TEST(Rules, ABadValueOfHigherRankDoesNotHideAGoodOneOfLowerRank) {
  const auto rules = RulesOf("openai");
  const Judged judged = Classify(*rules, 429, {{"retry-after-ms", "-1"}, {"retry-after", "soon"}},
                                 R"({"error":{"message":"retry in 4s"}})");
  EXPECT_EQ(judged.verdict.retry_after, absl::Seconds(4));
}

TEST(Rules, AnOverloadHonoursRetryAfterButNotQuotaResets) {
  const auto rules = RulesOf("openai");
  EXPECT_EQ(Classify(*rules, 503, {{"retry-after", "20"}}, "").verdict.retry_after, absl::Seconds(20));
  const Judged judged =
      Classify(*rules, 503, {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "7s"}}, "");
  EXPECT_FALSE(judged.verdict.authoritative);
  EXPECT_EQ(judged.readings.size(), 1u);
}

TEST(Rules, WaitsOfADayAndMoreAreCut) {
  const auto rules = RulesOf("openai");
  EXPECT_EQ(Classify(*rules, 429, {{"retry-after", "99999999999"}}, "").verdict.retry_after, absl::Hours(24));
  EXPECT_EQ(Classify(*rules, 429, {}, R"({"error":{"message":"try again in 156h14m36s"}})").verdict.retry_after,
            absl::Hours(24));
}

TEST(Rules, TheWaitMayStandInTheBodyOnly) {
  const auto rules = RulesOf("openai");
  EXPECT_EQ(Classify(*rules, 429, {}, R"({"error":{"message":"x"},"retry_after":2.5})").verdict.retry_after,
            absl::Milliseconds(2500));
  EXPECT_EQ(Classify(*rules, 429, {}, R"({"error":{"message":"x","retry_after_ms":250}})").verdict.retry_after,
            absl::Milliseconds(250));
  EXPECT_EQ(Classify(*rules, 429, {}, R"({"error":{"details":[{"a":1},{"retryDelay":"47s"}]}})").verdict.retry_after,
            absl::Seconds(47));
  EXPECT_EQ(Classify(*rules, 429, {}, "Too many requests. Please wait 55 seconds before retrying.").verdict.retry_after,
            absl::Seconds(55));
}

TEST(Rules, ZeroIsAWaitThatTheProviderStated) {
  const Judged judged = Classify(*RulesOf("openai"), 429, {{"retry-after", "0"}}, "");
  EXPECT_TRUE(judged.verdict.authoritative);
  EXPECT_EQ(judged.verdict.retry_after, absl::ZeroDuration());
}

TEST(Rules, ContextTooLongIsToldFromABadRequest) {
  const auto rules = RulesOf("openai");
  for (const std::string body : {R"({"error":{"message":"This model's maximum context length is 8192 tokens."}})",
                                 R"({"error":{"code":"context_length_exceeded"}})",
                                 R"({"object":"error","message":"maximum context length is 8192","code":400})",
                                 R"({"detail":[{"msg":"prompt is too long: 9 tokens"}]})"}) {
    for (const int status : {400, 413, 422})
      EXPECT_EQ(Classify(*rules, status, {}, body).verdict.error_class, ErrorClass::kContextTooLong) << status << body;
  }
  EXPECT_EQ(Classify(*rules, 400, {}, R"({"error":{"message":"max_tokens is too large"}})").verdict.error_class,
            ErrorClass::kBadRequest);
}

TEST(Rules, ARequestLargerThanTheLimitNeverFits) {
  const std::string body =
      R"({"error":{"message":"Request too large for m on tokens per min (TPM): Limit 10,000, Requested 12345.","code":"rate_limit_exceeded"}})";
  const Judged judged = Classify(*RulesOf("openai"), 429, {{"retry-after", "9"}}, body);
  EXPECT_EQ(judged.verdict.error_class, ErrorClass::kContextTooLong);
  EXPECT_FALSE(judged.verdict.authoritative);
  ASSERT_EQ(judged.readings.size(), 1u);
  EXPECT_EQ(judged.readings[0].limit, 10000);
  EXPECT_EQ(judged.readings[0].window, absl::Minutes(1));
  EXPECT_EQ(judged.readings[0].remaining, -1);
}

TEST(Rules, NoQuotaLeftIsToldFromARateLimit) {
  const Judged judged =
      Classify(*RulesOf("openai"), 429, {{"retry-after", "1"}},
               R"({"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}})");
  EXPECT_EQ(judged.verdict.error_class, ErrorClass::kQuotaExhausted);
  EXPECT_EQ(judged.verdict.scope, Scope::kCredential);
  EXPECT_FALSE(judged.verdict.authoritative);
}

TEST(Rules, ALimitOfZeroIsNoLimitToWaitFor) {
  const Judged judged = Classify(
      *RulesOf("openai"), 429,
      {{"x-ratelimit-limit-requests", "0"}, {"x-ratelimit-remaining-requests", "0"}, {"retry-after", "5"}}, "");
  EXPECT_EQ(judged.verdict.error_class, ErrorClass::kQuotaExhausted);
  EXPECT_FALSE(judged.verdict.authoritative);
}

TEST(Rules, AMessageIsFoundInEveryUsualPlace) {
  const auto rules = NoRules();
  for (const std::string body :
       {R"({"error":{"message":"it broke"}})", R"({"error":"it broke"})", R"({"message":"it broke"})",
        R"({"detail":"it broke"})", R"({"detail":[{"msg":"it broke"}]})", R"({"title":"it broke"})",
        R"({"errors":[{"message":"it broke"}]})", R"([{"error":{"message":"it broke"}}])", "it broke", R"("it broke")",
        R"({"message":{"detail":[{"msg":"it broke"}]}})", "  \n{\"error\":{\"message\":\"it broke\"}}  "}) {
    EXPECT_EQ(Classify(*rules, 500, {}, body).verdict.message, "it broke") << body;
  }
  for (const std::string body :
       {"", "<html>no</html>", "{", "[[[[", "{\"error\":", "null", "[]", "{}", "{\"error\":{}}"}) {
    const std::string message = Classify(*rules, 500, {}, body).verdict.message;
    EXPECT_TRUE(message.empty() || message == "null") << body << " " << message;
  }
}

TEST(Rules, HostileBodiesAreOnlyTexts) {
  const auto rules = RulesOf("openrouter");
  std::vector<std::string> bodies = {std::string(100000, '['),
                                     std::string(100000, '{'),
                                     std::string(1 << 20, 'a'),
                                     std::string(300, '\0'),
                                     "\xff\xfe\x80",
                                     "{\"error\":{\"message\":\"\xff\xff\"}}",
                                     "{\"error\":" + std::string(60000, '[') + std::string(60000, ']') + "}"};
  std::string wide = "{\"error\":{\"details\":[";
  for (int i = 0; i < 10000; ++i) wide += "{\"retryDelay\":\"1s\"},";
  bodies.push_back(wide + "{}]}}");
  for (const std::string& body : bodies) {
    EXPECT_EQ(Classify(*rules, 429, {}, body).verdict.error_class, ErrorClass::kRateLimited);
    ReadingList readings;
    rules->ClassifyEvent(body, true, kNow, readings);
  }
}

TEST(Rules, AnErrorInsideA200IsFoundInEveryShape) {
  const auto rules = RulesOf("groq");
  struct Case {
    std::string payload;
    ErrorClass error_class;
  };
  for (const Case& c : std::vector<Case>{
           {R"({"error":{"message":"The server had an error","type":"server_error"}})", ErrorClass::kOverloaded},
           {R"({"error":{"code":502,"message":"x"}})", ErrorClass::kOverloaded},
           {R"({"error":{"code":429,"message":"x"},"choices":[{"finish_reason":"error"}]})", ErrorClass::kRateLimited},
           {R"({"error":{"code":"401","message":"x"}})", ErrorClass::kAuth},
           {R"({"error":{"type":"rate_limit_error","message":"x"}})", ErrorClass::kRateLimited},
           {R"({"object":"error","message":"x","code":400})", ErrorClass::kRefusedHere},
           {R"({"type":"error","error":{"type":"overloaded_error","message":"x"}})", ErrorClass::kOverloaded},
           {R"({"choices":[],"x_groq":{"error":{"message":"x"}}})", ErrorClass::kOverloaded},
           {R"({"error":"it broke"})", ErrorClass::kOverloaded},
           {R"([{"error":{"code":503}}])", ErrorClass::kOverloaded},
           {R"({"error":{"type":"invalid_request_error","message":"bad"}})", ErrorClass::kRefusedHere},
           {R"({"error":{"code":"context_length_exceeded"}})", ErrorClass::kContextTooLong},
           {R"({"id":"x","choices":[{"delta":{}}]})", ErrorClass::kOk},
           {R"({"error":null,"choices":[]})", ErrorClass::kOk},
           {R"({"error":{},"choices":[]})", ErrorClass::kOk},
           {R"({"error":"","choices":[]})", ErrorClass::kOk},
           {R"({"choices":[],"x_groq":{"id":"a","error":null}})", ErrorClass::kOk},
           {"[DONE]", ErrorClass::kOk},
           {"", ErrorClass::kOk},
           {"not json", ErrorClass::kOk}}) {
    ReadingList readings;
    EXPECT_EQ(rules->ClassifyEvent(c.payload, false, kNow, readings).error_class, c.error_class) << c.payload;
  }
  ReadingList readings;
  EXPECT_EQ(rules->ClassifyEvent("not json", true, kNow, readings).error_class, ErrorClass::kOverloaded);
  EXPECT_EQ(rules->ClassifyEvent("", true, kNow, readings).error_class, ErrorClass::kOverloaded);
}

ReadingList Read(const ProviderRules& rules, const std::vector<HeaderField>& headers) {
  ReadingList readings;
  rules.ReadHeaders(headers, kNow, readings);
  return readings;
}

TEST(Rules, HeaderNamesMayHaveAnyCaseAndOthersAreNotConfusedWithThem) {
  const auto rules = RulesOf("groq");
  const ReadingList readings = Read(*rules, {{"X-RateLimit-Limit-Requests", "10"},
                                             {"X-RATELIMIT-REMAINING-REQUESTS", "9"},
                                             {"x_ratelimit_reset_requests", "1s"},
                                             {"x-ratelimit-limit-requestz", "77"},
                                             {"x", "1"},
                                             {"", "1"},
                                             {std::string_view("x-ratelimit-limit-token\0", 24), "5"},
                                             {"content-type", "application/json"}});
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].limit, 10);
  EXPECT_EQ(readings[0].remaining, 9);
  EXPECT_EQ(readings[0].reset_after, absl::InfiniteDuration());
}

TEST(Rules, UnreadableHeadersAreAbsentHeaders) {
  const auto rules = RulesOf("groq");
  for (const std::string_view bad : {"", "NaN", "-1", "unlimited", "1e", "0x5", "99999999999999999999", "1 2"}) {
    EXPECT_TRUE(Read(*rules, {{"x-ratelimit-limit-requests", bad},
                              {"x-ratelimit-remaining-requests", bad},
                              {"x-ratelimit-reset-requests", "1s"}})
                    .empty())
        << bad;
    const ReadingList readings = Read(*rules, {{"x-ratelimit-limit-requests", "5"},
                                               {"x-ratelimit-remaining-requests", bad},
                                               {"x-ratelimit-reset-requests", "1h-2m"}});
    ASSERT_EQ(readings.size(), 1u) << bad;
    EXPECT_EQ(readings[0].remaining, -1);
    EXPECT_EQ(readings[0].reset_after, absl::InfiniteDuration());
  }
}

TEST(Rules, ReadingDoesNotAllocateWhereThereIsRoom) {
  const auto rules = RulesOf("openai");
  ReadingList readings;
  readings.reserve(4);
  const Reading* const place = readings.data();
  rules->ReadHeaders(std::vector<HeaderField>{{"x-ratelimit-limit-requests", "5"}, {"x-ratelimit-limit-tokens", "50"}},
                     kNow, readings);
  EXPECT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings.data(), place);
}

TEST(Rules, IetfFieldsAreJoinedByPolicy) {
  const auto rules = RulesOf("openai");
  const ReadingList readings =
      Read(*rules,
           {{"RateLimit", R"("day";r=1200;t=40000, "burst";r=0;t=5)"},
            {"RateLimit-Policy", R"("burst";q=100;w=60, "day";q=5000;w=86400, "bytes";q=9;w=1;qu="content-bytes")"}});
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].limit, 5000);
  EXPECT_EQ(readings[0].remaining, 1200);
  EXPECT_EQ(readings[1].limit, 100);
  EXPECT_EQ(readings[1].reset_after, absl::Seconds(5));
  EXPECT_EQ(readings[1].window, absl::Minutes(1));
}

TEST(Rules, IetfFieldsOfOlderDraftsAndBrokenOnes) {
  const auto rules = RulesOf("openai");
  ReadingList readings =
      Read(*rules, {{"ratelimit", "limit=100, remaining=50, reset=30"}, {"ratelimit-policy", "100;w=60"}});
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].limit, 100);
  EXPECT_EQ(readings[0].remaining, 50);
  EXPECT_EQ(readings[0].window, absl::Minutes(1));
  EXPECT_EQ(readings[0].reset_after, absl::Seconds(30));
  for (const std::string_view bad : {"\"", ";;;,,,", "\"a;r=1", "a;r=-1", "r=", "\"a\";r=x;t=y", "=,=;=", "\\\"\\"}) {
    EXPECT_TRUE(Read(*rules, {{"ratelimit", bad}}).empty()) << bad;
  }
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "\"p\";r=1,";
  EXPECT_LE(Read(*rules, {{"ratelimit", many}}).size(), 8u);
}

TEST(HeaderRules, RefusesAHeaderThatTwoReadingsUse) {
  HeaderRules rules;
  HeaderReading reading;
  reading.limit = "x-limit-a";
  EXPECT_TRUE(rules.Add(reading).ok());
  EXPECT_FALSE(rules.Add(reading).ok());
  reading.limit = "short";
  EXPECT_FALSE(rules.Add(reading).ok());
}

TEST(Rules, EntriesThatAreNoneAreRefused) {
  EXPECT_FALSE(ProviderRules::Compile("[]").ok());
  EXPECT_FALSE(ProviderRules::Compile("{").ok());
  EXPECT_FALSE(ProviderRules::Compile(R"({"errors":[{"class":"auth"}]})").ok());
  EXPECT_FALSE(ProviderRules::Compile(R"({"errors":[{"when":{"status":429},"class":"nonsense"}]})").ok());
  EXPECT_FALSE(ProviderRules::Compile(R"({"errors":[{"when":{"stauts":429},"class":"auth"}]})").ok());
  EXPECT_FALSE(ProviderRules::Compile(R"({"headers":{"readings":[{"unit":"apples"}]}})").ok());
  EXPECT_FALSE(ProviderRules::Compile(R"({"body":{"wait_at":["a..b"]}})").ok());
}

TEST(Rules, DatesAreMeantByTheProvidersClock) {
  // It is an hour behind ours.
  const Judged judged =
      Classify(*NoRules(), 429,
               {{"date", "Tue, 24 Nov 2026 11:00:00 GMT"}, {"retry-after", "Tue, 24 Nov 2026 11:00:25 GMT"}}, "{}");
  EXPECT_TRUE(judged.verdict.authoritative);
  EXPECT_EQ(judged.verdict.retry_after, absl::Seconds(25));
}

TEST(Rules, AnAbsurdDateIsNoClock) {
  const Judged judged =
      Classify(*NoRules(), 429,
               {{"date", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"retry-after", "Tue, 24 Nov 2026 12:00:25 GMT"}}, "{}");
  EXPECT_EQ(judged.verdict.retry_after, absl::Seconds(25));
}

}  // namespace
}  // namespace chain429
