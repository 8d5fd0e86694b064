#include "controlplane/ctl/init/starter_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "controlplane/revisions/config_source.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

class StarterConfigTest : public testing::Test {
 protected:
  // The configuration for these variables, which has to be one that serves without a warning.
  void Write(const std::set<std::string>& variables) {
    const auto has = [&](const std::string& name) { return variables.contains(name); };
    const FoundKeys keys = FindKeys(catalogue_, has);
    text_ = StarterConfig(keys.providers, servers_, "429ctl init", zones_);
    Environment environment;
    environment.variable = [&](const std::string& name) {
      return has(name) ? std::optional<std::string>("value-of-" + name) : std::nullopt;
    };
    environment.file = [](const std::string&, size_t) -> absl::StatusOr<std::string> {
      return absl::NotFoundError("none");
    };
    ConfigSource source({&catalogue_, zones_, environment, Version(1)});
    const LoadReport report = source.Load(text_, "429chain.yaml");
    ASSERT_TRUE(report.accepted) << source.last_error() << text_;
    EXPECT_EQ(FormatProblems("429chain.yaml", report.problems), "") << text_;
    snapshot_ = *source.snapshot();
    EXPECT_EQ(snapshot_.default_chain, kAutoChain);
  }
  Strings Targets(const std::string& chain) const {
    Strings targets;
    for (const auto& found : snapshot_.chains) {
      if (found.name != chain) continue;
      for (const uint32_t index : found.targets) targets.push_back(snapshot_.targets[index].name);
    }
    return targets;
  }
  bool Has(const std::string& part) const { return text_.find(part) != std::string::npos; }

  const Catalogue catalogue_ = *Catalogue::Builtin();
  std::vector<LocalServer> servers_;
  ZoneLookup zones_ = [](std::string_view) { return ZoneAnswer::kKnown; };
  std::string text_;
  Snapshot snapshot_;
};

TEST_F(StarterConfigTest, EachProviderAloneIsAConfigurationThatServesEveryChain) {
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
    Write({entry->setup->keys.front()});
    for (const std::string chain : {"auto", "fast", "smart", "long-context"})
      EXPECT_GE(Targets(chain).size(), 1u) << entry->kind << " " << chain;
  }
}

TEST_F(StarterConfigTest, EveryPairAndAllProvidersTogetherServe) {
  std::set<std::string> all;
  for (const CatalogueEntry* one : KindsWithKeys(catalogue_)) {
    all.insert(one->setup->keys.front());
    for (const CatalogueEntry* other : KindsWithKeys(catalogue_)) {
      if (one < other) Write({one->setup->keys.front(), other->setup->keys.front()});
    }
  }
  Write(all);
  EXPECT_GE(Targets("auto").size(), 20u);
}

TEST_F(StarterConfigTest, OnlyModelsOfThePlanAreUsed) {
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
    std::set<std::string> offered;
    for (const SetupModel& model : entry->setup->models) offered.insert(entry->kind + "/" + model.id);
    Write({entry->setup->keys.front()});
    for (const std::string chain : {"auto", "fast", "smart", "long-context"}) {
      for (const std::string& target : Targets(chain)) EXPECT_TRUE(offered.contains(target)) << target;
    }
  }
}

TEST_F(StarterConfigTest, ModelsOfThePlanAreKnownToTheCatalogue) {
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
    for (const SetupModel& model : entry->setup->models) {
      const bool known = std::any_of(entry->models.begin(), entry->models.end(),
                                     [&](const CatalogueModel& own) { return own.id == model.id; });
      EXPECT_TRUE(known || entry->models.empty()) << entry->kind << "/" << model.id;
    }
  }
}

TEST_F(StarterConfigTest, TheBestModelComesFirst) {
  Write({"OPENROUTER_API_KEY", "CEREBRAS_API_KEY", "GROQ_API_KEY"});
  const Strings targets = Targets("auto");
  ASSERT_GE(targets.size(), 4u);
  EXPECT_EQ(targets[0], "groq/openai/gpt-oss-120b");
  EXPECT_EQ(targets[1], "cerebras/gpt-oss-120b");
}

TEST_F(StarterConfigTest, FastIsOrderedBySpeedAndSmartByQuality) {
  Write({"GROQ_API_KEY", "NVIDIA_API_KEY"});
  EXPECT_TRUE(Targets("fast").front().starts_with("groq/")) << absl::StrJoin(Targets("fast"), " ");
  EXPECT_EQ(Targets("smart").front(), "nvidia/z-ai/glm-5.2");
  EXPECT_EQ(Targets("fast").size(), Targets("auto").size()) << "the others come after those that suit";
}

TEST_F(StarterConfigTest, LongContextLeavesOutWhereSoManyTokensAMinuteDoNotFit) {
  Write({"GROQ_API_KEY", "OPENROUTER_API_KEY"});
  for (const std::string& target : Targets("long-context")) EXPECT_TRUE(target.starts_with("openrouter/")) << target;
  EXPECT_EQ(Targets("long-context").front(), "openrouter/nvidia/nemotron-3-super-120b-a12b:free");
  EXPECT_EQ(Targets("long-context").back(), "openrouter/openai/gpt-oss-20b:free");
}

TEST_F(StarterConfigTest, WhatCostsMoneyIsOffWhileThereIsAnythingElse) {
  Write({"OPENAI_API_KEY", "CEREBRAS_API_KEY"});
  for (const std::string chain : {"auto", "fast", "smart", "long-context"}) {
    for (const std::string& target : Targets(chain)) EXPECT_TRUE(target.starts_with("cerebras/")) << target;
  }
  EXPECT_TRUE(Has("model: \"gpt-4o-mini\", enabled: false")) << "it is there to be switched on";
  EXPECT_TRUE(Has("cost money"));
  Write({"OPENAI_API_KEY"});
  EXPECT_TRUE(Targets("auto").front().starts_with("openai/"));
  EXPECT_FALSE(Has("enabled: false"));
}

TEST_F(StarterConfigTest, FurtherKeysAreCredentialsWithAWordAboutPools) {
  Write({"GROQ_API_KEY", "GROQ_API_KEY_2", "GROQ_API_KEY_3"});
  EXPECT_TRUE(Has("- {name: main, env: GROQ_API_KEY}"));
  EXPECT_TRUE(Has("- {name: key-2, env: GROQ_API_KEY_2}"));
  EXPECT_TRUE(Has("- {name: key-3, env: GROQ_API_KEY_3}"));
  EXPECT_TRUE(Has("pool: second"));
}

TEST_F(StarterConfigTest, ToolsWithFixedModelNamesFindAChain) {
  Write({"GROQ_API_KEY"});
  std::set<std::string> names;
  for (const auto& chain : snapshot_.chains) names.insert(chain.aliases.begin(), chain.aliases.end());
  for (const std::string name : {"gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-3.5-turbo", "o3"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST_F(StarterConfigTest, LocalServersAloneAreAConfiguration) {
  servers_ = {{catalogue_.Find("ollama"), "http://127.0.0.1:11434/v1", {"llama3.2:latest", "a \"quoted\" one"}},
              {catalogue_.Find("llama.cpp"), "http://127.0.0.1:8080/v1", {"/models/x.gguf"}}};
  Write({});
  EXPECT_EQ(Targets("auto"),
            (Strings{"ollama/llama3.2:latest", "ollama/a \"quoted\" one", "llama.cpp//models/x.gguf"}));
  EXPECT_EQ(Targets("smart").size(), 3u);
}

TEST_F(StarterConfigTest, ALocalServerStandsBehindWhatIsFreeAndBeforeWhatIsUsedUp) {
  servers_ = {{catalogue_.Find("ollama"), "http://127.0.0.1:11434/v1", {"llama3.2"}}};
  Write({"GROQ_API_KEY", "HF_TOKEN"});
  const Strings targets = Targets("auto");
  const auto place = [&](const std::string& prefix) {
    return std::find_if(targets.begin(), targets.end(), [&](const auto& name) { return name.starts_with(prefix); });
  };
  EXPECT_LT(place("groq/"), place("ollama/"));
  EXPECT_LT(place("ollama/"), place("huggingface/"));
}

TEST_F(StarterConfigTest, WithoutTimeZoneDataADayIsTheLastTwentyFourHours) {
  Write({"GEMINI_API_KEY"});
  EXPECT_FALSE(Has("    windows:"));
  for (const ZoneAnswer answer : {ZoneAnswer::kUnknown, ZoneAnswer::kNoData}) {
    zones_ = [answer](std::string_view zone) { return zone == "UTC" ? ZoneAnswer::kKnown : answer; };
    Write({"GEMINI_API_KEY", "OPENROUTER_API_KEY"});
    EXPECT_TRUE(
        Has("    windows: {rpd: {kind: sliding}}\n    credentials:\n      - {name: main, env: GEMINI_API_KEY}"));
    EXPECT_EQ(text_.find("windows:"), text_.rfind("windows:")) << "UTC needs no data";
  }
}

TEST_F(StarterConfigTest, KeysAreReferencesAndNeverValues) {
  setenv("GROQ_API_KEY", "gsk_a-real-value", 1);
  Write({"GROQ_API_KEY"});
  EXPECT_FALSE(Has("gsk_a-real-value"));
  unsetenv("GROQ_API_KEY");
}

// What stands behind "# " in a line that is an example, rather than a sentence, has to be right as well.
TEST_F(StarterConfigTest, TheExamplesInCommentsAreValidToo) {
  Write({"GROQ_API_KEY"});
  std::string text;
  for (const auto& line : std::vector<std::string>(absl::StrSplit(text_, '\n'))) {
    const size_t mark = line.find("# ");
    const std::string rest = mark == std::string::npos ? "" : line.substr(mark + 2);
    const bool only_comment = mark != std::string::npos && line.find_first_not_of(' ') == mark;
    const std::string first = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    const bool example =
        only_comment && (first.starts_with("- {") || first.starts_with("auth:") || first.starts_with("client_keys:") ||
                         first.starts_with("limits:") || first.starts_with("mine:") || first.starts_with("kind:") ||
                         first.starts_with("base_url:") || first.starts_with("models:"));
    text += (example ? line.substr(0, mark) + rest : line) + "\n";
  }
  EXPECT_NE(text.find("\nauth:\n  client_keys:\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n    limits: {"), std::string::npos) << text;
  EXPECT_NE(text.find("pool: second}\n"), std::string::npos) << text;
  ConfigProblems problems;
  EXPECT_NE(ParseConfig(text, "c.yaml", catalogue_, zones_, problems), nullptr)
      << FormatProblems("c.yaml", problems.Sorted()) << text;
}

}  // namespace
}  // namespace chain429
