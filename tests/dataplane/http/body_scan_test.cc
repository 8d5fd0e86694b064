#include "dataplane/http/body_scan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

class BodyScanTest : public testing::Test {
 protected:
  BodyError Scan(std::string_view body) {
    const ExactBytes bytes(body, kScanPadding);
    return scanner.Scan(bytes.view(), scan);
  }
  void Take(std::string_view body) {
    const BodyError error = Scan(body);
    ASSERT_TRUE(error.ok()) << error.message << ": " << body.substr(0, 200);
  }
  void Refuse(std::string_view body, std::string_view param, std::string_view part_of_message) {
    const BodyError error = Scan(body);
    ASSERT_FALSE(error.ok()) << body.substr(0, 200);
    EXPECT_EQ(error.param, param) << error.message;
    EXPECT_NE(error.message.find(part_of_message), std::string::npos) << error.message;
  }

  BodyScanner scanner;
  BodyScan scan;
};

TEST_F(BodyScanTest, FindsTheModelWhereverItStands) {
  const std::string cases[] = {
      R"({"model":"coding"})",
      R"({"model":"coding","messages":[]})",
      R"({"messages":[{"role":"user","content":"model"}],"model":"coding"})",
      " \t\r\n{ \"model\" \n:\t\"coding\" \r\n, \"n\" : 1 }\n ",
      R"({"a":{"model":"no"},"b":[{"model":"no"}],"model":"coding","c":{"model":1}})",
      R"({"metadata":"{\"model\":\"no\"}","model":"coding"})",
  };
  for (const std::string& body : cases) {
    Take(body);
    EXPECT_EQ(scan.model, "coding");
    EXPECT_EQ(body.substr(scan.model_begin, scan.model_end - scan.model_begin), "\"coding\"") << body;
    EXPECT_EQ(body[scan.close_brace], '}');
    EXPECT_EQ(body.find_first_not_of(" \n", scan.close_brace + 1), std::string::npos);
  }
}

TEST_F(BodyScanTest, WhatIsSplicedInIsTheModelAndOneMoreField) {
  const std::string cases[] = {
      R"({"model":"a"})",
      R"( { "messages" : [ { "content" : "}\"model\":\"x\"" } ] , "model" : "a\u0062\"" , "stream" : true } )",
      R"({"x":{},"model":"é😀","y":{"z":[{}]}})",
  };
  for (const std::string& body : cases) {
    Take(body);
    const std::string spliced = body.substr(0, scan.model_begin) + "\"target\"" +
                                body.substr(scan.model_end, scan.close_brace - scan.model_end) + R"(,"added":{"b":1})" +
                                body.substr(scan.close_brace);
    nlohmann::json expected = nlohmann::json::parse(body);
    EXPECT_EQ(expected["model"], scan.model);
    expected["model"] = "target";
    expected["added"] = {{"b", 1}};
    EXPECT_EQ(nlohmann::json::parse(spliced, nullptr, false), expected) << spliced;
  }
}

TEST_F(BodyScanTest, UnescapesTheModelsName) {
  const struct {
    std::string written;
    std::string model;
  } cases[] = {
      {R"(a\/b)", "a/b"},        {R"(\u0061\u00e9\u65e5)", "aé日"},       {R"(\ud83d\ude00)", "😀"},
      {R"(\uD83D\uDE00)", "😀"}, {R"(\"\\\b\f\n\r\t)", "\"\\\b\f\n\r\t"}, {R"(a\u0000b)", std::string("a\0b", 3)},
      {"日本😀", "日本😀"},
  };
  for (const auto& c : cases) {
    const std::string body = R"({"model":")" + c.written + R"("})";
    Take(body);
    EXPECT_EQ(scan.model, c.model);
    EXPECT_EQ(scan.model_end - scan.model_begin, c.written.size() + 2);
  }
}

TEST_F(BodyScanTest, ComparesKeysUnescaped) {
  for (const std::string_view key : {R"(mod\u0065l)", R"(\u006d\u006F\u0064\u0065\u006C)", R"(\u006dodel)"}) {
    const std::string body = std::string(R"({")").append(key).append(R"(":"a"})");
    Take(body);
    EXPECT_EQ(scan.model, "a");
    Refuse(std::string(R"({"model":"a",")").append(key).append(R"(":"b"})"), "model", "twice");
  }
  for (const std::string_view key :
       {"Model", "MODEL", "model ", " model", R"(model\u0000)", R"(\\u006dodel)", "modél"}) {
    Refuse(std::string(R"({")").append(key).append(R"(":"a"})"), "model", "missing");
  }
  Refuse(R"({"model":"a","stream":true,"str\u0065am":true})", "stream", "twice");
}

TEST_F(BodyScanTest, RefusesTwoModelsOrStreams) {
  Refuse(R"({"model":"a","model":"b"})", "model", "twice");
  Refuse(R"({"model":"a","model":"a"})", "model", "twice");
  Refuse(R"({"model":"a","messages":[],"model":null})", "model", "twice");
  Refuse(R"({"model":"a","stream":false,"stream":true})", "stream", "twice");
  Refuse(R"({"stream":null,"model":"a","stream":null})", "stream", "twice");
  Take(R"({"model":"a","n":1,"n":2,"tools":[],"tools":[]})");
}

TEST_F(BodyScanTest, RefusesAModelThatNamesNothing) {
  const struct {
    std::string_view value;
    std::string_view message;
  } cases[] = {{R"("")", "empty"},        {"null", "not null"},         {"1", "not a number"},
               {"true", "not a boolean"}, {R"(["a"])", "not an array"}, {R"({"a":"b"})", "not an object"}};
  for (const auto& c : cases) {
    Refuse(std::string(R"({"model":)").append(c.value).append("}"), "model", c.message);
  }
  Refuse("{}", "model", "missing");
  Refuse(R"({"messages":[]})", "model", "missing");
}

TEST_F(BodyScanTest, RefusesWhatIsNoObject) {
  const struct {
    std::string_view body;
    std::string_view message;
  } cases[] = {{"", "empty"},
               {" \r\n\t", "empty"},
               {"[]", "not an array"},
               {R"(["model"])", "not an array"},
               {R"("model")", "not a string"},
               {"1", "not a number"},
               {"null", "not null"},
               {"true", "not a boolean"}};
  for (const auto& c : cases) Refuse(c.body, "", c.message);
}

TEST_F(BodyScanTest, ReadsWhetherToStream) {
  const struct {
    std::string_view fields;
    bool stream;
    bool options;
  } cases[] = {
      {"", false, false},
      {R"(,"stream":true)", true, false},
      {R"(,"stream" : true )", true, false},
      {R"(,"stream":false)", false, false},
      {R"(,"stream":null)", false, false},
      {R"(,"stream":true,"stream_options":{"include_usage":false})", true, true},
      {R"(,"stream_options":null,"stream":true)", true, true},
      {R"(,"str\u0065am":true,"stream\u005foptions":{})", true, true},
      {R"(,"a":{"stream":true,"stream_options":{}})", false, false},
  };
  for (const auto& c : cases) {
    Take(std::string(R"({"model":"a")").append(c.fields).append("}"));
    EXPECT_EQ(scan.stream, c.stream) << c.fields;
    EXPECT_EQ(scan.has_stream_options, c.options) << c.fields;
  }
  for (const std::string_view value : {"1", "0", R"("true")", "{}", "[]", "[true]", "True", "truee", "tru"}) {
    EXPECT_FALSE(Scan(std::string(R"({"model":"a","stream":)").append(value).append("}")).ok()) << value;
  }
}

TEST_F(BodyScanTest, ReadsHowLongTheAnswerMayBe) {
  const struct {
    std::string_view fields;
    int64_t limit;
  } cases[] = {
      {"", 0},
      {R"(,"max_tokens":100)", 100},
      {R"(,"max_completion_tokens":200)", 200},
      {R"(,"max_tokens":100,"max_completion_tokens":200)", 200},
      {R"(,"max_completion_tokens":200,"max_tokens":100)", 200},
      {R"(,"max_completion_tokens":null,"max_tokens":100)", 100},
      {R"(,"max_tokens":null)", 0},
      {R"(,"max_tokens":"100")", 0},
      {R"(,"max_tokens":[100])", 0},
      {R"(,"max_tokens":0)", 0},
      {R"(,"max_tokens":-1)", 0},
      {R"(,"max_tokens":1e3)", 1000},
      {R"(,"max_tokens":4.096E+3)", 4096},
      {R"(,"max_tokens":4096.0000000000000000000)", 4096},
      {R"(,"max_tokens":100.7)", 100},
      {R"(,"max_tokens":1e-5)", 0},
      {R"(,"max_tokens":123456789012345)", 123456789012345},
      {R"(,"max_tokens":18446744073709551616)", 0},
      {R"(,"max_tokens":1e999)", 0},
      {R"(,"max_t\u006fkens" : 7 )", 7},
      {R"(,"a":{"max_tokens":100})", 0},
  };
  for (const auto& c : cases) {
    Take(std::string(R"({"model":"a")").append(c.fields).append("}"));
    EXPECT_EQ(scan.max_output, c.limit) << c.fields;
  }
}

TEST_F(BodyScanTest, TakesUpTo1024LevelsOfNesting) {
  const auto nested = [](size_t levels, std::string_view open, std::string_view close) {
    std::string body = R"({"model":"a","x":)";
    for (size_t i = 1; i < levels; ++i) body += open;
    body += "1";
    for (size_t i = 1; i < levels; ++i) body += close;
    return body + "}";
  };
  for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{R"({"a":)", "}"}, std::pair{"[[", "]]"}}) {
    const size_t a_level = std::string_view(open) == "[[" ? 2 : 1;
    Take(nested(1023 / a_level + 1, open, close));
    Refuse(nested(1025 / a_level + 1, open, close), "", "1,024 levels");
    EXPECT_FALSE(Scan(nested(100'000, open, close)).ok());
  }
  Take(nested(1024, "[", "]"));
  Refuse(nested(1025, "[", "]"), "", "1,024 levels");
  EXPECT_FALSE(Scan(std::string(1'000'000, '[')).ok());
  EXPECT_FALSE(Scan(R"({"model":"a","x":)" + std::string(1'000'000, '{')).ok());
  Take(R"({"model":"a"})");
}

TEST_F(BodyScanTest, RefusesInvalidUtf8Anywhere) {
  const std::string_view broken[] = {"\xFF",
                                     "\x80",
                                     "\xC3",
                                     "\xC0\xAF",
                                     "\xE0\x80\xAF",
                                     "\xED\xA0\x80",
                                     "\xF0\x80\x80\x80",
                                     "\xF4\x90\x80\x80",
                                     "\xF8\x88\x80\x80\x80",
                                     "\xE2\x82"};
  for (const std::string_view bad : broken) {
    Refuse(std::string(R"({"model":"a","x":")").append(bad).append(R"("})"), "", "UTF-8");
    Refuse(std::string(R"({"model":")").append(bad).append(R"("})"), "", "UTF-8");
    Refuse(std::string(R"({"model":"a",")").append(bad).append(R"(":1})"), "", "UTF-8");
    // Far behind the start, where the scan is in the middle of its blocks.
    Refuse(std::string(R"({"model":"a","x":")").append(1000, 'y').append(bad).append(R"("})"), "", "UTF-8");
  }
  EXPECT_FALSE(Scan("{\"model\":\"a\"}\xC3").ok());
}

TEST_F(BodyScanTest, RefusesWhatStandsBehindTheObject) {
  for (const std::string_view tail : {"x", "{}", "}", ",", "]", "null", "\"", R"({"model":"b"})", "/* */", "\x01"}) {
    EXPECT_FALSE(Scan(std::string(R"({"model":"a"})").append(tail)).ok()) << tail;
    EXPECT_FALSE(Scan(std::string(R"({"model":"a"} )").append(tail)).ok()) << tail;
  }
  EXPECT_FALSE(Scan(std::string_view("{\"model\":\"a\"}\0", 14)).ok());
  EXPECT_FALSE(Scan("\xEF\xBB\xBF{\"model\":\"a\"}").ok()) << "a byte order mark is no JSON";
}

TEST_F(BodyScanTest, EveryPrefixIsRefused) {
  const std::string body =
      R"({"model":"a\u00e9\"","messages":[{"role":"user","content":"x\\"},null,true,-1.5e3,{}],"stream":false})";
  for (size_t size = 0; size < body.size(); ++size) {
    ASSERT_FALSE(Scan(std::string_view(body).substr(0, size)).ok()) << body.substr(0, size);
  }
  Take(body);
}

TEST_F(BodyScanTest, ARefusedBodyLeavesNothingToTheNext) {
  Refuse(R"({"stream":true,"stream_options":{},"max_tokens":5,"model":"a","x":[})", "", "JSON");
  Take(R"({"model":"b"})");
  EXPECT_EQ(scan.model, "b");
  EXPECT_FALSE(scan.stream || scan.has_stream_options);
  EXPECT_EQ(scan.max_output, 0);
}

TEST_F(BodyScanTest, TakesALargePrompt) {
  std::string text;
  while (text.size() < (size_t{1} << 20)) text += R"(Line with \"quotes\", \u00e9 and 日本.\n)";
  const std::string body = R"({"messages":[{"content":")" + text + R"("}],"model":"a","stream":true})";
  Take(body);
  EXPECT_EQ(body.substr(scan.model_begin, 3), "\"a\"");
  EXPECT_TRUE(scan.stream);
}

}  // namespace
}  // namespace chain429
