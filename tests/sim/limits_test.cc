#include "tests/sim/limits.h"

#include "gtest/gtest.h"
#include "tests/sim/scenario.h"

namespace chain429::sim {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'795'521'600);

std::vector<LimitSetSpec> Sets(const std::string& yaml) {
  absl::StatusOr<Document> document = ParseYaml(yaml, "limits");
  EXPECT_TRUE(document.ok()) << document.status();
  Problems problems(*document);
  std::vector<LimitSetSpec> sets = ReadLimitSets(document->root, "", &problems);
  EXPECT_TRUE(problems.status().ok()) << problems.status();
  return sets;
}

TEST(SimAccountLimits, RefusesWithTheLimitThatTakesLongest) {
  AccountLimits limits(Sets("{rpm: 1, rpd: 1, concurrency: 5}"));
  Admission admission;
  EXPECT_FALSE(limits.Admit(kStart, "m", {10, {}}, &admission));
  std::optional<Refusal> refusal = limits.Admit(kStart + absl::Seconds(1), "m", {10, {}}, &admission);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->name, LimitName::kRpd);
  EXPECT_EQ(refusal->wait, absl::Hours(24) - absl::Seconds(1));
}

TEST(SimAccountLimits, RefusedRequestsCountOnlyIfTold) {
  for (bool counted : {false, true}) {
    AccountLimits limits(Sets(counted ? "{rpm: 2, count_refused: true}" : "{rpm: 2}"));
    Admission admission;
    for (int i = 0; i < 5; ++i) limits.Admit(kStart, "m", {}, &admission);
    EXPECT_EQ(limits.Readings(kStart, "m")[0].used, counted ? 5 : 2);
  }
}

TEST(SimAccountLimits, ScopeModelKeepsModelsApart) {
  AccountLimits limits(Sets("{rpm: 1, scope: model}"));
  Admission admission;
  EXPECT_FALSE(limits.Admit(kStart, "a", {}, &admission));
  EXPECT_FALSE(limits.Admit(kStart, "b", {}, &admission));
  EXPECT_TRUE(limits.Admit(kStart, "a", {}, &admission));
}

TEST(SimAccountLimits, ANarrowerSetHoldsToo) {
  AccountLimits limits(Sets("[{rpm: 5}, {model: big, rpm: 2}]"));
  Admission admission;
  EXPECT_FALSE(limits.Admit(kStart, "big", {}, &admission));
  EXPECT_FALSE(limits.Admit(kStart, "big", {}, &admission));
  EXPECT_TRUE(limits.Admit(kStart, "big", {}, &admission));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits.Admit(kStart, "small", {}, &admission));
  EXPECT_TRUE(limits.Admit(kStart, "small", {}, &admission));
}

TEST(SimAccountLimits, ConcurrencyIsHeldUntilTheEnd) {
  AccountLimits limits(Sets("{concurrency: 1}"));
  Admission first, second;
  EXPECT_FALSE(limits.Admit(kStart, "m", {}, &first));
  std::optional<Refusal> refusal = limits.Admit(kStart, "m", {}, &second);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->name, LimitName::kConcurrency);
  AccountLimits::Finish(first, kStart + absl::Seconds(1), 0);
  EXPECT_FALSE(limits.Admit(kStart + absl::Seconds(1), "m", {}, &second));
}

TEST(SimAccountLimits, ChargesTokensAsTold) {
  struct Case {
    const char* charge;
    int64_t at_once, at_the_end;
  };
  // 100 tokens of prompt, at most 500 of completion, in fact 20.
  for (const Case& c : {Case{"on_use", 100, 120}, Case{"up_front", 600, 120}, Case{"up_front_kept", 600, 600}}) {
    AccountLimits limits(Sets(std::string("{tpm: 1000, charge: ") + c.charge + "}"));
    Admission admission;
    EXPECT_FALSE(limits.Admit(kStart, "m", {100, 500}, &admission));
    EXPECT_EQ(limits.Readings(kStart, "m")[0].used, c.at_once) << c.charge;
    absl::Time end = kStart + absl::Seconds(5);
    AccountLimits::Finish(admission, end, 20);
    EXPECT_EQ(limits.Readings(end, "m")[0].used, c.at_the_end) << c.charge;
  }
}

TEST(SimAccountLimits, AChangedLimitKeepsWhatWasCounted) {
  AccountLimits limits(Sets("{rpm: 30}"));
  Admission admission;
  for (int i = 0; i < 12; ++i) limits.Admit(kStart, "m", {}, &admission);
  limits.Reconfigure(kStart, Sets("{rpm: 10}"));
  std::optional<Refusal> refusal = limits.Admit(kStart, "m", {}, &admission);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->used, 12);
  EXPECT_EQ(refusal->limit, 10);
}

TEST(SimAccountLimits, ARequestLargerThanTheLimitNeverFits) {
  AccountLimits limits(Sets("{tpm: 100}"));
  Admission admission;
  std::optional<Refusal> refusal = limits.Admit(kStart, "m", {101, {}}, &admission);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->wait, absl::InfiniteDuration());
}

}  // namespace
}  // namespace chain429::sim
