#include "common/config/resolve.h"

#include "gtest/gtest.h"

#include "absl/strings/str_cat.h"
#include "tests/common/config/catalogue_for_tests.h"

namespace chain429 {
namespace {

constexpr std::string_view kProviders =
    "version: 1\n"
    "providers:\n"
    "  cerebras: {kind: cerebras, credentials: [{name: a, env: A}]}\n"
    "  groq: {kind: groq, credentials: [{name: a, env: A}]}\n"
    "  off: {kind: groq, enabled: false, credentials: [{name: a, env: A}]}\n"
    "  local: {kind: openai, base_url: \"http://localhost:1\", models: {mine: , big: {canonical: gpt-oss-120b}}}\n"
    "chains:\n";

// "provider/model" of every target of the chain `name`.
std::vector<std::string> Targets(const ParseOutcome& outcome, std::string_view name) {
  std::vector<std::string> targets;
  if (outcome.parsed == nullptr) return {outcome.text};
  const Config& config = outcome.parsed->config;
  for (size_t i = 0; i < config.chains.size(); ++i) {
    if (config.chains[i].name != name) continue;
    for (const ResolvedTarget& target : outcome.parsed->chains[i].targets) {
      targets.push_back(absl::StrCat(config.providers[target.provider].name, "/", target.model));
    }
  }
  return targets;
}
using Names = std::vector<std::string>;

ParseOutcome With(std::string_view chains) { return ParseForTests(std::string(kProviders) + std::string(chains)); }

TEST(Resolve, AModelAloneIsEveryProviderThatServesItInFileOrder) {
  EXPECT_EQ(Targets(With("  c: {targets: [{model: gpt-oss-120b}]}\n"), "c"),
            (Names{"cerebras/gpt-oss-120b", "groq/openai/gpt-oss-120b", "local/big"}));
  EXPECT_EQ(Targets(With("  c: {targets: [{model: oss-big}]}\n"), "c"), (Names{"groq/openai/gpt-oss-120b"}));
  EXPECT_EQ(Targets(With("  c: {targets: [{model: mine}]}\n"), "c"), (Names{"local/mine"}));
}

TEST(Resolve, AnUnknownModelAloneIsRefusedWithASuggestion) {
  EXPECT_EQ(With("  c: {targets: [{model: gpt-oss-12b}]}\n").text,
            "c.yaml:8:25: error: chains.c.targets[0].model: name the provider, for none that is configured is known to "
            "serve \"gpt-oss-12b\" (did you mean \"gpt-oss-120b\"?)\n");
}

TEST(Resolve, ChainsWithinChainsAreFlattenedAndRepeatedTargetsCountOnce) {
  const ParseOutcome outcome = With(
      "  a: {targets: [{provider: groq, model: x}, {chain: b}, {chain: b}, {provider: local, model: last}]}\n"
      "  b: {targets: [{provider: local, model: y}, {provider: groq, model: x}, {chain: c}]}\n"
      "  c: {targets: [{provider: groq, model: z}]}\n");
  EXPECT_EQ(Targets(outcome, "a"), (Names{"groq/x", "local/y", "groq/z", "local/last"}));
  EXPECT_EQ(Targets(outcome, "b"), (Names{"local/y", "groq/x", "groq/z"}));
}

TEST(Resolve, ATargetWrittenTwiceIsWarnedOf) {
  const ParseOutcome outcome = With(
      "  a: {targets: [{provider: groq, model: x}, {provider: groq, model: x}, {provider: groq, model: x, limits: "
      "{rpm: 1}}]}\n");
  EXPECT_EQ(Targets(outcome, "a"), (Names{"groq/x", "groq/x"}));
  EXPECT_EQ(outcome.text,
            "c.yaml:8:45: warning: chains.a.targets[1]: this target is in the chain already and counts once\n");
}

TEST(Resolve, WhatIsDisabledIsLeftOut) {
  EXPECT_EQ(
      Targets(
          With("  a: {targets: [{provider: off, model: x}, {chain: b, enabled: false}, {provider: groq, model: y}]}\n"
               "  b: {targets: [{provider: groq, model: z}]}\n"),
          "a"),
      (Names{"groq/y"}));
}

TEST(Resolve, CirclesAreShown) {
  EXPECT_EQ(With("  a: {targets: [{chain: b}]}\n  b: {targets: [{provider: groq, model: x}, {chain: c}]}\n  c: "
                 "{targets: [{chain: a}, {chain: d}]}\n"
                 "  d: {targets: [{chain: c}]}\n")
                .text,
            "c.yaml:10:25: error: chains.c.targets[0].chain: chains lead in a circle: a -> b -> c -> a\n"
            "c.yaml:11:25: error: chains.d.targets[0].chain: chains lead in a circle: c -> d -> c\n");
}

TEST(Resolve, FourChainsDeepIsAllowedFiveAreNot) {
  std::string chains;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&chains, "  c", i, ": {targets: [{chain: c", i + 1, "}]}\n");
  const std::string last = "  c4: {targets: [{provider: groq, model: x}]}\n";
  EXPECT_EQ(Targets(With(chains + last), "c0"), (Names{"groq/x"}));
  EXPECT_EQ(With("  b: {targets: [{chain: c0}]}\n  a: {targets: [{chain: b}]}\n" + chains + last).text,
            "c.yaml:8:25: error: chains.b.targets[0].chain: chains within chains are more than 4 deep\n");
}

TEST(Resolve, BushyChainsStayWithinBounds) {
  // Each of five levels names every chain of the next level, ten times.
  std::string chains;
  for (int level = 0; level < 4; ++level) {
    for (int i = 0; i < 20; ++i) {
      absl::StrAppend(&chains, "  l", level, "-", i, ": {targets: [");
      for (int j = 0; j < 200; ++j) absl::StrAppend(&chains, "{chain: l", level + 1, "-", j % 20, "},");
      absl::StrAppend(&chains, "]}\n");
    }
  }
  for (int i = 0; i < 20; ++i)
    absl::StrAppend(&chains, "  l4-", i, ": {targets: [{provider: groq, model: m", i, "}]}\n");
  EXPECT_EQ(Targets(With(chains), "l0-0").size(), 20u);
}

TEST(Resolve, LongChainsOfChainsDoNotExhaustTheStack) {
  std::string chains;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&chains, "  c", i, ": {targets: [{chain: c", i + 1, "}]}\n");
  EXPECT_NE(With(chains + "  c5000: {targets: [{chain: c0}]}\n").text.find("circle"), std::string::npos);
}

}  // namespace
}  // namespace chain429
