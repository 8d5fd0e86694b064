#include "common/config/diff.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

std::vector<std::string> Diff(std::string_view before, std::string_view after) {
  ConfigProblems problems;
  const auto a = ParseDocument(before, DocumentFormat::kYaml, problems);
  const auto b = ParseDocument(after, DocumentFormat::kYaml, problems);
  EXPECT_TRUE(a && b && problems.ok());
  return DiffConfig(*a, *b);
}
using Lines = std::vector<std::string>;

TEST(Diff, SameContentsInOtherClothesAreNoChange) {
  EXPECT_EQ(Diff("a: {b: x}\nc: [1, 2]\n", "# comment\nc:\n- 1\n- 2\na:\n  b: 'x'\n"), Lines{});
}

TEST(Diff, ChangesAreNamedByPath) {
  EXPECT_EQ(Diff("chains: {c: {wait: 0s, max_attempts: 3, targets: [{model: a}, {model: b}]}}",
                 "chains: {c: {wait: 5s, targets: [{model: a}]}, d: {}}"),
            (Lines{"removed chains.c.max_attempts: 3", "changed chains.c.wait: 0s -> 5s",
                   "removed chains.c.targets[1]: {model: b}", "added chains.d: {}"}));
  EXPECT_EQ(Diff("a: 1", "a: '1'"), (Lines{"changed a: 1 -> 1"}));
  EXPECT_EQ(Diff("a: [1]", "a: {b: 1}"), (Lines{"changed a: [1] -> {b: 1}"}));
}

TEST(Diff, SecretsAreNeverShown) {
  const Lines lines = Diff(
      "providers: {p: {base_url: http://secret1, headers: {x: secret2}, credentials: [{name: m, env: SECRET3}, {name: "
      "n, file: secret4}]}}\nauth: {client_keys: [{name: a, env: SECRET5}]}",
      "providers: {p: {base_url: http://secret6, headers: {x: secret7}, credentials: [{name: m, env: SECRET8}, {name: "
      "o, file: secret9}]}, "
      "q: {credentials: [{name: m, env: SECRET0}], base_url: secret10}}\nauth: {client_keys: [{name: a, env: "
      "SECRET11}]}");
  EXPECT_EQ(
      lines,
      (Lines{"changed providers.p.base_url", "changed providers.p.headers.x", "removed providers.p.credentials[n]",
             "changed providers.p.credentials[m].env", "added providers.p.credentials[o]",
             "added providers.q: {credentials: (hidden), base_url: (hidden)}", "changed auth.client_keys[a].env"}));
}

TEST(Diff, OrderIsAChangeWhereItMeansSomething) {
  EXPECT_EQ(Diff("providers: {a: {}, b: {}}", "providers: {b: {}, a: {}}"), (Lines{"reordered providers"}));
  EXPECT_EQ(Diff("p: {credentials: [{name: a}, {name: b}]}", "p: {credentials: [{name: b}, {name: a}]}"),
            (Lines{"reordered p.credentials"}));
  EXPECT_EQ(Diff("c: {t: [{x: 1}, {x: 2}]}", "c: {t: [{x: 2}, {x: 1}]}"),
            (Lines{"changed c.t[0].x: 1 -> 2", "changed c.t[1].x: 2 -> 1"}));
}

TEST(Diff, IsBounded) {
  std::string before = "a: [";
  std::string after = "a: [";
  for (int i = 0; i < 1000; ++i) before += "1,", after += "2,";
  const Lines lines = Diff(before + "]", after + "]");
  ASSERT_EQ(lines.size(), 201u);
  EXPECT_EQ(lines.back(), "and 800 more changes");
  EXPECT_LT(Diff("{}", "a: " + std::string(5000, 'x')).front().size(), 200u);
}

}  // namespace
}  // namespace chain429
