// What each fault makes of an answer, as bytes.
#include "tests/sim/answer_script.h"

#include "gtest/gtest.h"

namespace chain429::sim {
namespace {

class SimAnswerScript : public testing::Test {
 protected:
  SimAnswerScript() {
    spec_.content = Content::kText;
    spec_.text = "onetwosix";
    spec_.chunks.a = 3;
  }

  Script Answer(bool stream, const std::string& faults = "[]", bool include_usage = false) {
    std::string body = R"({"model":"m","stream":)" + std::string(stream ? "true" : "false") +
                       (include_usage ? R"(,"stream_options":{"include_usage":true}})" : "}");
    return AnswerTo(body, faults);
  }

  Script AnswerTo(const std::string& body, const std::string& faults = "[]") {
    AnswerInput input;
    input.spec = &spec_;
    input.request = ReadChatRequest(body).value();
    Random random(1);
    input.completion = MakeCompletion(spec_, input.request, body, 1, "p-1", 1'700'000'000, random);
    input.key = "sk-secret";
    absl::StatusOr<Document> document = ParseJson(faults);
    Problems problems(*document);
    FaultPlan plan;
    plan.Replace(ReadFaults(document->root, "faults", &problems));
    EXPECT_TRUE(problems.status().ok()) << problems.status();
    plan.Choose({"m", "sk-secret", input.request.stream, false}, false, random, &input.faults);
    return ChatScript(input, random);
  }

  static std::string Wire(const Script& script) {
    std::string bytes;
    for (const Step& step : script.steps) bytes += step.bytes;
    return bytes;
  }

  // The body with its chunks put together, as far as they are whole.
  static std::string Body(const Script& script) {
    std::string wire = Wire(script);
    std::string head = wire.substr(0, wire.find("\r\n\r\n") + 4);
    std::string rest = wire.substr(head.size());
    if (head.find("chunked") == std::string::npos) return rest;
    std::string body;
    while (!rest.empty()) {
      size_t line = rest.find("\r\n");
      size_t size = std::stoul(rest.substr(0, line), nullptr, 16);
      if (size == 0 || rest.size() < line + 4 + size) break;
      body += rest.substr(line + 2, size);
      rest.erase(0, line + 4 + size);
    }
    return body;
  }

  static int64_t Tokens(const Script& script) {
    int64_t tokens = 0;
    for (const Step& step : script.steps) tokens += step.tokens;
    return tokens;
  }

  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  }

  AnswerSpec spec_;
};

TEST_F(SimAnswerScript, APlainAnswerIsOneCompletion) {
  Script script = Answer(false);
  Json body = Json::parse(Body(script));
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["choices"][0]["message"]["content"], "onetwosix");
  EXPECT_EQ(body["usage"]["completion_tokens"], 3);
  EXPECT_EQ(Tokens(script), 3);
  EXPECT_EQ(script.ending, Ending::kKeep);
}

TEST_F(SimAnswerScript, AStreamHasRoleContentFinishAndDone) {
  Script script = Answer(true);
  std::string body = Body(script);
  EXPECT_EQ(Count(body, "data: "), 6u);  // role, 3 chunks, finish, [DONE]
  EXPECT_NE(body.find(R"("delta":{"content":"two"})"), std::string::npos);
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(Count(body, "usage"), 0u);
  EXPECT_EQ(Tokens(script), 3);
}

TEST_F(SimAnswerScript, UsageComesOnlyWhenAsked) {
  std::string body = Body(Answer(true, "[]", /*include_usage=*/true));
  EXPECT_EQ(Count(body, R"("usage":null)"), 5u);
  EXPECT_EQ(Count(body, R"("choices":[],"usage":{"prompt_tokens":)"), 1u);
}

TEST_F(SimAnswerScript, ToolsAreCalled) {
  std::string request =
      R"({"model":"m","stream":true,"tools":[{"type":"function","function":{"name":"weather","parameters":)"
      R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}}}}]})";
  std::string body = Body(AnswerTo(request));
  EXPECT_NE(body.find(R"("name":"weather","arguments":"")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("finish_reason":"tool_calls")"), std::string::npos);
  request.replace(request.find(R"("stream":true)"), 13, R"("stream":false)");
  Json plain = Json::parse(Body(AnswerTo(request)));
  EXPECT_EQ(plain["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], R"({"city":"Paris","days":1})");
}

TEST_F(SimAnswerScript, TheContentCanBeTheRequest) {
  std::string request = R"({"model":"m","x":"ü\u00e9","stream":false})";
  spec_.content = Content::kEcho;
  EXPECT_EQ(Json::parse(Body(AnswerTo(request)))["choices"][0]["message"]["content"], request);
  spec_.content = Content::kSha256;
  EXPECT_EQ(Json::parse(Body(AnswerTo(R"({"model":"x"})")))["choices"][0]["message"]["content"],
            "78b0e11c6754fc9671c2034f4a068d3a0e53c1c22a5a33900dd46bc8cd9136f3");
}

TEST_F(SimAnswerScript, NoAnswerAtAll) {
  Script reset = Answer(true, R"([{"fault":"reset"}])");
  EXPECT_EQ(Wire(reset), "");
  EXPECT_EQ(reset.ending, Ending::kReset);
  EXPECT_EQ(Answer(false, R"([{"fault":"close"}])").ending, Ending::kClose);
}

TEST_F(SimAnswerScript, AStreamBreaksAfterSoManyChunks) {
  Script script = Answer(true, R"([{"fault":"break","after_chunks":2}])");
  EXPECT_EQ(Count(Body(script), "content\":\""), 3u);  // the role's empty content, and two chunks
  EXPECT_EQ(script.ending, Ending::kClose);
  EXPECT_FALSE(Wire(script).ends_with("0\r\n\r\n"));
  EXPECT_EQ(Tokens(script), 2);
  EXPECT_EQ(Body(Answer(true, R"([{"fault":"break","at":"head"}])")), "");
  EXPECT_EQ(Count(Body(Answer(true, R"([{"fault":"break","at":"content"}])")), "data: "), 1u);
  Script clean = Answer(true, R"([{"fault":"break","after_chunks":1,"by":"end"}])");
  EXPECT_TRUE(Wire(clean).ends_with("0\r\n\r\n"));
  EXPECT_EQ(clean.ending, Ending::kKeep);
}

TEST_F(SimAnswerScript, AnEventCanBeCutInTheMiddle) {
  std::string wire = Wire(Answer(true, R"([{"fault":"break","after_chunks":1,"mid_event":true,"by":"reset"}])"));
  EXPECT_EQ(Count(wire, "\n\ndata: {") + Count(wire, "\r\ndata: {"), 3u);
  EXPECT_FALSE(wire.ends_with("\r\n"));
}

TEST_F(SimAnswerScript, APlainBodyCanBeShorterThanItSays) {
  Script script = Answer(false, R"([{"fault":"short_body"}])");
  std::string wire = Wire(script);
  size_t at = wire.find("content-length: ") + 16;
  EXPECT_GT(std::stoul(wire.substr(at)), Body(script).size());
  EXPECT_EQ(script.ending, Ending::kClose);
}

TEST_F(SimAnswerScript, StreamsWithoutContent) {
  EXPECT_EQ(Body(Answer(true, R"([{"fault":"empty_stream"}])")), "");
  EXPECT_EQ(Body(Answer(true, R"([{"fault":"only_done"}])")), "data: [DONE]\n\n");
  EXPECT_EQ(Body(Answer(true, R"([{"fault":"only_comments","count":2}])")), ": keep-alive\n\n: keep-alive\n\n");
  std::string role = Body(Answer(true, R"([{"fault":"role_only"}])"));
  EXPECT_EQ(Count(role, "data: "), 1u);
  EXPECT_NE(role.find("assistant"), std::string::npos);
}

TEST_F(SimAnswerScript, StreamsWithoutDone) {
  std::string bare = Body(Answer(true, R"([{"fault":"no_done"}])"));
  EXPECT_EQ(Count(bare, "[DONE]") + Count(bare, R"("finish_reason":"stop")"), 0u);
  std::string finished = Body(Answer(true, R"([{"fault":"no_done","finish":true}])"));
  EXPECT_EQ(Count(finished, "[DONE]"), 0u);
  EXPECT_EQ(Count(finished, R"("finish_reason":"stop")"), 1u);
}

TEST_F(SimAnswerScript, ErrorsInsideA200) {
  std::string first = Body(Answer(true, R"([{"fault":"error_in_200"}])"));
  EXPECT_TRUE(first.starts_with("data: {\"error\":")) << first;
  EXPECT_EQ(Count(first, "data: "), 1u);
  std::string named = Body(Answer(true, R"([{"fault":"error_in_200","event":true,"done":true,"after_chunks":1}])"));
  EXPECT_EQ(Count(named, "event: error\ndata: {\"error\""), 1u);
  EXPECT_TRUE(named.ends_with("[DONE]\n\n"));
  Script plain = Answer(false, R"([{"fault":"error_in_200","body":{"error":{"code":502}}}])");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(Body(plain), R"({"error":{"code":502}})");
}

TEST_F(SimAnswerScript, StallsWhereTold) {
  auto before_stall = [this](bool stream, const std::string& fault) {
    Script script = Answer(stream, fault);
    std::string bytes;
    for (const Step& step : script.steps) {
      if (step.kind == Step::Kind::kStall) return bytes;
      bytes += step.bytes;
    }
    return std::string("no stall");
  };
  for (bool stream : {true, false}) {
    EXPECT_EQ(before_stall(stream, R"([{"fault":"stall","at":"head"}])"), "");
    EXPECT_TRUE(before_stall(stream, R"([{"fault":"stall","at":"content"}])").starts_with("HTTP/1.1 200 OK"));
  }
  EXPECT_EQ(Count(before_stall(true, R"([{"fault":"stall","after_chunks":2}])"), "content\":\""), 3u);
  EXPECT_TRUE(Wire(Answer(true, R"([{"fault":"stall","after_chunks":2}])")).ends_with("0\r\n\r\n"));
}

TEST_F(SimAnswerScript, ErrorStatusesAndBodies) {
  Script script = Answer(true, R"([{"fault":"status","status":529}])");
  EXPECT_EQ(script.status, 529);
  EXPECT_EQ(Json::parse(Body(script))["error"]["type"], "overloaded_error");
  Script own = Answer(
      true, R"([{"fault":"status","status":500,"body":"<html>","headers":{"content-type":"text/html","x-a":1}}])");
  EXPECT_EQ(Body(own), "<html>");
  EXPECT_EQ(Count(Wire(own), "content-type: text/html\r\n"), 1u);
  EXPECT_EQ(Count(Wire(own), "x-a: 1\r\n"), 1u);
  EXPECT_NE(Body(Answer(true, R"([{"fault":"echo_key"}])")).find("sk-secret"), std::string::npos);
  EXPECT_NE(Wire(Answer(true, R"([{"fault":"redirect","location":"/x"}])")).find("location: /x\r\n"),
            std::string::npos);
}

TEST_F(SimAnswerScript, BytesThatAreNoAnswer) {
  EXPECT_FALSE(Wire(Answer(true, R"([{"fault":"garbage"}])")).starts_with("HTTP"));
  EXPECT_EQ(Wire(Answer(true, R"([{"fault":"raw","body_base64":"AAH/"}])")), std::string("\0\1\xff", 3));
  EXPECT_NE(Wire(Answer(true, R"([{"fault":"bad_chunk","after_chunks":1}])")).find("\r\nzz\r\n"), std::string::npos);
  EXPECT_EQ(Answer(true, R"([{"fault":"endless_head"}])").steps.back().kind, Step::Kind::kEndless);
  EXPECT_NE(Wire(Answer(false, R"([{"fault":"bad_gzip"}])")).find("content-encoding: gzip"), std::string::npos);
}

TEST_F(SimAnswerScript, ModifiersChangeOnlyTheManner) {
  std::string usual = Wire(Answer(true));
  Script drip = Answer(true, R"([{"fault":"drip","sizes":[1,7,3],"pause":"1ms"}])");
  EXPECT_EQ(Wire(drip), usual);
  EXPECT_EQ(drip.steps[0].bytes.size(), 1u);
  EXPECT_EQ(drip.steps[2].bytes.size(), 7u);
  EXPECT_EQ(Tokens(drip), 3);
  Script one = Answer(true, R"([{"fault":"coalesce"}])");
  EXPECT_EQ(one.steps.size(), 1u);
  EXPECT_EQ(Wire(one), usual);
  std::string comments = Body(Answer(true, R"([{"fault":"comments","count":2,"body":"wait"}])"));
  EXPECT_TRUE(comments.starts_with(": wait\n\n: wait\n\ndata: {"));
  EXPECT_TRUE(Wire(Answer(true, R"([{"fault":"interim","status":103,"count":2}])"))
                  .starts_with("HTTP/1.1 103 Early Hints\r\nx-interim: 1\r\n\r\nHTTP/1.1 103"));
  EXPECT_TRUE(Wire(Answer(true, R"([{"fault":"second_answer"}])")).ends_with(R"({"unasked":true})"));
  EXPECT_EQ(Answer(true, R"([{"fault":"close_idle"}])").ending, Ending::kClose);
}

TEST_F(SimAnswerScript, EventsCanBeSpelledOtherwise) {
  spec_.crlf = true;
  spec_.multi_line = true;
  spec_.space_after_colon = false;
  std::string body = Body(Answer(true));
  EXPECT_TRUE(body.starts_with("data:{\r\ndata:\"id\":")) << body;
  EXPECT_TRUE(body.ends_with("data:[DONE]\r\n\r\n"));
}

TEST(SimFaultPlan, TakesTurns) {
  absl::StatusOr<Document> document = ParseJson(
      R"([{"fault":"status","status":503,"next":2},{"fault":"close","every":3},{"fault":"drip","skip":1,"next":1}])");
  Problems problems(*document);
  FaultPlan plan;
  plan.Replace(ReadFaults(document->root, "", &problems));
  ASSERT_TRUE(problems.status().ok()) << problems.status();
  Random random(1);
  std::string seen;
  for (int i = 0; i < 8; ++i) {
    ChosenFaults chosen;
    plan.Choose({"m", "", true, false}, false, random, &chosen);
    seen += chosen.whole ? FaultName(chosen.whole->kind) : "ok";
    if (!chosen.modifiers.empty()) seen += "+drip";
    seen += " ";
  }
  // The rule behind a whole fault that fires does not count that request.
  EXPECT_EQ(seen, "status status+drip ok ok close ok ok close ");
}

}  // namespace
}  // namespace chain429::sim
