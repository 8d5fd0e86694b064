#include "common/config/base_url.h"

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(BaseUrl, PartsAreTaken) {
  const struct {
    const char* text;
    Endpoint endpoint;
  } kCases[] = {
      {"https://api.groq.com/openai/v1", {true, "api.groq.com", 443, "/openai/v1", "api.groq.com"}},
      {"http://127.0.0.1:8000/v1/", {false, "127.0.0.1", 8000, "/v1", "127.0.0.1:8000"}},
      {"HTTP://LocalHost", {false, "localhost", 80, "", "localhost"}},
      {"https://h:443", {true, "h", 443, "", "h"}},
      {"https://h:80/", {true, "h", 80, "", "h:80"}},
      {"http://[::1]:9/x", {false, "::1", 9, "/x", "[::1]:9"}},
      {"https://[2001:db8::1]", {true, "2001:db8::1", 443, "", "[2001:db8::1]"}},
      {"https://h/a//b", {true, "h", 443, "/a//b", "h"}},
  };
  for (const auto& test : kCases) {
    const absl::StatusOr<Endpoint> parsed = ParseBaseUrl(test.text);
    ASSERT_TRUE(parsed.ok()) << test.text << parsed.status();
    EXPECT_EQ(*parsed, test.endpoint) << test.text;
  }
}

TEST(BaseUrl, RefusesWhatCannotBeCalledWithoutRepeatingIt) {
  for (const char* text : {"",
                           "secret",
                           "api.secret.com/v1",
                           "ftp://secret",
                           "https://",
                           "https:///secret",
                           "http://:80/secret",
                           "https://h:0/secret",
                           "https://h:65536",
                           "https://h:99999999999999999999",
                           "https://h:-1",
                           "https://h:8x",
                           "https://h:/secret",
                           "https://u:secret@h/",
                           "https://secret@h",
                           "https://h/?secret=1",
                           "https://h/#secret",
                           "https://h\r\nX: secret",
                           "https://h/ secret",
                           "https://h/\tsecret",
                           "https://h/\x7fsecret",
                           "https://[::1",
                           "https://[zz]",
                           "https://[::1]x",
                           "https://::1/",
                           "https://h..secret",
                           "https://-h",
                           "https://.h",
                           "https://h\\secret",
                           "https://h\xC3\xA9",
                           "https://h%20secret/",
                           "https://[v1.secret]"}) {
    const absl::StatusOr<Endpoint> parsed = ParseBaseUrl(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().ToString().find("secret"), std::string::npos) << text;
  }
  EXPECT_FALSE(ParseBaseUrl("https://h/" + std::string(5000, 'a')).ok());
}

TEST(BaseUrl, LoopbackIsKnown) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  for (const char* host :
       {"128.0.0.1", "0.0.0.0", "10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "::2", "::", "127.1"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace chain429
