#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "dataplane/http/body_scan.h"
#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

constexpr std::string_view kTaken[] = {
    "0",
    "-0",
    "-1",
    "1.5",
    "0.10",
    "1e5",
    "1E+05",
    "1e-5",
    "-0.0e0",
    "123456789012345678901234567890",
    "1e999",
    "1.0000000000000001",
    "true",
    "false",
    "null",
    R"("")",
    R"("\"\\\/\b\f\n\r\t\u0000\uFFFF")",
    R"("é日😀")",
    "\"\x7F\"",
    R"("\ud83d\ude00")",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    R"({"":""})",
    R"({"a":{"a":{}}})",
    "[1,2,3]",
    "[ 1 , \"a\" , null ]",
    "{ \"a\" : [ ] }",
    R"(["]","[","}","{",",",":"])",
    R"("//")",
    R"({"a":1,"a":2})",
    R"("\\")",
    R"("\\\\\"")",
    R"(["\\",""])",
    "\t1\r\n",
};
constexpr std::string_view kRefused[] = {
    "",
    " ",
    "00",
    "01",
    "-",
    "-01",
    "+1",
    ".5",
    "5.",
    "-.5",
    "1e",
    "1e+",
    "1.e5",
    "0x1",
    "1_000",
    "1,000x",
    "Infinity",
    "-Infinity",
    "NaN",
    "nan",
    "True",
    "nul",
    "nulll",
    "truefalse",
    "undefined",
    "'a'",
    R"("a)",
    R"(a")",
    R"("a"b)",
    R"("a""b")",
    R"("\x41")",
    R"("\u12")",
    R"("\u12g4")",
    R"("\U0041")",
    R"("\a")",
    R"("\0")",
    R"("\'")",
    R"("\)",
    R"("\u)",
    "\"\n\"",
    "\"\t\"",
    "\"\r\"",
    "[",
    "]",
    "[1",
    "1]",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[1 2]",
    "[1:2]",
    "{",
    "}",
    R"({"a"})",
    R"({"a":})",
    R"({"a" 1})",
    R"({"a":1,})",
    R"({,"a":1})",
    R"({"a":1 "b":2})",
    R"({"a":1,,"b":2})",
    R"({a:1})",
    R"({'a':1})",
    R"({1:1})",
    R"({null:1})",
    R"({"a":1:2})",
    R"({"a"::1})",
    R"({"a":"b":1})",
    R"({"a":"b":"c"})",
    R"({"a":"b":{"c":[]}})",
    R"({"a":"{b":{"c":1}}})",
    R"(["a":{"b":1}])",
    R"({"a":1}})",
    "[}",
    "{]",
    "[1}",
    R"({"a":1])",
    R"([{"a":1])",
    "1 2",
    "1true",
    R"(1"a")",
    R"(true"a")",
    R"("a"1)",
    "//\n1",
    "/**/1",
    "1//",
    "#",
    "\x01",
    "1\x01",
    "\x0B",
    "1\x0C",
    "\xC2\xA0",
    "\xEF\xBB\xBF",
    R"(\u0031)",
    R"(\"a\")",
    "[1\\]",
    R"(\n)",
    "*",
    "(1)",
    "<1>",
    R"("\ud800\)",
    R"(["a" "b"])",
    R"(["a":"b"])",
    R"(["a",})",
    "[\"\x1F\"]",
    "\x1A",
    "[\"a\",\n4\n,1,",
    "{\"a\":\"b\",\"a\":\"c}",
    "[[[",
    "]]]",
};

std::string AsMember(std::string_view value) {
  return std::string(R"({"model":"m","x":)").append(value).append(R"(,"y":1})");
}
std::string AsLast(std::string_view value) { return std::string(R"({"model":"m","x":)").append(value).append("}"); }
std::string AsElement(std::string_view value) {
  return std::string(R"({"model":"m","x":[)").append(value).append("]}");
}
// The value begins in another place of the scan's blocks of 64 bytes.
std::string FarIn(std::string_view value, size_t offset) {
  return std::string(R"({"model":"m","p":")").append(offset, 'p').append(R"(","x":)").append(value).append("}");
}

class BodyGrammar : public testing::Test {
 protected:
  bool Takes(std::string_view body) {
    const ExactBytes bytes(body, kScanPadding);
    return scanner.Scan(bytes.view(), scan).ok();
  }
  BodyScanner scanner;
  BodyScan scan;
};

TEST_F(BodyGrammar, TakesEveryJsonValue) {
  for (const std::string_view value : kTaken) {
    EXPECT_TRUE(Takes(AsMember(value))) << value;
    EXPECT_TRUE(Takes(AsLast(value))) << value;
    EXPECT_TRUE(Takes(AsElement(value))) << value;
    for (size_t offset = 0; offset < 70; ++offset) EXPECT_TRUE(Takes(FarIn(value, offset))) << value;
  }
}

TEST_F(BodyGrammar, RefusesWhatIsNoJson) {
  for (const std::string_view value : kRefused) {
    EXPECT_FALSE(Takes(AsMember(value))) << value;
    EXPECT_FALSE(Takes(AsLast(value))) << value;
    for (size_t offset = 0; offset < 70; ++offset) EXPECT_FALSE(Takes(FarIn(value, offset))) << value;
    if (!value.empty() && value != " " && value != "\t1\r\n") {
      EXPECT_FALSE(Takes(AsElement(value))) << value;
    }
  }
}

// Another parser's opinion: whatever it takes is taken, and the reverse. It refuses two things that JSON's grammar
// allows: numbers too large for a double, and halves of surrogate pairs.
TEST_F(BodyGrammar, AgreesWithAnotherParserAboutMutatedBodies) {
  constexpr std::string_view kPieces[] = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          ":",
                                          ",",
                                          "\"",
                                          "\\",
                                          "\\\"",
                                          "\\\\",
                                          "\\u0061",
                                          "\\ud83d",
                                          "1",
                                          "-",
                                          ".",
                                          "e",
                                          "0",
                                          "true",
                                          "null",
                                          " ",
                                          "\n",
                                          "\t",
                                          "\x01",
                                          "\x7F",
                                          "\xC3\xA9",
                                          "\xC3",
                                          "\xF0\x9F\x98\x80",
                                          "//",
                                          "\"a\":1",
                                          "{}",
                                          "[]",
                                          "\"model\":\"x\"",
                                          "\0"};
  const std::string bodies[] = {
      R"({"model":"coding","messages":[{"role":"user","content":"Say \"hi\"\n\u00e9\\"}])"
      R"(,"temperature":0.7,"stream":true})",
      R"({"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}])"
      R"(,"model":"a/b","n":1,"stop":null})",
      "{\n  \"model\": \"m\",\n  \"max_tokens\": 100,\n  \"x\": [1, -2.5e3, [[]], {}],\n  \"y\": \"日本\"\n}\n",
  };
  Random random(429);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string body = Mutate(bodies[random.Below(3)], kPieces, random);
    const BodyError error = [&] {
      const ExactBytes bytes(body, kScanPadding);
      return scanner.Scan(bytes.view(), scan);
    }();
    const bool other = nlohmann::json::accept(body);
    if (error.ok()) {
      ++taken;
      ASSERT_EQ(body.substr(scan.model_begin, 1), "\"") << body;
      ASSERT_LT(scan.model_begin, scan.model_end);
      ASSERT_LT(scan.model_end, scan.close_brace);
      ASSERT_EQ(body[scan.close_brace], '}');
      if (other) {
        ASSERT_EQ(nlohmann::json::parse(body)["model"], scan.model) << body;
      } else {
        ASSERT_TRUE(body.find("\\u") != std::string::npos || body.find_first_of("eE") != std::string::npos) << body;
      }
    } else {
      ++refused;
      // What is JSON nevertheless is refused for a reason of its own.
      if (other) {
        ASSERT_TRUE(!error.param.empty() || error.message.find("object") != std::string::npos) << error.message << body;
      }
    }
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace chain429
