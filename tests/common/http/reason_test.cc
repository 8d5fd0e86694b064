#include "common/http/reason.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(ReasonPhrase, HasTheWordsOfTheStandard) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(413), "Content Too Large");
  EXPECT_EQ(ReasonPhrase(429), "Too Many Requests");
  EXPECT_EQ(ReasonPhrase(504), "Gateway Timeout");
}

// Some clients take no status line that ends behind the number.
TEST(ReasonPhrase, IsNeverEmpty) {
  for (int status = 100; status < 600; ++status) EXPECT_FALSE(ReasonPhrase(status).empty()) << status;
}

}  // namespace
}  // namespace chain429
