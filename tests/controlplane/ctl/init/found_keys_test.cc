#include "controlplane/ctl/init/found_keys.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <set>

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

class FoundKeysTest : public testing::Test {
 protected:
  FoundKeys Find(const std::set<std::string>& variables) const {
    return FindKeys(catalogue_, [&](const std::string& name) { return variables.contains(name); });
  }

  const Catalogue catalogue_ = *Catalogue::Builtin();
};

TEST_F(FoundKeysTest, WithoutAKnownVariableThereIsNothing) {
  EXPECT_TRUE(Find({}).providers.empty());
  EXPECT_TRUE(Find({"SOME_API_KEY", "GROQ_KEY"}).providers.empty());
}

TEST_F(FoundKeysTest, EveryProviderIsFoundByEachOfItsVariables) {
  ASSERT_GE(KindsWithKeys(catalogue_).size(), 12u);
  for (const CatalogueEntry* entry : KindsWithKeys(catalogue_)) {
    for (const std::string& name : entry->setup->keys) {
      const FoundKeys found = Find({name});
      ASSERT_EQ(found.providers.size(), 1u) << name;
      EXPECT_EQ(found.providers[0].entry->kind, entry->kind);
      EXPECT_EQ(found.providers[0].variables, Strings{name});
    }
  }
}

TEST_F(FoundKeysTest, NumberedVariablesAreFurtherKeysOfTheSameProvider) {
  EXPECT_EQ(Find({"GROQ_API_KEY_3", "GROQ_API_KEY", "GROQ_API_KEY_2"}).Variables(),
            (Strings{"GROQ_API_KEY", "GROQ_API_KEY_2", "GROQ_API_KEY_3"}));
  EXPECT_EQ(Find({"GROQ_API_KEY_1", "GROQ_API_KEY_2"}).Variables(), (Strings{"GROQ_API_KEY_1", "GROQ_API_KEY_2"}));
  EXPECT_EQ(Find({"GROQ_API_KEY_X"}).Variables(), Strings());
}

TEST_F(FoundKeysTest, WhatIsFreeStandsBeforeWhatIsPaidFor) {
  EXPECT_EQ(Find({"OPENAI_API_KEY", "CEREBRAS_API_KEY", "HF_TOKEN", "GROQ_API_KEY"}).Variables(),
            (Strings{"GROQ_API_KEY", "CEREBRAS_API_KEY", "HF_TOKEN", "OPENAI_API_KEY"}));
}

TEST_F(FoundKeysTest, ASecondNameForOneKeyIsLeftOutAndSaid) {
  const FoundKeys found = Find({"GEMINI_API_KEY", "GOOGLE_API_KEY"});
  EXPECT_EQ(found.Variables(), Strings{"GEMINI_API_KEY"});
  ASSERT_EQ(found.unused.size(), 1u);
  EXPECT_EQ(found.unused[0].name, "GOOGLE_API_KEY");
  EXPECT_EQ(found.unused[0].why, "there is GEMINI_API_KEY already");
}

TEST_F(FoundKeysTest, AKeyOfADialectThatIsNotSpokenYetIsLeftOutAndSaid) {
  const FoundKeys found = Find({"ANTHROPIC_API_KEY"});
  EXPECT_TRUE(found.providers.empty());
  ASSERT_EQ(found.unused.size(), 1u);
  EXPECT_NE(found.unused[0].why.find("comes later"), std::string::npos);
}

TEST_F(FoundKeysTest, AVariableThatTheCatalogueLearnsIsNoLongerLeftOut) {
  const Catalogue catalogue = *Catalogue::Parse(
      {{"a.yaml",
        "kind: anthropic\nsetup: {keys: [ANTHROPIC_API_KEY], plan: paid, models: {m: {quality: 5, speed: 5}}}"}});
  const FoundKeys found = FindKeys(catalogue, [](const std::string& name) { return name == "ANTHROPIC_API_KEY"; });
  EXPECT_EQ(found.Variables(), Strings{"ANTHROPIC_API_KEY"});
  EXPECT_TRUE(found.unused.empty());
}

TEST(SystemVariables, AnEmptyVariableIsNotSet) {
  setenv("CHAIN429_TEST_VARIABLE", "", 1);
  EXPECT_FALSE(SystemVariables()("CHAIN429_TEST_VARIABLE"));
  setenv("CHAIN429_TEST_VARIABLE", "x", 1);
  EXPECT_TRUE(SystemVariables()("CHAIN429_TEST_VARIABLE"));
  unsetenv("CHAIN429_TEST_VARIABLE");
  EXPECT_FALSE(SystemVariables()("CHAIN429_TEST_VARIABLE"));
}

}  // namespace
}  // namespace chain429
