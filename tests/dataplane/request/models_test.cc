#include "dataplane/request/models.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/dataplane/request/snapshot_for_tests.h"

namespace chain429 {
namespace {

using Names = std::vector<std::string>;

class ModelsTest : public testing::Test {
 protected:
  ModelsTest() {
    made.AddProvider("groq");
    made.AddProvider("off").enabled = false;
    made.ServesCanonical(0, "openai/gpt-oss-120b", "gpt-oss-120b", 131072);
    made.ServesCanonical(0, "unused", "never-listed");
    const auto big = made.AddTargets(0, "openai/gpt-oss-120b");
    const auto off = made.AddTargets(1, "m");
    made.AddChain("coding", {big[0], off[0]}, {"gpt-4o", "gpt-4o-mini"});
    made.AddChain("other", {off[0]});
    restricted.chains = {"other"};
  }
  static Names IdsOf(const std::string& list) {
    const auto parsed = nlohmann::json::parse(list, nullptr, false);
    EXPECT_EQ(parsed["object"], "list");
    Names ids;
    for (const auto& model : parsed["data"]) ids.push_back(model["id"]);
    return ids;
  }
  SnapshotForTests made;
  ClientKey restricted;
};

TEST_F(ModelsTest, ListHasChainsAliasesCanonicalModelsAndTargets) {
  EXPECT_EQ(IdsOf(ModelList(*made.Done(), nullptr)),
            (Names{"coding", "gpt-4o", "gpt-4o-mini", "other", "gpt-oss-120b", "groq/openai/gpt-oss-120b"}));
}

TEST_F(ModelsTest, ARestrictedKeySeesItsChainsOnly) {
  EXPECT_EQ(IdsOf(ModelList(*made.Done(), &restricted)), (Names{"other"}));
  restricted.chains = {"coding"};
  EXPECT_EQ(IdsOf(ModelList(*made, &restricted)), (Names{"coding", "gpt-4o", "gpt-4o-mini"}));
}

TEST_F(ModelsTest, FurtherNamesOfAKnownModelAreListed) {
  made->providers[0].models[0].aliases = {"oss-big"};
  made->providers[0].models[1].aliases = {"never-listed-either"};
  EXPECT_EQ(IdsOf(ModelList(*made.Done(), nullptr)),
            (Names{"coding", "gpt-4o", "gpt-4o-mini", "other", "gpt-oss-120b", "oss-big", "groq/openai/gpt-oss-120b"}));
}

TEST_F(ModelsTest, ARestrictedKeyIsToldOfItsOwnChainsAlone) {
  EXPECT_EQ(UnknownModelMessage(*made.Done(), &restricted, "coding"),
            "There is no model \"coding\" for this key. The chains that it may use are: other.");
}

TEST_F(ModelsTest, ListOfNothingIsAList) {
  SnapshotForTests empty;
  EXPECT_EQ(ModelList(*empty.Done(), nullptr), R"({"object":"list","data":[]})");
}

TEST_F(ModelsTest, EachModelHasOpenAisShape) {
  made.Done();
  const auto chain = nlohmann::json::parse(ModelObject(*made, nullptr, "coding"));
  EXPECT_EQ(chain["id"], "coding");
  EXPECT_EQ(chain["object"], "model");
  EXPECT_EQ(chain["created"], 0);
  EXPECT_EQ(chain["owned_by"], "429chain");
  EXPECT_EQ(chain["context_length"], 131072) << "a chain takes what its largest target takes";
  EXPECT_EQ(nlohmann::json::parse(ModelObject(*made, nullptr, "groq/openai/gpt-oss-120b"))["owned_by"], "groq");
  EXPECT_FALSE(nlohmann::json::parse(ModelObject(*made, nullptr, "other")).contains("context_length")) << "unknown";
}

TEST_F(ModelsTest, AnUnknownModelIsNoObject) {
  made.Done();
  for (const std::string_view id : {"", "codin", "off/m", "never-listed", "groq", "groq/"})
    EXPECT_EQ(ModelObject(*made, nullptr, id), "") << id;
  EXPECT_EQ(ModelObject(*made, &restricted, "coding"), "");
  EXPECT_EQ(ModelObject(*made, &restricted, "groq/openai/gpt-oss-120b"), "");
}

TEST_F(ModelsTest, ATargetInTwoGroupsIsListedOnce) {
  made.AddProvider("two", {"a", "b"});
  EXPECT_EQ(made.AddTargets(2, "m").size(), 2u);
  const Names ids = IdsOf(ModelList(*made.Done(), nullptr));
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "two/m"), 1);
}

TEST_F(ModelsTest, NamesAreEscaped) {
  made.AddTargets(0, "a\"b\\\n");
  made.Done();
  EXPECT_EQ(nlohmann::json::parse(ModelObject(*made, nullptr, "groq/a\"b\\\n"))["id"], "groq/a\"b\\\n");
}

TEST_F(ModelsTest, UnknownModelNamesEveryChain) {
  made.Done();
  EXPECT_EQ(UnknownModelMessage(*made, nullptr, "gpt-5"),
            "There is no model \"gpt-5\". The chains are: coding, other. A model can also be named as provider/model.");
  EXPECT_EQ(UnknownModelMessage(*made, nullptr, "codign"),
            "There is no model \"codign\". Did you mean \"coding\"? The chains are: coding, other. A model can also be "
            "named as provider/model.");
  EXPECT_EQ(UnknownModelMessage(*made, &restricted, "codign").find("coding"), std::string::npos)
      << "nor chains that are not for this key";
}

TEST_F(ModelsTest, UnknownModelNamesAtMostTwentyChainsThenACount) {
  const auto message_with = [](int chains) {
    SnapshotForTests many;
    many.AddProvider("p");
    const auto targets = many.AddTargets(0, "m");
    for (int i = 1; i <= chains; ++i) many.AddChain("c" + std::to_string(i), targets);
    return UnknownModelMessage(*many.Done(), nullptr, "zzzzzzzzzz");
  };
  EXPECT_NE(message_with(20).find("c19, c20. A model"), std::string::npos) << message_with(20);
  EXPECT_NE(message_with(21).find("c19, c20 and 1 more. A model"), std::string::npos) << message_with(21);
  EXPECT_EQ(message_with(300).find("c21"), std::string::npos);
  EXPECT_NE(message_with(300).find("and 280 more"), std::string::npos);
}

TEST_F(ModelsTest, UnknownModelCutsALongName) {
  const std::string message = UnknownModelMessage(*made.Done(), nullptr, std::string(10'000, 'x'));
  EXPECT_LT(message.size(), 300u);
}

TEST_F(ModelsTest, WithoutChainsTheMessageSaysSo) {
  SnapshotForTests empty;
  EXPECT_EQ(UnknownModelMessage(*empty.Done(), nullptr, "m"), "There is no model \"m\". No chain is configured yet.");
}

TEST_F(ModelsTest, AnUnknownChainIsNoModel) {
  made.Done();
  EXPECT_EQ(UnknownChainMessage(*made, nullptr, "codign"),
            "There is no chain \"codign\". Did you mean \"coding\"? The chains are: coding, other.");
  EXPECT_EQ(UnknownChainMessage(*made, &restricted, "coding"),
            "There is no chain \"coding\" for this key. The chains that it may use are: other.");
}

}  // namespace
}  // namespace chain429
