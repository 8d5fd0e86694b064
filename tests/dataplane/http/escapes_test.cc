#include "dataplane/http/escapes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

bool Valid(std::string_view text) {
  const ExactBytes bytes(text);
  return EscapesAreValid(bytes.view());
}

// The definition, byte by byte.
bool ByDefinition(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') continue;
    if (++i == text.size()) return false;
    if (text[i] == 'u') {
      const std::string_view digits = text.substr(i + 1).substr(0, 4);
      if (digits.size() < 4 || digits.find_first_not_of(kHex) != std::string_view::npos) return false;
    } else if (std::string_view("\"\\/bfnrt").find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

TEST(Escapes, AreThoseOfJsonAndNoOthers) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = {'\\', static_cast<char>(c)};
    const bool known = c != 0 && std::string_view("\"\\/bfnrt").find(static_cast<char>(c)) != std::string_view::npos;
    EXPECT_EQ(Valid(text), known) << c;
    EXPECT_EQ(Valid("\\u12" + text.substr(1) + "4"), std::isxdigit(c) != 0) << c;
  }
}

// Every escape, whole and broken, at every place of the blocks of 64 bytes and at every distance from the text's end.
TEST(Escapes, AreFoundWhereverTheyStand) {
  const std::string_view escapes[] = {R"(\n)",  R"(\\)",   R"(\")",   R"(\u00e9)", R"(\uD83D)", R"(\x)",
                                      R"(\)",   R"(\u)",   R"(\u1)",  R"(\u12)",   R"(\u123)",  R"(\u123g)",
                                      R"(\\x)", R"(\\\x)", R"(\\\\)", R"(\\\\\)"};
  for (const std::string_view escape : escapes) {
    for (size_t before = 0; before < 140; ++before) {
      for (const size_t behind :
           {size_t{0}, size_t{1}, size_t{3}, size_t{62}, size_t{63}, size_t{64}, size_t{65}, size_t{130}}) {
        const std::string text = std::string(before, 'g').append(escape).append(behind, 'g');
        ASSERT_EQ(Valid(text), ByDefinition(text)) << escape << " behind " << before << " before " << behind;
      }
    }
  }
}

TEST(Escapes, LongRunsOfBackslashesArePairs) {
  for (size_t before = 0; before < 66; ++before) {
    for (size_t run = 0; run < 200; ++run) {
      const std::string text = std::string(before, 'a') + std::string(run, '\\') + "n" + std::string(70, 'a');
      ASSERT_TRUE(Valid(text));
      const std::string odd = std::string(before, 'a') + std::string(run, '\\') + "g" + std::string(70, 'a');
      ASSERT_EQ(Valid(odd), run % 2 == 0) << before << " " << run;
    }
  }
}

TEST(Escapes, RandomTextsAreJudgedByTheDefinition) {
  constexpr std::string_view kSigns = "\\\\\\\\unbx\"/09afAFg ";
  Random random(64);
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random.Below(300), 'a');
    for (uint64_t n = random.Below(12); n > 0 && !text.empty(); --n)
      text[random.Below(text.size())] = kSigns[random.Below(kSigns.size())];
    for (uint64_t n = random.Below(5); n > 0; --n)
      text.insert(random.Below(text.size() + 1), random.Below(2) == 0 ? "\\u00eF" : "\\\\");
    ASSERT_EQ(Valid(text), ByDefinition(text)) << text;
  }
}

TEST(Escapes, TextsWithoutOneAreValid) {
  EXPECT_TRUE(Valid(""));
  EXPECT_TRUE(Valid(std::string(1000, '"')));
}

}  // namespace
}  // namespace chain429
