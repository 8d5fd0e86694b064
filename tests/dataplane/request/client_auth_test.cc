#include "dataplane/request/client_auth.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>

namespace chain429 {
namespace {

ClientKey Key(std::string name, std::string_view key, std::vector<std::string> chains = {}) {
  ClientKey made;
  made.name = std::move(name);
  made.sha256.resize(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
         reinterpret_cast<unsigned char*>(made.sha256.data()));
  made.chains = std::move(chains);
  return made;
}

class ClientAuth : public testing::Test {
 protected:
  ClientAuth() {
    snapshot.auth_required = true;
    snapshot.client_keys = {Key("app", "sk-app"), Key("team", "sk-team", {"coding"})};
  }
  std::string NameOf(std::string_view authorization) {
    const AuthResult result = Authenticate(snapshot, authorization);
    EXPECT_EQ(result.allowed, result.key != nullptr);
    return result.key == nullptr ? "" : result.key->name;
  }
  Snapshot snapshot;
};

TEST_F(ClientAuth, AKnownKeyIsAllowed) {
  EXPECT_EQ(NameOf("Bearer sk-app"), "app");
  EXPECT_EQ(NameOf("Bearer sk-team"), "team");
}

TEST_F(ClientAuth, TheSchemesCaseAndFurtherBlanksDoNotMatter) {
  EXPECT_EQ(NameOf("bearer sk-app"), "app");
  EXPECT_EQ(NameOf("BEARER   sk-app"), "app");
}

TEST_F(ClientAuth, EverythingElseIsRefused) {
  for (const std::string_view shown :
       {"", "Bearer", "Bearer ", "Bearer  ", "sk-app", "Basic sk-app", "Bearersk-app", "Bearer sk-App", "Bearer sk-ap",
        "Bearer sk-app1", "Bearer sk-app,sk-app", "Bearer sk-app sk-app", "Bearer Bearer sk-app", "Bearer\tsk-app"}) {
    EXPECT_EQ(NameOf(shown), "") << shown;
  }
}

TEST_F(ClientAuth, WithoutKeysNobodyIsAllowed) {
  snapshot.client_keys.clear();
  EXPECT_FALSE(Authenticate(snapshot, "Bearer sk-app").allowed);
  snapshot.client_keys = {ClientKey{.name = "broken", .sha256 = "short", .chains = {}}};
  EXPECT_FALSE(Authenticate(snapshot, "Bearer short").allowed);
}

TEST_F(ClientAuth, WhereNoneIsAskedForEverybodyIsAllowed) {
  snapshot.auth_required = false;
  for (const std::string_view shown : {"", "Bearer wrong", "Bearer sk-app"}) {
    const AuthResult result = Authenticate(snapshot, shown);
    EXPECT_TRUE(result.allowed);
    EXPECT_EQ(result.key, nullptr);
  }
}

TEST_F(ClientAuth, AKeyMayUseTheChainsThatItNamesOrAll) {
  EXPECT_TRUE(MayUse(nullptr, "coding"));
  EXPECT_TRUE(MayUse(&snapshot.client_keys[0], "anything"));
  EXPECT_TRUE(MayUse(&snapshot.client_keys[1], "coding"));
  EXPECT_FALSE(MayUse(&snapshot.client_keys[1], "codin"));
  EXPECT_FALSE(MayUse(&snapshot.client_keys[1], "groq/m"));
}

}  // namespace
}  // namespace chain429
