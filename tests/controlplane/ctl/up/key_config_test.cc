#include "controlplane/ctl/up/key_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <set>

#include "common/provider/catalogue.h"
#include "controlplane/revisions/config_source.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

class KeyConfigTest : public testing::Test {
 protected:
  // The configuration for these variables as it serves, which must be without a warning. Its targets in order.
  Strings Targets(const std::set<std::string>& variables) {
    const auto text = ConfigForKeys([&](const std::string& name) { return variables.contains(name); });
    EXPECT_TRUE(text.has_value());
    if (!text) return {};
    text_ = *text;
    Environment environment;
    environment.variable = [&](const std::string& name) {
      return variables.contains(name) ? std::optional<std::string>("value-of-" + name) : std::nullopt;
    };
    environment.file = [](const std::string&, size_t) -> absl::StatusOr<std::string> {
      return absl::NotFoundError("none");
    };
    ConfigSource source({&catalogue_, LookUpZone, environment, Version(1)});
    const LoadReport report = source.Load(text_, "429chain.yaml");
    EXPECT_TRUE(report.accepted) << source.last_error();
    EXPECT_EQ(FormatProblems("429chain.yaml", report.problems), "");
    const Snapshot& snapshot = *source.snapshot();
    EXPECT_EQ(snapshot.default_chain, kAutoChain);
    EXPECT_EQ(snapshot.chains.size(), 1u);
    Strings targets;
    for (const uint32_t index : snapshot.chains.at(0).targets) targets.push_back(snapshot.targets[index].name);
    return targets;
  }

  const Catalogue catalogue_ = *Catalogue::Builtin();
  std::string text_;
};

TEST_F(KeyConfigTest, WithoutAKnownKeyThereIsNone) {
  EXPECT_EQ(ConfigForKeys([](const std::string&) { return false; }), std::nullopt);
  EXPECT_EQ(ConfigForKeys([](const std::string& name) { return name == "SOME_API_KEY"; }), std::nullopt);
}

TEST_F(KeyConfigTest, EachKnownKeyAloneIsAConfigurationThatServes) {
  ASSERT_GE(KnownKeyVariables().size(), 4u);
  for (const std::string& variable : KnownKeyVariables()) {
    EXPECT_GE(Targets({variable}).size(), 1u) << variable;
    EXPECT_NE(text_.find("env: " + variable), std::string::npos);
  }
}

TEST_F(KeyConfigTest, SeveralKeysAreOneChainWithTheLargerModelFirst) {
  EXPECT_EQ(Targets({"OPENROUTER_API_KEY", "CEREBRAS_API_KEY", "GROQ_API_KEY"}),
            (Strings{"groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b", "cerebras/gpt-oss-120b",
                     "openrouter/openai/gpt-oss-20b:free"}));
}

TEST_F(KeyConfigTest, AKeyThatCostsMoneyIsOffWhileThereIsAFreeOne) {
  EXPECT_EQ(Targets({"OPENAI_API_KEY", "CEREBRAS_API_KEY"}), (Strings{"cerebras/gpt-oss-120b"}));
  EXPECT_NE(text_.find("enabled: false"), std::string::npos) << "it is there to be switched on";
  EXPECT_NE(text_.find("Costs money"), std::string::npos);
  EXPECT_EQ(Targets({"OPENAI_API_KEY"}), (Strings{"openai/gpt-4o-mini"}));
  EXPECT_EQ(text_.find("enabled: false"), std::string::npos);
}

TEST_F(KeyConfigTest, KeysAreReferencesAndNeverValues) {
  setenv("GROQ_API_KEY", "gsk_a-real-value", 1);
  Targets({"GROQ_API_KEY"});
  EXPECT_EQ(text_.find("gsk_a-real-value"), std::string::npos);
  unsetenv("GROQ_API_KEY");
}

TEST_F(KeyConfigTest, NamesTheKeysThatAreSet) {
  EXPECT_EQ(KeysSet([](const std::string& name) { return name == "OPENAI_API_KEY" || name == "GROQ_API_KEY"; }),
            (Strings{"GROQ_API_KEY", "OPENAI_API_KEY"}));
}

}  // namespace
}  // namespace chain429
