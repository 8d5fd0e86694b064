#include <set>

#include "absl/strings/str_split.h"
#include "tests/controlplane/api/admin_fixture.h"

namespace chain429 {
namespace {

class ControlMetrics : public AdminTest {
 protected:
  // The value of the sample with exactly this name and labels, or "none".
  std::string Value(const std::string& sample) {
    const std::vector<std::string> lines = absl::StrSplit(service_.Metrics(), '\n');
    for (const std::string& line : lines) {
      if (line.starts_with(sample + " ")) return line.substr(sample.size() + 1);
    }
    return "none";
  }
};

TEST_F(ControlMetrics, EveryFamilyIsDescribedOnceAndBearsTheProductsName) {
  Apply(GoodText());
  std::set<std::string> described;
  const std::string text = service_.Metrics();
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(described.insert(words[2]).second) << line;
    } else if (!line.starts_with("#")) {
      std::string family = words[0].substr(0, words[0].find('{'));
      for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
        if (family.ends_with(part) && described.contains(family.substr(0, family.size() - part.size())))
          family.resize(family.size() - part.size());
      }
      EXPECT_TRUE(described.contains(family)) << line;
      // What every program has is called as it is everywhere.
      EXPECT_TRUE(family.starts_with("chain429_control_") || family.starts_with("process_")) << line;
    }
  }
  EXPECT_GE(described.size(), 10u);
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(ControlMetrics, ARefusedConfigurationShowsUntilAGoodOneComes) {
  EXPECT_EQ(Value("chain429_control_snapshot_version"), "0");
  Apply(GoodText());
  EXPECT_EQ(Value("chain429_control_snapshot_version"), "101");
  EXPECT_EQ(Value("chain429_control_config_loads_total"), "1");
  EXPECT_EQ(Value("chain429_control_config_last_reload_failed"), "0");
  files_["c.yaml"] = "version: 2\n";
  config_loop_.Run([this] { config_.LoadFile("c.yaml"); });
  EXPECT_EQ(Value("chain429_control_snapshot_version"), "101");
  EXPECT_EQ(Value("chain429_control_config_refusals_total"), "1");
  EXPECT_EQ(Value("chain429_control_config_last_reload_failed"), "1");
  EXPECT_NE(service_.Metrics().find("chain429_control_config_refusal_info{at=\""), std::string::npos);
  files_["c.yaml"] = GoodText();
  config_loop_.Run([this] { config_.Reload(); });
  EXPECT_EQ(service_.Metrics().find("chain429_control_config_refusal_info{"), std::string::npos);
  EXPECT_EQ(Value("chain429_control_config_last_reload_failed"), "0");
  EXPECT_EQ(Value("chain429_control_config_loads_total"), "2");
}

TEST_F(ControlMetrics, ARefusedApplyIsCountedAndIsNoFailedReload) {
  Apply(GoodText());
  Apply("version: 2\n");
  EXPECT_EQ(Value("chain429_control_config_apply_refusals_total"), "1");
  EXPECT_EQ(Value("chain429_control_config_refusals_total"), "0");
  EXPECT_EQ(Value("chain429_control_config_last_reload_failed"), "0");
  EXPECT_EQ(service_.Metrics().find("chain429_control_config_refusal_info{"), std::string::npos);
}

TEST_F(ControlMetrics, ShowsProxiesAndWhichPoolIsClosed) {
  Apply(GoodText());
  AttachProxy("a");
  EXPECT_EQ(Value("chain429_control_proxies"), "1");
  EXPECT_EQ(Value("chain429_control_pool_closed{pool=\"keyed/main\"}"), "0");
  ClosePool("keyed/main", absl::Seconds(42));
  EXPECT_EQ(Value("chain429_control_pool_closed{pool=\"keyed/main\"}"), "1");
}

TEST_F(ControlMetrics, CountsWhatTheLeaderDecided) {
  Apply(GoodText());
  AttachProxy("a");
  fleet_.Run([&](const Now& now) {
    Acquire acquire;
    acquire.candidates = {{TargetId(1), {PoolId(StableId("keyed/main"))}, {}}};
    for (uint64_t id = 1; id <= 32; ++id) {
      acquire.id = AcquireId(id);
      broker_.OnAcquire(HolderId(1), acquire, now);
    }
  });
  EXPECT_EQ(Value("chain429_control_permits_granted_total"), "30");
  EXPECT_EQ(Value("chain429_control_permits_denied_total"), "2");
  EXPECT_EQ(Value("chain429_control_permits_open"), "30");
}

TEST_F(ControlMetrics, LimitsAreNamedByUnitAndWindowAndCreditsAreWhole) {
  Apply(
      "version: 1\n"
      "providers:\n"
      "  p:\n"
      "    kind: openai\n"
      "    base_url: 'http://127.0.0.1:1/v1'\n"
      "    limits: {tpd: 2000000, cpmo: 0.1, concurrency: 4}\n"
      "    models: {m: {credits: {request: 1}}}\n"
      "chains: {c: {targets: [{provider: p, model: m}]}}\n");
  EXPECT_EQ(Value("chain429_control_pool_limit{pool=\"p\",unit=\"credits\",window=\"month\"}"), "0.1");
  EXPECT_EQ(Value("chain429_control_pool_remaining{pool=\"p\",unit=\"credits\",window=\"month\"}"), "0.1");
  EXPECT_EQ(Value("chain429_control_pool_limit{pool=\"p\",unit=\"tokens\",window=\"24h\"}"), "2000000");
  EXPECT_EQ(Value("chain429_control_pool_limit{pool=\"p\",unit=\"concurrency\",window=\"none\"}"), "4");
}

}  // namespace
}  // namespace chain429
