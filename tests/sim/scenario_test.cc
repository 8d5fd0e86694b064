#include "tests/sim/scenario.h"

#include "gtest/gtest.h"

namespace chain429::sim {
namespace {

absl::StatusOr<Scenario> Read(const std::string& yaml) {
  absl::StatusOr<Document> document = ParseYaml(yaml, "s.yaml");
  if (!document.ok()) return document.status();
  return ReadScenario(*document);
}

std::string ErrorOf(const std::string& yaml) { return std::string(Read(yaml).status().message()); }

TEST(SimScenario, ReadsAProvider) {
  absl::StatusOr<Scenario> scenario = Read(R"(
seed: 7
providers:
  - name: groq
    style: groq
    keys: [a, {key: b, account: team}]
    limits:
      rpm: 30
      tpm: 8000
      windows: {tpm: {kind: bucket, burst: 4000}, rpm: {kind: fixed, anchor: "08:30", length: 10s}}
    answer: {latency: "lognormal:50ms:0.5:2s", chunks: "uniform:1:9", content: sha256}
    faults:
      - {fault: status, status: 503, every: 3, body: {error: busy}, match: {stream: true, model: m}}
)");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->seed, 7u);
  const ProviderSpec& provider = scenario->providers.at(0);
  EXPECT_EQ(provider.keys.at(1).account, "team");
  const auto& windows = provider.limits.at(0).windows;
  EXPECT_EQ(windows[static_cast<size_t>(LimitName::kTpm)]->burst, 4000);
  EXPECT_EQ(windows[static_cast<size_t>(LimitName::kRpm)]->anchor, absl::Hours(8) + absl::Minutes(30));
  EXPECT_EQ(windows[static_cast<size_t>(LimitName::kRpm)]->length, absl::Seconds(10));
  EXPECT_EQ(provider.answer.latency.kind, Distribution::Kind::kLognormal);
  EXPECT_EQ(provider.faults.at(0).body, R"({"error":"busy"})");
  EXPECT_EQ(provider.faults.at(0).stream, true);
}

TEST(SimScenario, ReportsEveryMistakeWithItsPlace) {
  std::string error = ErrorOf(R"(providers:
  - name: a
    limits: {rmp: 30, rpm: 0}
    answer:
      latency: 5
  - name: a
    faults: [{fault: staus}, {fault: drip, after_chunks: 2}]
)");
  EXPECT_NE(error.find("s.yaml:3:14: providers[0].limits.rmp: unknown key; did you mean rpm?"), std::string::npos)
      << error;
  EXPECT_NE(error.find("s.yaml:3:23: providers[0].limits.rpm: must be a whole number of at least 1"), std::string::npos)
      << error;
  EXPECT_NE(error.find("s.yaml:5:7: providers[0].answer.latency: must be a duration"), std::string::npos) << error;
  EXPECT_NE(error.find("s.yaml:6:5: providers[1].name: another provider has this name"), std::string::npos) << error;
  EXPECT_NE(error.find("providers[1].faults[0].fault: must be one of status"), std::string::npos) << error;
  EXPECT_NE(error.find("providers[1].faults[1].after_chunks: unknown key"), std::string::npos) << error;
}

TEST(SimScenario, RefusesDuplicateKeysAndBrokenYaml) {
  EXPECT_NE(ErrorOf("seed: 1\nseed: 2\n").find("s.yaml:2:1: seed stands there twice"), std::string::npos);
  EXPECT_NE(ErrorOf("providers: [").find("s.yaml:"), std::string::npos);
  EXPECT_NE(ErrorOf("{}").find("providers: must be a list"), std::string::npos);
}

TEST(SimScenario, KeepsQuotedNumbersTexts) {
  absl::StatusOr<Document> document = ParseYaml(R"({a: "1", b: 1, c: 1.5, d: true, e: nan, f: 1e3})", "x");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root.dump(), R"({"a":"1","b":1,"c":1.5,"d":true,"e":"nan","f":1000.0})");
}

TEST(SimDistribution, DrawsWithinItsBoundsAndRepeatably) {
  std::optional<Distribution> uniform = ParseDelay("uniform:10ms:20ms");
  std::optional<Distribution> lognormal = ParseDelay("lognormal:50ms:0.5:80ms");
  ASSERT_TRUE(uniform && lognormal);
  Random one(1), same(1);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    absl::Duration delay = DrawDelay(*uniform, one);
    EXPECT_GE(delay, absl::Milliseconds(10));
    EXPECT_LT(delay, absl::Milliseconds(20));
    EXPECT_EQ(delay, DrawDelay(*uniform, same));
    sum += absl::ToDoubleMilliseconds(delay);
    EXPECT_LE(DrawDelay(*lognormal, one), absl::Milliseconds(80));
    DrawDelay(*lognormal, same);
  }
  EXPECT_NEAR(sum / 1000, 15, 0.5);
  for (const char* bad : {"", "5", "uniform:20ms:10ms", "normal:1s:2s", "lognormal:1s"}) {
    EXPECT_FALSE(ParseDelay(bad)) << bad;
  }
}

}  // namespace
}  // namespace chain429::sim
