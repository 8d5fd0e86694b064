#include "controlplane/ctl/init/free_tier.h"

#include <gtest/gtest.h>

namespace chain429 {
namespace {

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// One entry, read as the catalogue's own are.
CatalogueEntry Entry(const std::string& yaml) {
  const auto catalogue = Catalogue::Parse({{"a.yaml", "kind: acme\ntitle: Acme\n" + yaml}});
  EXPECT_TRUE(catalogue.ok()) << catalogue.status();
  return catalogue.ok() ? *catalogue->Find("acme") : CatalogueEntry();
}

constexpr char kPerModel[] = R"(
pool_scope: model
as_of: 2026-01-02
limits: {rpm: 30, rpd: 1000}
models:
  big: {limits: {rpm: 5, rpd: 200, tpm: 8000, tpd: 90000}, context: 4096}
setup:
  keys: [ACME_KEY]
  plan: free
  models: {small: {quality: 2, speed: 3}, big: {quality: 9, speed: 5}}
)";

TEST(FreeTier, WithPoolsByModelItIsTheSumOfTheModels) {
  const FreeTier tier = FreeTierOf(Entry(kPerModel));
  EXPECT_EQ(tier.title, "Acme");
  EXPECT_EQ(tier.as_of, "2026-01-02");
  ASSERT_EQ(tier.allowances.size(), 2u);
  EXPECT_EQ(tier.allowances[0].model, "big") << "the best first";
  EXPECT_EQ(tier.allowances[0].requests_per_minute, 5);
  EXPECT_EQ(tier.allowances[0].tokens_per_minute, 8000);
  EXPECT_EQ(tier.allowances[1].requests_per_minute, 30) << "without limits of its own those of the entry";
  EXPECT_EQ(tier.allowances[1].tokens_per_day, std::nullopt);
  EXPECT_EQ(tier.RequestsPerDay(), 1200);
  EXPECT_EQ(tier.TokensPerDay(), 90000);
}

TEST(FreeTier, APoolForAllModelsCountsOnce) {
  const FreeTier tier = FreeTierOf(
      Entry("pool_scope: free_models\nas_of: 2026-01-02\nlimits: {rpm: 20, rpd: 50}\n"
            "setup: {keys: [K], plan: free, models: {a: {quality: 1, speed: 1}, b: {quality: 1, speed: 1}}}\n"));
  ASSERT_EQ(tier.allowances.size(), 1u);
  EXPECT_EQ(tier.allowances[0].model, "");
  EXPECT_EQ(tier.RequestsPerDay(), 50);
}

TEST(FreeTier, AMonthIsThirtyDays) {
  const FreeTier tier =
      FreeTierOf(Entry("limits: {rpmo: 1000}\nsetup: {keys: [K], plan: trial, models: {a: {quality: 1, speed: 1}}}\n"));
  EXPECT_EQ(tier.RequestsPerDay(), 33);
  EXPECT_TRUE(Has(ShortFreeTierTable({tier}, false), "about 33"));
}

TEST(FreeTier, WhatThePlanIsSaidToGiveStandsWhereNothingIsKeptTo) {
  const FreeTier tier =
      FreeTierOf(Entry("pool_scope: model\nas_of: 2026-01-02\n"
                       "setup: {keys: [K], plan: free, as_of: 2026-03-04, limits: {rpm: 20, rpd: 7, itpm: 9},\n"
                       "        models: {a: {quality: 1, speed: 1}}}\n"));
  EXPECT_EQ(tier.RequestsPerDay(), 7);
  EXPECT_EQ(tier.allowances[0].tokens_per_minute, 9) << "input tokens, where only these are limited";
  EXPECT_EQ(tier.as_of, "2026-03-04") << "the plan's own date";
}

TEST(FreeTier, WhatIsPaidForGivesNothing) {
  const FreeTier tier = FreeTierOf(Entry(
      "as_of: 2026-01-02\nlimits: {rpd: 9}\nsetup: {keys: [K], plan: paid, models: {a: {quality: 1, speed: 1}}}\n"));
  EXPECT_TRUE(tier.allowances.empty());
  EXPECT_EQ(tier.RequestsPerDay(), std::nullopt);
  EXPECT_EQ(FreeTierSum({tier}), "");
  EXPECT_TRUE(Has(FreeTierTable({tier}, false), "paid"));
}

TEST(FreeTier, TheTableSaysHowMuchAndFromWhen) {
  const std::string table = FreeTierTable({FreeTierOf(Entry(kPerModel))}, false);
  EXPECT_TRUE(Has(table, "PROVIDER"));
  EXPECT_TRUE(Has(table, "Acme"));
  EXPECT_TRUE(Has(table, "1,000"));
  EXPECT_TRUE(Has(table, "90,000"));
  EXPECT_TRUE(Has(table, "unknown"));
  EXPECT_TRUE(Has(table, "2026-01-02"));
}

TEST(FreeTier, TheSumNamesWhatItDoesNotKnow) {
  FreeTier known = FreeTierOf(Entry(kPerModel));
  FreeTier unknown = FreeTierOf(Entry("setup: {keys: [K], plan: free, models: {a: {quality: 1, speed: 1}}}\n"));
  unknown.title = "Umbra";
  EXPECT_EQ(FreeTierSum({known, known}), "Together about 2,400 requests a day for nothing.");
  EXPECT_EQ(
      FreeTierSum({known, unknown}),
      "Together about 1,200 requests a day for nothing. How much a day is not known, and not counted, of: Umbra.");
  EXPECT_EQ(FreeTierSum({unknown}), "How much a day is not known, and not counted, of: Umbra.");
}

TEST(FreeTier, EveryBuiltinFactHasItsDate) {
  const Catalogue catalogue = *Catalogue::Builtin();
  for (const std::string& kind : catalogue.Kinds()) {
    const CatalogueEntry* entry = catalogue.Find(kind);
    if (!entry->setup) continue;
    const FreeTier tier = FreeTierOf(*entry);
    EXPECT_TRUE(tier.allowances.empty() || !tier.as_of.empty()) << kind;
  }
}

TEST(WithCommas, CutsThousands) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
  EXPECT_EQ(WithCommas(-1000), "-1,000");
  EXPECT_EQ(WithCommas(-100), "-100");
}

}  // namespace
}  // namespace chain429
