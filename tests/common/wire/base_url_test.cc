#include <gtest/gtest.h>

#include "common/wire/model_wire.h"

namespace chain429::wire {
namespace {

TEST(BaseUrl, KeepsThePathAndLeavesTheSchemesOwnPortOutOfTheHostHeader) {
  const auto endpoint = ParseBaseUrl("https://api.groq.com/openai/v1/");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(
      *endpoint,
      (Endpoint{
          .tls = true, .host = "api.groq.com", .port = 443, .path = "/openai/v1", .host_header = "api.groq.com"}));
  EXPECT_EQ(BaseUrl(*endpoint), "https://api.groq.com:443/openai/v1");
  EXPECT_EQ(*ParseBaseUrl(BaseUrl(*endpoint)), *endpoint);
}

TEST(BaseUrl, TakesPortsAndIpv6) {
  const auto endpoint = ParseBaseUrl("http://[::1]:8000");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(*endpoint, (Endpoint{.tls = false, .host = "::1", .port = 8000, .path = "", .host_header = "[::1]:8000"}));
  EXPECT_EQ(BaseUrl(*endpoint), "http://[::1]:8000");
}

TEST(BaseUrl, RefusesWhatIsNone) {
  for (const char* url : {"",
                          "ftp://a",
                          "http://",
                          "http://:80",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:x",
                          "http://a:",
                          "http://u@a",
                          "http://a/?q",
                          "http://a#f",
                          "http://a b",
                          "http://a\r\n",
                          "http://[::1",
                          "http://[::1]x",
                          "http://[]",
                          "http://[a]",
                          "http://[[::1]",
                          "http://a]b",
                          "http://a[b"}) {
    EXPECT_FALSE(ParseBaseUrl(url).ok()) << url;
  }
}

}  // namespace
}  // namespace chain429::wire
