#include "controlplane/ctl/up/banner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chain429 {
namespace {

BannerFacts Facts() {
  BannerFacts facts;
  facts.api = {"127.0.0.1", 4290};
  facts.admin = {"127.0.0.1", 4291};
  facts.grpc = {"127.0.0.1", 4292};
  facts.http = {"127.0.0.1", 4293};
  facts.chain = "coding";
  facts.config_file = "/home/me/429chain.yaml";
  facts.ctl_path = "build/release/bin/429ctl";
  return facts;
}

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Banner, SaysWhereToCallWhatAndHowInThreeLanguages) {
  const std::string text = Banner(Facts(), false);
  EXPECT_TRUE(Has(text, "http://127.0.0.1:4290/v1"));
  EXPECT_TRUE(Has(text, "curl -s http://127.0.0.1:4290/v1/chat/completions -H 'content-type: application/json'"));
  EXPECT_TRUE(Has(text, R"("model":"coding")"));
  EXPECT_TRUE(Has(text, "from openai import OpenAI"));
  EXPECT_TRUE(Has(text, R"(base_url="http://127.0.0.1:4290/v1")"));
  EXPECT_TRUE(Has(text, R"(import OpenAI from "openai";)"));
  EXPECT_TRUE(Has(text, R"(baseURL: "http://127.0.0.1:4290/v1")"));
  EXPECT_TRUE(Has(text, "http://127.0.0.1:4291/metrics"));
  EXPECT_TRUE(Has(text, "http://127.0.0.1:4293/"));
  EXPECT_TRUE(Has(text, "/home/me/429chain.yaml"));
  EXPECT_FALSE(Has(text, "simulated"));
  EXPECT_FALSE(Has(text, "\x1b"));
}

TEST(Banner, WithoutClientKeysTheExamplesShowNone) {
  const std::string text = Banner(Facts(), false);
  EXPECT_FALSE(Has(text, "Authorization"));
  EXPECT_TRUE(Has(text, R"(api_key="unused")"));
  EXPECT_TRUE(Has(text, R"(apiKey: "unused")"));
}

TEST(Banner, WithClientKeysTheExamplesNameTheVariable) {
  BannerFacts facts = Facts();
  facts.client_key_variable = "CHAIN429_API_KEY";
  const std::string text = Banner(facts, false);
  EXPECT_TRUE(Has(text, "-H \"Authorization: Bearer $CHAIN429_API_KEY\""));
  EXPECT_TRUE(Has(text, "os.environ[\"CHAIN429_API_KEY\"]"));
  EXPECT_TRUE(Has(text, "import os"));
  EXPECT_TRUE(Has(text, "process.env.CHAIN429_API_KEY"));
}

TEST(Banner, TheDemoSaysHowToGoReal) {
  BannerFacts facts = Facts();
  facts.demo = true;
  facts.key_variables = {"GROQ_API_KEY", "GEMINI_API_KEY"};
  EXPECT_TRUE(
      Has(Banner(facts, false), "The providers are simulated. To go real, set one of\nGROQ_API_KEY, GEMINI_API_KEY "));
  facts.traffic = true;
  EXPECT_TRUE(Has(Banner(facts, false), "simulated, with a request every two seconds"));
}

TEST(Banner, SaysWhichModelsThereAreWhatTheyGiveAndWhereTheStateIs) {
  BannerFacts facts = Facts();
  EXPECT_FALSE(Has(Banner(facts, false), "Models:"));
  facts.chains = {"auto", "fast"};
  facts.free_tiers = "FREE TIER  REQUESTS/DAY\nGroq       3,000\n";
  facts.state_folder = "/home/me/.local/state/429chain";
  const std::string text = Banner(facts, false);
  EXPECT_TRUE(Has(text, "Models: auto, fast\n"));
  EXPECT_TRUE(Has(text, "\n    FREE TIER  REQUESTS/DAY\n    Groq       3,000\n")) << text;
  EXPECT_TRUE(Has(text, "    /home/me/.local/state/429chain    what outlives a restart"));
}

TEST(Banner, NamesTheControlPlaneOnlyWhereItIsNotWhere429ctlLooks) {
  EXPECT_TRUE(Has(Banner(Facts(), false), "    build/release/bin/429ctl pools"));
  BannerFacts facts = Facts();
  facts.grpc.port = 9999;
  EXPECT_TRUE(Has(Banner(facts, false), "    build/release/bin/429ctl --control 127.0.0.1:9999 pools"));
}

TEST(BannerJson, SaysTheSameOnOneLine) {
  BannerFacts facts = Facts();
  facts.chains = {"coding"};
  const std::string text = BannerJson(facts);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("base_url"), "http://127.0.0.1:4290/v1");
  EXPECT_EQ(json.at("model"), "coding");
  EXPECT_EQ(json.at("control"), "127.0.0.1:4292");
  EXPECT_EQ(json.at("config"), "/home/me/429chain.yaml");
}

TEST(Banner, IsColouredOnlyWhereThatIsWanted) {
  EXPECT_TRUE(Has(Banner(Facts(), true), "\x1b[32m429chain is ready.\x1b[0m"));
}

}  // namespace
}  // namespace chain429
