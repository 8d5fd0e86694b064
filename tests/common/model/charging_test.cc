#include "common/model/charging.h"

#include "common/base/random.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(CreditRates, AddUpRequestsAndTokensExactly) {
  const CreditRates rates{500'000, 150'000, 600'000};  // half a credit each; 0.15 and 0.60 a million tokens
  EXPECT_EQ(rates.Of(1, 0, 0), 500'000);
  EXPECT_EQ(rates.Of(0, 1'000'000, 0), 150'000);
  EXPECT_EQ(rates.Of(0, 0, 1'000'000), 600'000);
  EXPECT_EQ(rates.Of(2, 2'000'000, 500'000), 1'600'000);
}

TEST(CreditRates, PartsOfAMillionthAreRoundedUpOnceForAllTokens) {
  const CreditRates rates{0, 1, 1};
  EXPECT_EQ(rates.Of(1, 0, 0), 0);
  EXPECT_EQ(rates.Of(1, 1, 0), 1);
  EXPECT_EQ(rates.Of(1, 1, 1), 1);
  EXPECT_EQ(rates.Of(1, 600'000, 400'001), 2);
}

TEST(CreditRates, NoNumbersOverflow) {
  const CreditRates rates{INT64_MAX, INT64_MAX, INT64_MAX};
  EXPECT_GT(rates.Of(INT64_MAX, INT64_MAX, INT64_MAX), 0);
  EXPECT_LT(rates.Of(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX / 1000);
  EXPECT_EQ(rates.Of(-1, 0, 0), 0);
}

TEST(Credits, AreWrittenWithoutNeedlessDigits) {
  EXPECT_EQ(CreditsText(0), "0");
  EXPECT_EQ(CreditsText(10'000 * kMicrosPerCredit), "10000");
  EXPECT_EQ(CreditsText(12'500'000), "12.5");
  EXPECT_EQ(CreditsText(50'000), "0.05");
  EXPECT_EQ(CreditsText(1), "0.000001");
  EXPECT_EQ(CreditsText(-1'500'000), "-1.5");
}

TEST(Credits, AreReadAsTheyAreWritten) {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const auto micros = static_cast<int64_t>(random.Below(1'000'000'000'000));
    EXPECT_EQ(ParseCredits(CreditsText(micros)), micros);
  }
  EXPECT_EQ(ParseCredits("0.10"), 100'000);
  EXPECT_EQ(ParseCredits("1000000000"), 1'000'000'000 * kMicrosPerCredit);
  for (const char* text : {"", ".", ".5", "5.", "-1", "+1", "1e3", "0x10", "1_000", " 1", "1 ", "0.0000001", "1.2.3",
                           "1000000001", "1000000000.000001", "99999999999999999999", "nan", ".inf"}) {
    EXPECT_FALSE(ParseCredits(text)) << text;
  }
}

}  // namespace
}  // namespace chain429
