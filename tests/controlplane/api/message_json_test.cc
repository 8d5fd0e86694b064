#include "controlplane/api/message_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "chain429/v1/admin.pb.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

TEST(MessageJson, HasEveryFieldAlsoWhereItWasNotSet) {
  const Json json = Json::parse(MessageJson(v1::PoolInfo()));
  EXPECT_EQ(
      json,
      Json::parse(R"({"id": "0", "key": "", "closure": "none", "closed_for_ns": 0, "authoritative": false, "limits": [],
                                 "open_attempts": 0,
                                 "shares_account_with": "", "shares_confidence": 0, "models_apart": false})"));
}

TEST(MessageJson, KeepsTheOrderOfTheFields) {
  const std::string text = MessageJson(v1::PoolInfo());
  EXPECT_LT(text.find("\"id\""), text.find("\"key\""));
  EXPECT_LT(text.find("\"key\""), text.find("\"closure\""));
  EXPECT_EQ(text.back(), '\n');
}

TEST(MessageJson, NumbersStayNumbersButIdsWhichNoJsonNumberHoldsAreText) {
  v1::PoolInfo pool;
  pool.set_id(UINT64_MAX);
  pool.set_closed_for_ns(INT64_MAX);
  const Json json = Json::parse(MessageJson(pool));
  EXPECT_EQ(json.at("id"), "18446744073709551615");
  EXPECT_TRUE(json.at("closed_for_ns").is_number());
  EXPECT_EQ(json.at("closed_for_ns"), INT64_MAX);
}

TEST(MessageJson, EnumsAreTheirWordsInSmallLetters) {
  v1::PoolInfo pool;
  pool.set_closure(v1::CLOSURE_QUOTA_EXHAUSTED);
  v1::Limit* limit = pool.add_limits()->mutable_limit();
  limit->set_unit(v1::UNIT_INPUT_TOKENS);
  limit->set_window_kind(v1::WINDOW_KIND_FIXED);
  limit->set_provenance(v1::PROVENANCE_STATED);
  const Json json = Json::parse(MessageJson(pool));
  EXPECT_EQ(json.at("closure"), "quota_exhausted");
  const Json& written = json.at("limits").at(0).at("limit");
  EXPECT_EQ(written.at("unit"), "input_tokens");
  EXPECT_EQ(written.at("window_kind"), "fixed");
  EXPECT_EQ(written.at("provenance"), "stated");
}

TEST(MessageJson, AMessageThatIsNotThereIsNull) {
  v1::PoolInfo pool;
  pool.add_limits();
  EXPECT_EQ(Json::parse(MessageJson(pool)).at("limits").at(0).at("limit"), nullptr);
}

TEST(MessageJson, TextOfAnyKindStaysJson) {
  v1::ProxyInfo proxy;
  proxy.set_node("a\"b\\c\n\x01\x1b[31m ünï");
  EXPECT_EQ(Json::parse(MessageJson(proxy)).at("node"), "a\"b\\c\n\x01\x1b[31m ünï");
  proxy.set_node("bad \xff\xc3 bytes");
  EXPECT_TRUE(Json::accept(MessageJson(proxy)));
}

TEST(MessageJson, ListsKeepTheirOrder) {
  v1::ChainInfo chain;
  for (const std::string target : {"b/x", "a/y", "c/z"}) chain.add_targets(target);
  EXPECT_EQ(Json::parse(MessageJson(chain)).at("targets"), Json({"b/x", "a/y", "c/z"}));
}

}  // namespace
}  // namespace chain429
