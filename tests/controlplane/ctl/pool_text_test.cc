#include "controlplane/ctl/pool_text.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "common/model/pool.h"

namespace chain429 {
namespace {

v1::Limit LimitOf(v1::Unit unit, absl::Duration window, int64_t amount = 30) {
  v1::Limit limit;
  limit.set_unit(unit);
  limit.set_window_ns(absl::ToInt64Nanoseconds(window));
  limit.set_amount(amount);
  return limit;
}

TEST(LimitName, UsesTheWordsOfTheConfigurationWhereThereAreSome) {
  struct Case {
    v1::Unit unit;
    absl::Duration window;
    const char* name;
  };
  const Case cases[] = {{v1::UNIT_REQUESTS, absl::Minutes(1), "rpm"},
                        {v1::UNIT_REQUESTS, absl::Hours(1), "rph"},
                        {v1::UNIT_REQUESTS, absl::Hours(24), "rpd"},
                        {v1::UNIT_TOKENS, absl::Minutes(1), "tpm"},
                        {v1::UNIT_TOKENS, absl::Hours(24), "tpd"},
                        {v1::UNIT_CONCURRENCY, absl::ZeroDuration(), "concurrency"},
                        {v1::UNIT_REQUESTS, absl::Seconds(90), "requests per 1m30s"},
                        {v1::UNIT_TOKENS, absl::Seconds(10), "tokens per 10s"},
                        {v1::UNIT_INPUT_TOKENS, absl::Minutes(1), "itpm"},
                        {v1::UNIT_OUTPUT_TOKENS, absl::Hours(24), "otpd"},
                        {v1::UNIT_CREDITS, kMonth, "cpmo"},
                        {v1::UNIT_INPUT_TOKENS, absl::Minutes(2), "input tokens per 2m"},
                        {v1::UNIT_CREDITS, absl::Hours(5), "credits per 5h"},
                        {v1::UNIT_UNSPECIFIED, absl::Minutes(1), "unknown unit per 1m"}};
  for (const Case& one : cases) EXPECT_EQ(LimitName(LimitOf(one.unit, one.window)), one.name);
}

TEST(LimitText, SaysWhenSomethingIsFreeAgainOnlyWhereItIsUsedUp) {
  v1::LimitInfo info;
  *info.mutable_limit() = LimitOf(v1::UNIT_REQUESTS, absl::Minutes(1));
  info.set_used(12);
  info.set_recovers_in_ns(absl::ToInt64Nanoseconds(absl::Seconds(14)));
  EXPECT_EQ(LimitText(info), "rpm 12/30");
  info.set_used(30);
  EXPECT_EQ(LimitText(info), "rpm 30/30 (free in 14 s)");
  info.set_used(33);
  EXPECT_EQ(LimitText(info), "rpm 33/30 (free in 14 s)");
  info.set_recovers_in_ns(0);
  EXPECT_EQ(LimitText(info), "rpm 33/30");
}

TEST(LimitText, CreditsHaveTheirPoint) {
  v1::LimitInfo info;
  *info.mutable_limit() = LimitOf(v1::UNIT_CREDITS, kMonth, 100'000);
  info.set_used(12'500);
  EXPECT_EQ(LimitText(info), "cpmo 0.0125/0.1");
}

TEST(LimitText, ABucketIsUsedUpWithItsBurst) {
  v1::LimitInfo info;
  *info.mutable_limit() = LimitOf(v1::UNIT_REQUESTS, absl::Minutes(1), 60);
  info.mutable_limit()->set_burst(5);
  info.set_used(4);
  info.set_recovers_in_ns(absl::ToInt64Nanoseconds(absl::Seconds(1)));
  EXPECT_EQ(LimitText(info), "rpm 4/60 (5 at once)");
  info.set_used(5);
  EXPECT_EQ(LimitText(info), "rpm 5/60 (5 at once, free in 1 s)");
}

TEST(LimitText, SaysHowItsWindowMovesAndWhoSaysSo) {
  v1::LimitInfo info;
  *info.mutable_limit() = LimitOf(v1::UNIT_REQUESTS, absl::Minutes(1));
  info.set_used(12);
  info.mutable_limit()->set_window_kind(v1::WINDOW_KIND_SLIDING);
  info.mutable_limit()->set_provenance(v1::PROVENANCE_CONFIGURED);
  info.set_window_provenance(v1::PROVENANCE_CONFIGURED);
  info.set_window_confidence(100);
  EXPECT_EQ(LimitText(info), "rpm 12/30 sliding (configured)");
  info.set_seems_kind(v1::WINDOW_KIND_FIXED);
  info.set_seems_confidence(79);
  EXPECT_EQ(LimitText(info), "rpm 12/30 sliding (configured)");
  info.set_seems_confidence(91);
  info.set_outside(5);
  EXPECT_EQ(LimitText(info), "rpm 12/30 sliding (configured, seems fixed 91 %, 5 outside)");
  info = {};
  *info.mutable_limit() = LimitOf(v1::UNIT_REQUESTS, absl::Hours(24));
  info.mutable_limit()->set_window_kind(v1::WINDOW_KIND_FIXED);
  info.mutable_limit()->set_zone("America/Los_Angeles");
  info.mutable_limit()->set_provenance(v1::PROVENANCE_STATED);
  info.set_window_provenance(v1::PROVENANCE_INFERRED);
  info.set_window_confidence(88);
  info.set_used(30);
  info.set_recovers_in_ns(absl::ToInt64Nanoseconds(absl::Seconds(14)));
  EXPECT_EQ(LimitText(info), "rpd 30/30 fixed from 00:00 America/Los_Angeles (stated 88 %) (free in 14 s)");
}

TEST(PoolNote, TellsWhatIsSuspected) {
  v1::PoolInfo pool;
  pool.set_key("p/a");
  EXPECT_EQ(PoolNote(pool), "");
  pool.set_models_apart(true);
  EXPECT_EQ(PoolNote(pool), "p/a: models of it have limits of their own, shown as p/a|MODEL");
  pool.set_shares_account_with("p/b");
  pool.set_shares_confidence(86);
  EXPECT_EQ(PoolNote(pool),
            "p/a and p/b seem to be of one account (86 %): if they are, give their credentials the same `pool:`");
}

TEST(PoolStateText, SaysWhyForHowLongAndWhetherTheProviderSaidSo) {
  v1::PoolInfo pool;
  pool.set_closed_for_ns(absl::ToInt64Nanoseconds(absl::Seconds(42)));
  pool.set_authoritative(true);
  const std::pair<v1::Closure, const char*> cases[] = {{v1::CLOSURE_NONE, "open"},
                                                       {v1::CLOSURE_RATE_LIMITED, "rate limited for 42 s"},
                                                       {v1::CLOSURE_QUOTA_EXHAUSTED, "quota exhausted for 42 s"},
                                                       {v1::CLOSURE_AUTH, "key refused for 42 s"},
                                                       {v1::CLOSURE_MODEL_UNAVAILABLE, "model unavailable for 42 s"},
                                                       {v1::CLOSURE_OVERLOADED, "overloaded for 42 s"}};
  for (const auto& [closure, text] : cases) {
    pool.set_closure(closure);
    EXPECT_EQ(PoolStateText(pool), text);
  }
  pool.set_authoritative(false);
  EXPECT_EQ(PoolStateText(pool), "overloaded for 42 s (a guess)");
  pool.set_closure(v1::CLOSURE_NONE);
  EXPECT_EQ(PoolStateText(pool), "open");
}

}  // namespace
}  // namespace chain429
