#include "dataplane/admin/config_dump.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"
#include "tests/dataplane/admin/fake_source.h"

namespace chain429 {
namespace {

TEST(ConfigDump, ShowsOfSecretsTheLastFourCharacters) {
  const auto snapshot = SmallSnapshot();
  ASSERT_TRUE(snapshot->Index().ok());
  const std::string dump = DumpConfig(*snapshot);
  EXPECT_EQ(dump.find("0123456789"), std::string::npos);
  EXPECT_EQ(dump.find("gateway-secret"), std::string::npos);
  const auto json = nlohmann::json::parse(dump);
  EXPECT_EQ(json["providers"][0]["credentials"][0]["key"], "…cdef");
  EXPECT_EQ(json["providers"][0]["headers"]["x-gateway-key"], "…alue");
}

TEST(ConfigDump, ClientKeysAreOnlyNamed) {
  const auto snapshot = SmallSnapshot();
  ASSERT_TRUE(snapshot->Index().ok());
  const auto json = nlohmann::json::parse(DumpConfig(*snapshot));
  EXPECT_EQ(json["client_keys"][0], (nlohmann::json{{"name", "app"}, {"chains", nlohmann::json::array()}}));
}

TEST(ConfigDump, NamesChainsTargetsAndPools) {
  const auto snapshot = SmallSnapshot();
  ASSERT_TRUE(snapshot->Index().ok());
  const auto json = nlohmann::json::parse(DumpConfig(*snapshot));
  EXPECT_EQ(json["version"], 7);
  EXPECT_EQ(json["providers"][0]["base_url"], "https://api.groq.com/openai/v1");
  EXPECT_EQ(json["chains"][0]["targets"][0], "groq/gpt-oss-120b");
  EXPECT_EQ(json["targets"][0]["credentials"][0], "main");
  EXPECT_FALSE(json["targets"][0]["pools"].empty());
}

TEST(ConfigDump, PoolsShowOnlyWhatIsKnown) {
  PoolView open;
  open.key = "groq/main";
  PoolView closed;
  closed.key = "groq/main/x\xFF";
  closed.state.limited = true;
  closed.state.closure = Closure::kRateLimited;
  closed.state.closed_for = absl::Milliseconds(1500);
  closed.state.limits.push_back({.window = absl::Minutes(1), .amount = 30, .remaining = 3, .recoveries = {}});
  const auto json = nlohmann::json::parse(DumpPools({open, closed}));
  EXPECT_FALSE(json["pools"][0].contains("closed_for_s"));
  EXPECT_FALSE(json["pools"][0].contains("remaining_requests"));
  EXPECT_EQ(json["pools"][1]["closure"], "rate_limited");
  EXPECT_EQ(json["pools"][1]["closed_for_s"], 1.5);
  EXPECT_EQ(json["pools"][1]["remaining_requests"], 3);
}

}  // namespace
}  // namespace chain429
