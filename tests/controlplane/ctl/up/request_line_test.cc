#include "controlplane/ctl/up/request_line.h"

#include <gtest/gtest.h>

#include "controlplane/ctl/up/log_line.h"

namespace chain429 {
namespace {

constexpr std::string_view kHead = "2026-11-24T12:00:00.123Z info 429chain-proxy: ";

std::string Shown(std::string_view rest) { return ReadLogLine(std::string(kHead).append(rest)).text; }

TEST(RequestLine, FieldsAreReadAsTheyWereWritten) {
  const LogFields fields = ReadLogFields(R"( a=1 b="two words" c="a \"quote\"\n\\" d="" e=x:y f="a=b")");
  const LogFields wanted = {{"a", "1"}, {"b", "two words"}, {"c", "a \"quote\"\n\\"},
                            {"d", ""},  {"e", "x:y"},       {"f", "a=b"}};
  EXPECT_EQ(fields, wanted);
}

TEST(RequestLine, WhatIsCutOffIsReadAsFarAsItGoes) {
  for (const std::string_view rest : {"", " ", "a", "a=", "a=\"", "a=\"b", "a=\"b\\", "a=\"b\\\"", "=", " =\"\" x"})
    ReadLogFields(rest);
  EXPECT_EQ(ReadLogFields(R"(a=1 b="cut)"), (LogFields{{"a", "1"}, {"b", "cut"}}));
}

TEST(RequestLine, SaysChainTargetStatusAndTime) {
  EXPECT_EQ(Shown("request request_id=req_1 method=POST path=/v1/chat/completions client=127.0.0.1:1 chain=demo "
                  "model=demo target=groq/m status=200 attempts=1 trail=\"groq/m;o=ok;s=200;ms=465\" stream=false "
                  "prompt_tokens=33 first_content_ms=466.461 latency_ms=466.547 bytes_in=116 bytes_out=422"),
            "demo -> groq/m 200 in 466 ms");
}

TEST(RequestLine, OfAStreamWhenItBeganAndOfAWalkHowLongItWas) {
  EXPECT_EQ(Shown("request chain=demo target=b/m status=200 attempts=3 trail=t stream=true first_content_ms=122.596 "
                  "latency_ms=480.068"),
            "demo -> b/m 200 in 480 ms, first content after 122 ms, 3 attempts");
}

TEST(RequestLine, OfAFailureWhyAndWhichItWas) {
  EXPECT_EQ(Shown("request request_id=req_1 chain=demo status=429 error=chain_exhausted attempts=2 "
                  "trail=\"a/m;o=rate_limited;s=429, b/m;o=timeout\" stream=false latency_ms=3.100"),
            "demo 429 chain_exhausted in 3 ms, 2 attempts, req_1: a/m;o=rate_limited;s=429, b/m;o=timeout");
  EXPECT_EQ(Shown("request request_id=req_1 chain=demo target=a/m status=200 error=stream_broken attempts=1 "
                  "trail=\"a/m;o=broken\" stream=true latency_ms=3.100"),
            "demo -> a/m 200 stream_broken in 3 ms, req_1: a/m;o=broken");
}

TEST(RequestLine, WithoutAChainMethodAndPath) {
  EXPECT_EQ(Shown("request request_id=req_1 method=GET path=/v1/models client=127.0.0.1:1 status=200 latency_ms=0.120"),
            "GET /v1/models 200 in 0 ms");
  EXPECT_EQ(Shown("request request_id=req_1 client=127.0.0.1:1 status=400 error=malformed_request latency_ms=1.000"),
            "request 400 malformed_request in 1 ms, req_1");
}

TEST(RequestLine, ALongTrailIsCut) {
  const std::string line =
      Shown("request chain=demo status=502 error=chain_exhausted latency_ms=1.000 trail=" + std::string(2000, 'x'));
  EXPECT_LT(line.size(), 400U);
  EXPECT_TRUE(line.ends_with("x…")) << line;
}

TEST(RequestLine, OfJsonTheSame) {
  const ShownLine line = ReadLogLine(
      R"({"time":"t","level":"warning","program":"p","message":"request","request_id":"req_1","chain":"demo",)"
      R"("status":502,"error":"chain_exhausted","attempts":2,"trail":"a/m;o=error","stream":true,"latency_ms":7.5})");
  EXPECT_EQ(line.text, "demo 502 chain_exhausted in 7 ms, 2 attempts, req_1: a/m;o=error");
  EXPECT_EQ(line.weight, LineWeight::kWarning);
}

TEST(RequestLine, WhereBodiesAreLoggedNothingIsLeftOut) {
  const std::string rest = "request chain=demo status=200 latency_ms=1.000 request_body=\"{}\"";
  EXPECT_EQ(Shown(rest), rest);
  const std::string answer = "request chain=demo status=400 latency_ms=1.000 response_body=no";
  EXPECT_EQ(Shown(answer), answer);
}

TEST(RequestLine, OtherLinesThatBeginLikeOneStay) {
  for (const std::string rest : {"requests are refused status=400", "request", "request went wrong"})
    EXPECT_EQ(Shown(rest), rest);
}

TEST(RequestLine, NothingOfItCanDriveTheTerminal) {
  EXPECT_EQ(Shown("request method=GET path=\"/\\u001b[2J\" status=404 latency_ms=1.000").find('\x1b'),
            std::string::npos);
}

}  // namespace
}  // namespace chain429
