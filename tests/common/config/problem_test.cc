#include "common/config/problem.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(ConfigProblem, IsPrintedWithPlacePathAndSuggestion) {
  EXPECT_EQ(FormatProblem("c.yaml", {Severity::kError, {3, 7}, "chains.c", "unknown key \"target\"", "targets"}),
            "c.yaml:3:7: error: chains.c: unknown key \"target\" (did you mean \"targets\"?)");
  EXPECT_EQ(FormatProblem("c.yaml", {Severity::kWarning, {}, "", "hm", ""}), "c.yaml: warning: hm");
}

TEST(ConfigProblem, CannotDriveTheTerminal) {
  const std::string text = FormatProblem("c\x1b[31m.yaml", {Severity::kError,
                                                            {1, 1},
                                                            "a\nb",
                                                            "m\x07\xC2\x9B"
                                                            "1m",
                                                            "s\r"});
  EXPECT_EQ(text, "c?[31m.yaml:1:1: error: a?b: m???1m (did you mean \"s?\"?)");
}

TEST(ConfigProblem, AreSortedByPlace) {
  ConfigProblems problems;
  problems.Error({5, 1}, "b", "second");
  problems.Warning({2, 9}, "a", "first");
  problems.Error({5, 1}, "c", "third");
  EXPECT_EQ(FormatProblems("f", problems.Sorted()),
            "f:2:9: warning: a: first\nf:5:1: error: b: second\nf:5:1: error: c: third\n");
  EXPECT_EQ(problems.errors(), 2u);
}

TEST(ConfigProblem, AreBounded) {
  ConfigProblems problems;
  for (int i = 0; i < 5000; ++i) problems.Error({i, 1}, "", "x");
  EXPECT_EQ(problems.errors(), 5000u);
  ASSERT_EQ(problems.Sorted().size(), 1001u);
  EXPECT_EQ(problems.Sorted().back().message, "and 4000 more problems");
}

TEST(ConfigProblem, PathsQuoteStrangeKeys) {
  EXPECT_EQ(PathOfKey("", "chains"), "chains");
  EXPECT_EQ(PathOfKey("chains", "a-b_1"), "chains.a-b_1");
  EXPECT_EQ(PathOfKey("p.models", "openai/gpt"), "p.models[\"openai/gpt\"]");
  EXPECT_EQ(PathOfIndex("a.b", 3), "a.b[3]");
}

}  // namespace
}  // namespace chain429
