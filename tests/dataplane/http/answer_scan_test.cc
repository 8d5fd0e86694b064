#include "dataplane/http/answer_scan.h"

#include <gtest/gtest.h>

#include <string>

#include "dataplane/http/body_scan.h"
#include "tests/support/hostile_bytes.h"

namespace chain429 {
namespace {

class AnswerScanTest : public testing::Test {
 protected:
  AnswerFacts Scan(std::string_view json) {
    const ExactBytes bytes(json, kScanPadding);
    return scanner.Scan(bytes.view());
  }
  AnswerFacts ScanDelta(std::string_view delta, std::string_view rest = {}) {
    return Scan(std::string(R"({"id":"x","choices":[{"index":0,"delta":)").append(delta).append(rest).append("}]}"));
  }
  AnswerScanner scanner;
};

TEST_F(AnswerScanTest, ContentIsWhatAUserWouldSee) {
  const std::string_view content[] = {
      R"({"content":"a"})",
      R"({"role":"assistant","content":" "})",
      R"({"content":"\u0000"})",
      R"({"content":[{"type":"text","text":"a"}]})",
      R"({"content":null,"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]})",
      R"({"reasoning":"a"})",
      R"({"content":"","reasoning_content":"a"})",
      R"({"refusal":"no"})",
      R"({"function_call":{"name":"f"}})",
      R"({"audio":{"data":"x"}})",
      R"({"c\u006fntent":"a"})",
  };
  for (const std::string_view delta : content) {
    const AnswerFacts facts = ScanDelta(delta);
    EXPECT_TRUE(facts.valid && facts.has_choices && facts.content) << delta;
    EXPECT_FALSE(facts.finish_reason || facts.error || facts.usage_only) << delta;
  }
  const std::string_view none[] = {
      "{}",
      R"({"role":"assistant"})",
      R"({"role":"assistant","content":""})",
      R"({"content":null})",
      R"({"tool_calls":[]})",
      R"({"tool_calls":null})",
      R"({"reasoning":"","reasoning_content":null,"refusal":null})",
      R"({"content":[]})",
      R"({"name":"content"})",
      "null",
      "[]",
      R"("content")",
      R"({"content":0})",
      R"({"content":false})",
  };
  for (const std::string_view delta : none) {
    const AnswerFacts facts = ScanDelta(delta);
    EXPECT_TRUE(facts.valid && facts.has_choices) << delta;
    EXPECT_FALSE(facts.content) << delta;
  }
}

TEST_F(AnswerScanTest, AnyChoiceCanCarryContent) {
  EXPECT_TRUE(Scan(R"({"choices":[{"delta":{}},{"delta":{"content":"b"}}]})").content);
  EXPECT_TRUE(Scan(R"({"choices":[{"message":{"role":"assistant","content":"b"},"finish_reason":"stop"}]})").content);
  EXPECT_TRUE(Scan(R"({"choices":[{"text":"b"}]})").content);
  EXPECT_FALSE(Scan(R"({"choices":[{"text":""}],"content":"b","delta":{"content":"b"}})").content);
}

TEST_F(AnswerScanTest, FinishReasonIsANonEmptyString) {
  EXPECT_TRUE(ScanDelta("{}", R"(,"finish_reason":"stop")").finish_reason);
  EXPECT_TRUE(ScanDelta("{}", R"(,"finish_reason": "length" )").finish_reason);
  for (const std::string_view value : {"null", R"("")", "0", "false"}) {
    EXPECT_FALSE(ScanDelta("{}", std::string(R"(,"finish_reason":)").append(value)).finish_reason) << value;
  }
  EXPECT_FALSE(ScanDelta(R"({"finish_reason":"stop"})").finish_reason) << "inside the delta it is none";
}

TEST_F(AnswerScanTest, ErrorsInsideAnAnswer) {
  const struct {
    std::string_view json;
    bool error;
    bool has_choices;
  } cases[] = {
      {R"({"error":{"message":"a"}})", true, false},
      {R"({"error":"a"})", true, false},
      {R"({"error":null,"choices":[]})", false, true},
      {R"({"error" : null})", false, false},
      {R"({"choices":[{"delta":{"content":"a"}}],"error":{"code":429}})", true, true},
      {R"({"object":"error","message":"a"})", true, false},
      {R"({"object" : "error" })", true, false},
      {R"({"object":"errors"})", false, false},
      {R"({"object":"chat.completion","choices":[]})", false, true},
      {R"({"x_groq":{"id":"a","error":"rate"}})", true, false},
      {R"({"x_groq":{"id":"a","error":null}})", false, false},
      {R"({"choices":[{"error":"inner","message":{"content":"a"}}]})", false, true},
      {R"({"choices":{"error":"a"}})", false, false},
      {R"({"\u0065rror":{"message":"a"}})", true, false},
  };
  for (const auto& c : cases) {
    const AnswerFacts facts = Scan(c.json);
    EXPECT_TRUE(facts.valid) << c.json;
    EXPECT_EQ(facts.error, c.error) << c.json;
    EXPECT_EQ(facts.has_choices, c.has_choices) << c.json;
  }
}

TEST_F(AnswerScanTest, ReadsUsage) {
  const struct {
    std::string_view json;
    bool seen;
    int64_t prompt;
    int64_t completion;
  } cases[] = {
      {R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})", true, 12, 34},
      {R"({"usage":{"completion_tokens":34,"prompt_tokens":12)"
       R"(,"prompt_tokens_details":{"cached_tokens":5,"prompt_tokens":9}}})",
       true, 12, 34},
      {R"({"usage":{}})", true, 0, 0},
      {R"({"usage":null})", false, 0, 0},
      {R"({"usage":7})", false, 0, 0},
      {R"({"usage":[1]})", false, 0, 0},
      {R"({"usage":{"prompt_tokens":-5,"completion_tokens":"7"}})", true, 0, 0},
      {R"({"usage":{"prompt_tokens":null,"completion_tokens":3}})", true, 0, 3},
      {R"({"usage":{"prompt_tokens":99999999999999999999,"completion_tokens":3}})", true, 0, 3},
      {R"({"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}}})", true, 1, 2},
      {R"({"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}})"
       R"(,"usage":{"prompt_tokens":3,"completion_tokens":4}})",
       true, 3, 4},
      {R"({"usage":{"prompt_tokens":3,"completion_tokens":4})"
       R"(,"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":2}}})",
       true, 3, 4},
      {R"({"choices":[{"usage":{"prompt_tokens":1}}]})", false, 0, 0},
  };
  for (const auto& c : cases) {
    const AnswerFacts facts = Scan(c.json);
    EXPECT_EQ(facts.usage.seen, c.seen) << c.json;
    EXPECT_EQ(facts.usage.prompt_tokens, c.prompt) << c.json;
    EXPECT_EQ(facts.usage.completion_tokens, c.completion) << c.json;
  }
}

TEST_F(AnswerScanTest, TheUsageOnlyChunkHasNoChoice) {
  const struct {
    std::string_view json;
    bool usage_only;
  } cases[] = {
      {R"({"choices":[],"usage":{"prompt_tokens":1}})", true},
      {R"({"usage":{"prompt_tokens":1},"choices":[ ]})", true},
      {R"({"choices":[],"usage":null})", false},
      {R"({"choices":[],"prompt_filter_results":[]})", false},
      {R"({"choices":[{"delta":{}}],"usage":{"prompt_tokens":1}})", false},
      {R"({"usage":{"prompt_tokens":1}})", false},
      {R"({"choices":[],"x_groq":{"usage":{"prompt_tokens":1}}})", false},
      {R"({"choices":[],"usage":1,"x_groq":{"usage":{}}})", false},
      {R"({"choices":[],"x_groq":{"usage":{}},"usage":1})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(Scan(c.json).usage_only, c.usage_only) << c.json;
}

TEST_F(AnswerScanTest, WhatIsNoJsonObjectSaysNothing) {
  for (const std::string_view text :
       {"", " ", "[DONE]", "[]", "null", "1", R"("a")", "<html>", R"({"choices":[{"delta":{"content":"a"}}])",
        R"({"choices":[{"delta":{"content":"a"}}],)", R"({"choices")", "{", "\xFF", R"({"choices":[],"a":"\xFF"})"}) {
    const AnswerFacts facts = Scan(text);
    EXPECT_FALSE(facts.valid && facts.content) << text;
    EXPECT_FALSE(facts.error) << text;
  }
}

// Such an answer must not be handed on as a good one, whatever was read before the break.
TEST_F(AnswerScanTest, WhatBreaksDeepInsideIsNoAnswer) {
  for (const std::string_view text : {
           R"({"choices":[{"index":0,"message":{"role":"assi{"usage":{"prompt_tokens":1}}":{"a":1}})",
           R"({"choices":[{"delta":"{role":"assistant","content":""},"finish_reason":null}]})",
           R"({"choices":[{"text":"a" "b"}]})",
           R"({"choices":[{"text":"a"} {"text":"b"}]})",
           R"({"choices":[{"message":{"content":"a",}}]})",
           R"({"id":"a":"b","choices":[]})",
           R"({"choices":[],"usage":{"prompt_tokens":1 "completion_tokens":2}})",
           R"({"choices":[],"usage":"a":{"b":1}})",
           R"({"choices":[{"delta":{"tool_calls":]}}],"usage":null})",
           R"({"choices":[{"text":}]})",
           R"({"choices":[{"text":"a"}]}x)",
           R"({"choices":[{"text":"a"}]}{})",
           R"({"error":"a":{"b":1}})",
           R"({"x_groq":{"error":"a":1}})",
       }) {
    const AnswerFacts facts = Scan(text);
    EXPECT_FALSE(facts.valid || facts.content || facts.error || facts.usage.seen) << text;
  }
}

TEST_F(AnswerScanTest, AChoiceThatIsNoObjectHidesNoOther) {
  EXPECT_TRUE(Scan(R"({"choices":[null,1,"a",{"text":"b"}]})").content);
}

TEST_F(AnswerScanTest, TheUsageOfTheAnswerReplacesTheInnerOneWhole) {
  const AnswerFacts facts = Scan(R"({"x_groq":{"usage":{"prompt_tokens":3}},"usage":{"completion_tokens":4}})");
  EXPECT_EQ(facts.usage.prompt_tokens, 0);
  EXPECT_EQ(facts.usage.completion_tokens, 4);
}

TEST_F(AnswerScanTest, ABrokenAnswerLeavesNothingToTheNext) {
  Scan(R"({"choices":[{"delta":{"content":"a)");
  Scan(std::string(100'000, '['));
  const AnswerFacts facts = Scan(R"({"choices":[]})");
  EXPECT_TRUE(facts.valid && facts.has_choices);
  EXPECT_FALSE(facts.content);
}

TEST_F(AnswerScanTest, MutatedAnswersAreReadWithinTheirBytes) {
  constexpr std::string_view kPieces[] = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          ":",
                                          ",",
                                          "\"",
                                          "\\",
                                          "null",
                                          "\"error\":1",
                                          "\"choices\":[",
                                          "\"usage\":{",
                                          "-",
                                          "9999999999999999999",
                                          "\xC3"};
  const std::string answers[] = {
      R"({"id":"a","object":"chat.completion.chunk","choices":[{"index":0)"
      R"(,"delta":{"role":"assistant","content":"Hi\n"},"finish_reason":null}],"usage":null})",
      R"({"choices":[{"message":{"content":"a","tool_calls":[{"id":"x"}]},"finish_reason":"stop"}])"
      R"(,"usage":{"prompt_tokens":5,"completion_tokens":7}})",
      R"({"x_groq":{"id":"r","usage":{"prompt_tokens":1}},"error":{"message":"slow down","code":429})"
      R"(,"object":"error"})",
  };
  Random random(10);
  int valid = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = Mutate(answers[random.Below(3)], kPieces, random);
    const AnswerFacts facts = Scan(text);
    valid += facts.valid ? 1 : 0;
    ASSERT_GE(facts.usage.prompt_tokens, 0);
    ASSERT_GE(facts.usage.completion_tokens, 0);
    MayMatter(ExactBytes(text).view());
  }
  EXPECT_GT(valid, 1000);
}

TEST(MayMatter, FindsWhatAStreamsEventMustBeParsedFor) {
  const std::string_view matters[] = {
      R"({"choices":[{"delta":{},"finish_reason":"stop"}]})",
      R"({"choices":[{"finish_reason" : "stop"}]})",
      "{\"choices\":[{\"finish_reason\"\n:\r\n\t\"stop\"}]}",
      R"({"choices":[],"usage":{"prompt_tokens":1}})",
      R"({"usage": {}})",
      R"({"error":{"message":"a"}})",
      R"({"error":"a"})",
      R"({"object":"error"})",
      R"({"object":"error","message":"a"})",
      R"({"finish_reason":null,"x":1,"choices":[{"finish_reason":"stop"}]})",
      R"({"usage":null,"x_groq":{"usage":{"prompt_tokens":1}}})",
  };
  for (const std::string_view text : matters) EXPECT_TRUE(MayMatter(ExactBytes(text).view())) << text;
  const std::string_view does_not[] = {
      R"({"choices":[{"delta":{"content":"a"},"finish_reason":null}],"usage":null})",
      R"({"choices":[{"delta":{"content":"a"},"finish_reason" : null }]})",
      R"({"choices":[{"delta":{"content":"say \"error\": now, \"usage\":{} \"finish_reason\":\"stop\""}}]})",
      R"({"error":null})",
      R"({"errors":[],"my_usage":{}})",
      "",
      "\"usage\"",
      "\"usage\":",
      "\"error\":",
      "\"finish_reason\" ",
  };
  for (const std::string_view text : does_not) EXPECT_FALSE(MayMatter(ExactBytes(text).view())) << text;
}

// The look must not miss what the parser would find.
TEST(MayMatter, MissesNothingThatTheParserFinds) {
  const std::string_view blanks[] = {"", " ", "\n", " \t\r\n "};
  AnswerScanner scanner;
  for (const std::string_view a : blanks) {
    for (const std::string_view b : blanks) {
      for (const std::string_view member : {R"("finish_reason"@:@"x")", R"("usage"@:@{})", R"("error"@:@1)",
                                            R"("object"@:@"error")", R"("error"@:@{"n":null})"}) {
        std::string text = std::string(R"({"choices":[{"delta":{"content":"a"})")
                               .append(member.starts_with("\"fin") ? "," : "}],")
                               .append(member);
        text.append(member.starts_with("\"fin") ? "}]}" : "}");
        for (size_t at = text.find('@'); at != std::string::npos; at = text.find('@'))
          text.replace(at, 1, at < text.find(':', at) ? a : b);
        const AnswerFacts facts = scanner.Scan(ExactBytes(text, kScanPadding).view());
        ASSERT_TRUE(facts.valid) << text;
        ASSERT_TRUE(facts.finish_reason || facts.usage.seen || facts.error) << text;
        EXPECT_TRUE(MayMatter(text)) << text;
      }
    }
  }
}

}  // namespace
}  // namespace chain429
