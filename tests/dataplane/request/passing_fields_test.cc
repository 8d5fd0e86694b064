#include "dataplane/request/passing_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace chain429 {
namespace {

bool Up(std::string_view name, std::string_view connection = {}, const Provider& provider = {}) {
  RequestHead head;
  head.connection = connection;
  return PassesUp({name, "v"}, head, provider);
}

bool Down(std::string_view name, std::string_view connection = {}) {
  ResponseHead head;
  head.connection = connection;
  return PassesDown({name, "v"}, head);
}

TEST(PassingFields, TheClientsKeyHostCookiesAndConnectionStayHere) {
  for (const char* name : {"Authorization", "AUTHORIZATION", "x-api-key", "Host", "Cookie", "Connection", "Keep-Alive",
                           "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "Proxy-Connection",
                           "Content-Length", "Expect", "Accept-Encoding", "x-429chain-trail", "X-429Chain-Anything"}) {
    EXPECT_FALSE(Up(name)) << name;
  }
}

TEST(PassingFields, EverythingElseOfTheClientGoesOn) {
  for (const char* name : {"Content-Type", "User-Agent", "x-stainless-lang", "OpenAI-Organization", "Accept", "x-429",
                           "x-429chai", "Authorization2", "x-request-id"}) {
    EXPECT_TRUE(Up(name)) << name;
  }
}

TEST(PassingFields, WhatConnectionListsStaysOnItsConnection) {
  EXPECT_FALSE(Up("X-Hop", "keep-alive, x-hop"));
  EXPECT_TRUE(Up("X-Hop", "keep-alive, x-other"));
  EXPECT_FALSE(Down("X-Hop", "x-hop"));
}

TEST(PassingFields, TheConfigurationsHeadersTakeTheClientsPlace) {
  Provider provider;
  provider.headers = {{"X-Team", "a"}};
  EXPECT_FALSE(Up("x-team", {}, provider));
  EXPECT_TRUE(Up("x-teams", {}, provider));
}

TEST(PassingFields, TheProvidersCookiesConnectionAndOurOwnNamesDoNotReachTheClient) {
  for (const char* name : {"Set-Cookie", "Connection", "Transfer-Encoding", "Content-Length", "X-Request-Id",
                           "x-429chain-target", "Keep-Alive"}) {
    EXPECT_FALSE(Down(name)) << name;
  }
  for (const char* name :
       {"Content-Type", "x-ratelimit-remaining-requests", "retry-after", "openai-processing-ms", "Date"}) {
    EXPECT_TRUE(Down(name)) << name;
  }
}

TEST(PassingFields, KnowsWhatTellsOfOneAccountsLimits) {
  const auto tells = [](const char* name, bool error) { return TellsOfLimits({name, "1"}, error); };
  for (const char* name : {"x-ratelimit-limit-requests", "X-RateLimit-Reset-Tokens", "x-ratelimit-limit-requests-day",
                           "RateLimit", "ratelimit-policy"}) {
    EXPECT_TRUE(tells(name, false)) << name;
    EXPECT_TRUE(tells(name, true)) << name;
  }
  EXPECT_TRUE(tells("Retry-After", false));
  EXPECT_FALSE(tells("Retry-After", true)) << "an error that is handed back says when it may be tried again";
  for (const char* name : {"content-type", "x-rate", "x-request-id", "date"}) EXPECT_FALSE(tells(name, false)) << name;
}

}  // namespace
}  // namespace chain429
