#include "dataplane/request/stream_judge.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/provider/catalogue.h"
#include "dataplane/http/body_scan.h"

namespace chain429 {
namespace {

using Ruling = StreamJudge::Ruling;

constexpr std::string_view kRole =
    R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null})";
constexpr std::string_view kHello =
    R"({"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}],"usage":null})";
constexpr std::string_view kStop = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
constexpr std::string_view kUsage =
    R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})";
constexpr std::string_view kLimited =
    R"({"error":{"message":"Rate limit reached","type":"rate_limit_error","code":"rate_limit_exceeded"}})";

std::string Data(std::string_view json) { return std::string("data: ").append(json).append("\n\n"); }

class StreamJudgeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto catalogue = Catalogue::Builtin();
    ASSERT_TRUE(catalogue.ok()) << catalogue.status();
    auto compiled = ProviderRules::Compile(catalogue->Find("openai")->json);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    rules_ = *std::move(compiled);
    Begin(false);
  }
  void Begin(bool hide_usage) {
    judge_ = std::make_unique<StreamJudge>(scanner_, *rules_, hide_usage);
    readings.clear();
  }
  // The rulings on a stream's events, in order.
  std::vector<Ruling> Judge(std::string stream) {
    const size_t size = stream.size();
    stream.append(kScanPadding, '"');
    const std::string_view payload(stream.data(), size);
    SseScan scan;
    SseScan::Event event;
    std::vector<Ruling> rulings;
    while (scan.Next(payload, event)) {
      const std::string_view text = payload.substr(event.begin, event.end - event.begin);
      rulings.push_back(judge_->Judge(event, text, absl::FromUnixSeconds(1'700'000'000), readings));
    }
    return rulings;
  }
  StreamJudge& judge() { return *judge_; }

  ReadingList readings;

 private:
  AnswerScanner scanner_;
  std::unique_ptr<const ProviderRules> rules_;
  std::unique_ptr<StreamJudge> judge_;
};
using Rulings = std::vector<Ruling>;

TEST_F(StreamJudgeTest, ARoleIsHeldUntilTheFirstContent) {
  EXPECT_EQ(Judge(Data(kRole)), (Rulings{Ruling::kHold}));
  EXPECT_FALSE(judge().content_seen());
  EXPECT_EQ(Judge(Data(kHello) + Data(kRole)), (Rulings{Ruling::kForward, Ruling::kForward}));
  EXPECT_TRUE(judge().content_seen());
  EXPECT_FALSE(judge().complete());
}

TEST_F(StreamJudgeTest, FirstContentIsWhatAUserSeesOrAFinishReason) {
  const std::string_view content[] = {
      R"({"choices":[{"delta":{"content":"a"}}]})",   R"({"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})",
      R"({"choices":[{"delta":{"reasoning":"a"}}]})", R"({"choices":[{"delta":{"reasoning_content":"a"}}]})",
      R"({"choices":[{"delta":{"refusal":"a"}}]})",   R"({"choices":[{"delta":{},"finish_reason":"length"}]})",
  };
  for (const std::string_view json : content) {
    Begin(false);
    EXPECT_EQ(Judge(Data(kRole) + Data(json)), (Rulings{Ruling::kHold, Ruling::kForward})) << json;
    EXPECT_TRUE(judge().content_seen());
  }
  const std::string_view none[] = {
      R"({"choices":[{"delta":{"content":""}}]})",
      R"({"choices":[{"delta":{"content":null}}]})",
      R"({"choices":[{"delta":{"tool_calls":[]}}]})",
      R"({"choices":[],"prompt_filter_results":[]})",
      R"({"choices":[{"delta":{},"finish_reason":null}]})",
      R"({"id":"x"})",
      "not json",
      "{",
      "[]",
      "",
  };
  for (const std::string_view json : none) {
    Begin(false);
    EXPECT_EQ(Judge(Data(json)), (Rulings{Ruling::kHold})) << json;
    EXPECT_FALSE(judge().content_seen());
  }
}

TEST_F(StreamJudgeTest, CommentsBeforeTheContentAreNotKept) {
  EXPECT_EQ(Judge(": ping\n\nevent: x\n\n" + Data(kHello) + ": ping\n\n"),
            (Rulings{Ruling::kDrop, Ruling::kDrop, Ruling::kForward, Ruling::kForward}));
}

TEST_F(StreamJudgeTest, DoneEndsAStreamThatHadContent) {
  EXPECT_EQ(Judge(Data(kHello) + Data("[DONE]")), (Rulings{Ruling::kForward, Ruling::kDone}));
  EXPECT_TRUE(judge().complete() && judge().done_seen() && judge().done_shown());
}

TEST_F(StreamJudgeTest, DoneWithoutContentIsAnEmptyAnswer) {
  EXPECT_EQ(Judge(Data("[DONE]")), (Rulings{Ruling::kEmpty}));
  Begin(false);
  EXPECT_EQ(Judge(Data(kRole) + Data("[DONE]")), (Rulings{Ruling::kHold, Ruling::kEmpty}));
  EXPECT_FALSE(judge().content_seen() || judge().complete());
}

TEST_F(StreamJudgeTest, AFinishReasonMakesTheAnswerWholeWithoutDone) {
  Judge(Data(kHello) + Data(kStop));
  EXPECT_TRUE(judge().complete());
  EXPECT_FALSE(judge().done_seen() || judge().done_shown());
}

TEST_F(StreamJudgeTest, DoneWithoutItsBlankLineCountsButWasNotShown) {
  Judge(Data(kHello));
  judge().NoteDone();
  EXPECT_TRUE(judge().complete() && judge().done_seen());
  EXPECT_FALSE(judge().done_shown());
}

TEST_F(StreamJudgeTest, TheUsageChunkThatWeAskedForIsKeptFromTheClient) {
  Begin(true);
  EXPECT_EQ(Judge(Data(kHello) + Data(kStop) + Data(kUsage) + Data("[DONE]")),
            (Rulings{Ruling::kForward, Ruling::kForward, Ruling::kDrop, Ruling::kDone}));
  EXPECT_TRUE(judge().usage().seen);
  EXPECT_EQ(judge().usage().prompt_tokens, 5);
  EXPECT_EQ(judge().usage().completion_tokens, 7);
}

TEST_F(StreamJudgeTest, TheUsageChunkThatTheClientAskedForIsShown) {
  EXPECT_EQ(Judge(Data(kHello) + Data(kStop) + Data(kUsage)),
            (Rulings{Ruling::kForward, Ruling::kForward, Ruling::kForward}));
  EXPECT_EQ(judge().usage().completion_tokens, 7);
}

TEST_F(StreamJudgeTest, UsageBesideAChoiceIsAlwaysShown) {
  Begin(true);
  EXPECT_EQ(
      Judge(Data(R"({"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}})")),
      (Rulings{Ruling::kForward}));
  EXPECT_TRUE(judge().usage().seen);
  EXPECT_TRUE(judge().complete());
}

TEST_F(StreamJudgeTest, TheLastUsageCounts) {
  Judge(Data(kHello) + Data(kUsage) + Data(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":10}})"));
  EXPECT_EQ(judge().usage().completion_tokens, 10);
}

TEST_F(StreamJudgeTest, UsageBeforeAnyContentIsNoContent) {
  EXPECT_EQ(Judge(Data(kUsage)), (Rulings{Ruling::kHold}));
  Begin(true);
  EXPECT_EQ(Judge(Data(kUsage) + Data("[DONE]")), (Rulings{Ruling::kDrop, Ruling::kEmpty}));
}

TEST_F(StreamJudgeTest, AnErrorInsideAnAnswerOf200FailsIt) {
  const struct {
    std::string stream;
    ErrorClass error_class;
  } cases[] = {
      {Data(kLimited), ErrorClass::kRateLimited},
      {Data(R"({"error":{"message":"boom","code":500}})"), ErrorClass::kOverloaded},
      {Data(R"({"error":"boom"})"), ErrorClass::kOverloaded},
      {Data(R"({"object":"error","message":"boom","code":503})"), ErrorClass::kOverloaded},
      {"event: error\ndata: oops\n\n", ErrorClass::kOverloaded},
      {"event: error\ndata: {\"message\":\"boom\"}\n\n", ErrorClass::kOverloaded},
      {"event: error\ndata: \n\n", ErrorClass::kOverloaded},
      {Data(R"({"error":{"message":"bad key","type":"authentication_error"}})"), ErrorClass::kAuth},
      {Data(R"({"error":{"message":"a","code":"context_length_exceeded"}})"), ErrorClass::kContextTooLong},
      {Data(R"({"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"a","code":502}})"),
       ErrorClass::kOverloaded},
  };
  for (const auto& c : cases) {
    Begin(false);
    EXPECT_EQ(Judge(c.stream), (Rulings{Ruling::kFailed})) << c.stream;
    EXPECT_EQ(judge().verdict().error_class, c.error_class) << c.stream;
    Begin(false);
    EXPECT_EQ(Judge(Data(kRole) + Data(kHello) + c.stream).back(), Ruling::kFailed) << "in mid-stream: " << c.stream;
  }
}

// There is no status of a client's mistake to hand back.
TEST_F(StreamJudgeTest, AnErrorInsideAnAnswerOf200IsNeverTheClientsMistake) {
  for (const std::string_view json :
       {R"({"error":{"message":"a","code":400}})", R"({"error":{"message":"a","type":"invalid_request_error"}})",
        R"({"error":{"message":"a","code":422}})"}) {
    Begin(false);
    EXPECT_EQ(Judge(Data(json)), (Rulings{Ruling::kFailed}));
    EXPECT_EQ(judge().verdict().error_class, ErrorClass::kRefusedHere) << json;
  }
}

TEST_F(StreamJudgeTest, AnErrorOfNullIsNone) {
  EXPECT_EQ(Judge(Data(R"({"error":null,"choices":[{"delta":{"content":"a"}}]})")), (Rulings{Ruling::kForward}));
}

TEST_F(StreamJudgeTest, AnErrorThatIsOnlySpokenOfIsContent) {
  EXPECT_EQ(Judge(Data(kHello) + Data(R"({"choices":[{"delta":{"content":"{\"error\":{\"code\":429}}"}}]})")),
            (Rulings{Ruling::kForward, Ruling::kForward}));
}

TEST_F(StreamJudgeTest, AnEventOfSeveralLinesIsReadAsOne) {
  EXPECT_EQ(Judge("data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n"), (Rulings{Ruling::kForward}));
  EXPECT_EQ(Judge("data: {\"choices\":[],\ndata: \"error\":{\"message\":\"a\"}}\n\n"), (Rulings{Ruling::kFailed}));
  Begin(false);
  EXPECT_EQ(Judge(Data(kHello) + "data: {\"choices\":[{\"delta\":{},\"finish_reason\"\ndata: :\"stop\"}]}\n\n").back(),
            Ruling::kForward);
  EXPECT_TRUE(judge().complete());
}

TEST_F(StreamJudgeTest, WhatIsNoJsonGoesThroughOnceContentHasBegun) {
  EXPECT_EQ(Judge(Data(kHello) + Data("keepalive") + Data("{\"usage\":{\"broken") + Data("[DONE] ")),
            (Rulings{Ruling::kForward, Ruling::kForward, Ruling::kForward, Ruling::kForward}));
  EXPECT_FALSE(judge().complete());
}

}  // namespace
}  // namespace chain429
