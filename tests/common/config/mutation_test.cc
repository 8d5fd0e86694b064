#include "gtest/gtest.h"

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/config/diff.h"
#include "tests/common/config/catalogue_for_tests.h"

namespace chain429 {
namespace {

constexpr std::string_view kYaml = R"(version: 1
auth: {client_keys: [{name: app, env: KEY, chains: [c]}]}
x: &anchor {rpm: 3}
providers:
  groq: {kind: groq, credentials: [{name: main, env: GROQ, limits: *anchor}, {name: b, file: "/f", pool: o}]}
  local:
    kind: openai
    base_url: "http://127.0.0.1:8000/v1"
    headers: {x-team: 'a'}
    limits: {rpm: 60, concurrency: 4}
    windows: {rpd: {kind: fixed, anchor: "00:00", zone: UTC}}
    models: {m: {limits: {rpm: 10}, context: 32768, canonical: big}}
chains:
  c:
    aliases: [a, b]
    targets:
      - {provider: groq, model: x}
      - {model: big}
      - {chain: d}
    timeouts: {connect: 3s, total: 10m}
    wait: 0s
  d: {targets: [{provider: local, model: |
    text
  }]}
default_chain: c
)";
constexpr std::string_view kJson =
    R"({"version": 1, "providers": {"l": {"kind": "openai", "base_url": "http://localhost:1", "limits": {"rpm": 1.5e3}}},
 "chains": {"c": {"targets": [{"provider": "l", "model": "\ud83d\ude00\n"}, {"chain": "c"}], "wait": "1s"}}, "log": {"file": null, "a": true}})";

std::string Mutate(std::string text, Random& random) {
  static const std::vector<std::string> kPieces = {"{",           "}",
                                                   "[",           "]",
                                                   ":",           ",",
                                                   "-",           "&a ",
                                                   "*anchor",     "*a",
                                                   "!!str ",      "|",
                                                   ">",           "'",
                                                   "\"",          "\\",
                                                   "\n",          " ",
                                                   "\t",          "? ",
                                                   "#",           "---\n",
                                                   "...\n",       "%YAML",
                                                   "<<",          "null",
                                                   "~",           "1e999",
                                                   "-1",          "0x",
                                                   "\xC3",        "\xEF\xBB\xBF",
                                                   "\\ud83d",     "[[[[[[[[[[[[",
                                                   "{a: {a: {a: "};
  for (uint64_t i = 0, count = 1 + random.Below(6); i < count; ++i) {
    const size_t at = static_cast<size_t>(random.Below(text.size() + 1));
    switch (random.Below(5)) {
      case 0:
        text.insert(at, kPieces[random.Below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, random.Below(12));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random.Below(256));
        break;
      case 3:
        text.insert(at, text.substr(random.Below(text.size() + 1), random.Below(60)));
        break;
      case 4:
        text.resize(at);
        break;
    }
  }
  return text;
}

// Whatever comes in, the answer is a configuration or an error that says why; sanitizers watch.
void MutateAndParse(std::string_view seed_text, std::string_view name, uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Mutate(std::string(seed_text), random);
    const ParseOutcome outcome = ParseForTests(text, name);
    size_t errors = 0;
    for (const ConfigProblem& problem : outcome.problems) {
      errors += problem.severity == Severity::kError ? 1 : 0;
      EXPECT_TRUE(problem.at.line >= 1 && problem.at.column >= 1) << text;
    }
    ASSERT_EQ(outcome.parsed == nullptr, errors > 0) << "seed " << seed << " round " << i << "\n" << text;
    if (outcome.parsed != nullptr) DiffConfig(outcome.parsed->tree, outcome.parsed->tree);
  }
}

TEST(Mutation, YamlIsTakenOrRefused) { MutateAndParse(kYaml, "c.yaml", 1); }
TEST(Mutation, JsonIsTakenOrRefused) { MutateAndParse(kJson, "c.json", 2); }

TEST(Mutation, RubbishIsRefusedWithinBounds) {
  std::string providers = "version: 1\nproviders: {";
  for (int i = 0; i < 12'000; ++i) providers += "p" + std::to_string(i) + ": {},";
  EXPECT_EQ(ParseForTests(providers + "}\n").parsed, nullptr);
  std::string targets = "version: 1\nchains: {c: {targets: [";
  for (int i = 0; i < 12'000; ++i) targets += "{provider: p" + std::to_string(i) + ", model: m},";
  EXPECT_EQ(ParseForTests(targets + "]}}\n").parsed, nullptr);
  std::string unknown = "version: 1\n";
  for (int i = 0; i < 20'000; ++i) unknown += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(ParseForTests(unknown).parsed, nullptr);
  EXPECT_EQ(ParseForTests("version: 1\n" + std::string(500'000, 'k') + ": 1\n").parsed, nullptr);
  EXPECT_EQ(ParseForTests("version: 1\ndefault_chain: " + std::string(500'000, 'k') + "\n").parsed, nullptr);
}

}  // namespace
}  // namespace chain429
