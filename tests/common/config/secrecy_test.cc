#include "common/config/secrecy.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Secrecy, KeysAreRecognised) {
  for (const char* key : {"sk-abc", "gsk_0123456789abcdefABCDEF", "csk-x", "nvapi-x", "hf_x",
                          "AIzaSyA0123456789abcdefghijk", "0123456789abcdef0123456789abcdef"}) {
    EXPECT_TRUE(LooksLikeKey(key)) << key;
    EXPECT_EQ(QuoteUnlessKey(key), "(hidden)");
  }
}

TEST(Secrecy, NamesAreNot) {
  for (const char* name : {"GROQ_API_KEY", "CHAIN429_API_KEY_FOR_TEAM_2", "/run/secrets/groq2-of-the-second-team",
                           "groq", "gpt-oss-120b", "coding"}) {
    EXPECT_FALSE(LooksLikeKey(name)) << name;
  }
  EXPECT_EQ(QuoteUnlessKey("GROQ_API_KEY"), "\"GROQ_API_KEY\"");
}

TEST(Secrecy, OnlyPlainWordsAreHarmlessKeys) {
  EXPECT_TRUE(IsHarmlessKey("proxy_envv"));
  EXPECT_FALSE(IsHarmlessKey("sk-abc"));
  EXPECT_FALSE(IsHarmlessKey("abc1"));
  EXPECT_FALSE(IsHarmlessKey("averyveryverylongword"));
  EXPECT_FALSE(IsHarmlessKey(""));
}

}  // namespace
}  // namespace chain429
