#include "common/base/text.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(DidYouMean, FindsTheNearestSlip) {
  const std::vector<std::string> names = {"coding", "cheap", "fallback", "a"};
  EXPECT_EQ(DidYouMean("codnig", names), "coding");
  EXPECT_EQ(DidYouMean("fallbakc", names), "fallback");
  EXPECT_EQ(DidYouMean("b", names), "a");
}

TEST(DidYouMean, AWordInAnotherCaseIsASlipToo) {
  const std::vector<std::string> names = {"coding", "cheap"};
  EXPECT_EQ(DidYouMean("Coding", names), "coding");
  EXPECT_EQ(DidYouMean("CHEAP", names), "cheap");
}

TEST(DidYouMean, IsSilentWhenNothingIsNearOrTheWordIsThere) {
  const std::vector<std::string> names = {"coding", "cheap"};
  EXPECT_EQ(DidYouMean("gpt-4o", names), std::nullopt);
  EXPECT_EQ(DidYouMean("coding", names), std::nullopt);
  EXPECT_EQ(DidYouMean("coding", {}), std::nullopt);
  EXPECT_EQ(DidYouMean("", names), std::nullopt);
}

TEST(Text, CaseIsIgnoredInAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("Retry-After", "rETRY-aFTER"));
  EXPECT_FALSE(EqualsIgnoreCase("Retry-After", "Retry-Afte"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("Ä", "ä"));
  EXPECT_EQ(LowerAscii("X-RateLimit-Ä"), "x-ratelimit-Ä");
}

TEST(Text, SpaceIsTrimmedAtBothEndsOnly) {
  EXPECT_EQ(TrimSpace(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimSpace(" \t\r\n"), "");
  EXPECT_EQ(TrimSpace(""), "");
}

TEST(Truncate, KeepsWhatFitsAndMarksTheCut) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdefg", 6), "abc…");
  EXPECT_EQ(Truncate("", 0), "");
}

TEST(Truncate, NeverCutsWithinACharacterNorExceedsItsBound) {
  const std::string text = "aé…😀bé…😀cé…😀";
  for (size_t bytes = 0; bytes <= text.size() + 1; ++bytes) {
    const std::string cut = Truncate(text, bytes);
    EXPECT_LE(cut.size(), bytes);
    if (bytes >= text.size()) {
      EXPECT_EQ(cut, text);
    } else if (bytes >= 3) {
      ASSERT_TRUE(cut.ends_with("…")) << bytes;
      const std::string kept = cut.substr(0, cut.size() - 3);
      EXPECT_TRUE(text.starts_with(kept));
      // The next byte of the text begins a character.
      EXPECT_NE(static_cast<unsigned char>(text[kept.size()]) & 0xC0, 0x80) << bytes;
    }
  }
}

TEST(Truncate, EndsOnBytesThatAreNoText) { EXPECT_EQ(Truncate(std::string(100, '\x80'), 10), "…"); }

TEST(Redact, RemovesEveryOccurrence) {
  EXPECT_EQ(Redact("key sk-123456 and sk-123456", "sk-123456"), "key [redacted] and [redacted]");
  EXPECT_EQ(Redact("sk-123456sk-123456", "sk-123456"), "[redacted][redacted]");
  EXPECT_EQ(Redact("aaaaaaaaa", "aaaa"), "[redacted][redacted]a");
  EXPECT_EQ(Redact("nothing here", "sk-123456"), "nothing here");
  EXPECT_EQ(Redact("", "sk-123456"), "");
}

TEST(Redact, KnowsASecretHoweverJsonEscapesIt) {
  EXPECT_EQ(Redact(R"({"e":"\u0073k-12\u0033456"})", "sk-123456"), R"({"e":"[redacted]"})");
  EXPECT_EQ(Redact(R"("a\/b\/c")", "a/b/c"), R"("[redacted]")");
  EXPECT_EQ(Redact(R"(\u0073k-1234)", "sk-123456"), R"(\u0073k-1234)");
  EXPECT_EQ(Redact(R"(\u00)", "sk-123456"), R"(\u00)");
}

TEST(Redact, LeavesTextWholeForSecretsTooShortToBeSome) {
  EXPECT_EQ(Redact("a cat sat", "cat"), "a cat sat");
  EXPECT_EQ(Redact("a cat sat", ""), "a cat sat");
}

TEST(IsName, TakesLowerCaseWordsUpTo63Characters) {
  for (const char* name : {"a", "0", "groq", "gpt-4o", "a.b_c-d", "9-"}) EXPECT_TRUE(IsName(name)) << name;
  EXPECT_TRUE(IsName(std::string(63, 'a')));
  EXPECT_FALSE(IsName(std::string(64, 'a')));
  for (const char* name : {"", "A", "aB", "-a", ".a", "_a", "a/b", "a b", "ä", "a\n"})
    EXPECT_FALSE(IsName(name)) << name;
  EXPECT_FALSE(IsName(std::string("a\0", 2)));
}

}  // namespace
}  // namespace chain429
