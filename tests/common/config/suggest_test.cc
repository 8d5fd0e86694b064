#include "common/config/suggest.h"

#include <vector>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

const std::vector<std::string> kKeys = {"targets",     "model", "base_url", "credentials",
                                        "client_keys", "rpm",   "rpd",      "c"};

TEST(Suggest, SlipsAreUnderstood) {
  EXPECT_EQ(Suggest("modle", kKeys), "model");
  EXPECT_EQ(Suggest("Model", kKeys), "model");
  EXPECT_EQ(Suggest("target", kKeys), "targets");
  EXPECT_EQ(Suggest("baseurl", kKeys), "base_url");
  EXPECT_EQ(Suggest("base-url", kKeys), "base_url");
  EXPECT_EQ(Suggest("credentails", kKeys), "credentials");
  EXPECT_EQ(Suggest("keys", kKeys), "client_keys");
  EXPECT_EQ(Suggest("model_name", kKeys), "model");
  EXPECT_EQ(Suggest("rmp", kKeys), "rpm");
}

TEST(Suggest, OtherWordsAreNot) {
  for (const char* word : {"", "d", "zzz", "wait", "enabled", "xy"}) EXPECT_EQ(Suggest(word, kKeys), "") << word;
  EXPECT_EQ(Suggest("a", {}), "");
}

TEST(Suggest, EndlessWordsAreNotTried) {
  EXPECT_EQ(Suggest(std::string(1'000'000, 'm'), kKeys), "");
  EXPECT_EQ(Suggest("modle", std::vector<std::string>{std::string(1'000'000, 'm')}), "");
}

}  // namespace
}  // namespace chain429
