#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/sim/chat_request.h"
#include "tests/sim/scenario.h"

namespace chain429::sim {

// What a provider's model says to one request, and its spelling as a plain answer and as a stream. Pure.

struct ToolCall {
  std::string id;
  std::string name;
  std::vector<std::string> arguments;  // in pieces
};

struct Completion {
  std::string id;
  int64_t created = 0;
  std::string model;
  std::vector<std::string> reasoning;
  std::vector<std::string> content;  // in chunks
  std::optional<ToolCall> tool_call;
  std::string finish_reason = "stop";
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  std::string reasoning_field;
};

int64_t PromptTokens(const AnswerSpec& spec, size_t body_bytes);

// `id` tells the provider and the request: "groq-17".
Completion MakeCompletion(const AnswerSpec& spec, const ChatRequest& request, std::string_view body, uint64_t seed,
                          const std::string& id, int64_t created, Random& random);

std::string PlainBody(const Completion& completion);

struct StreamEvent {
  enum class Kind { kRole, kContent, kFinish, kUsage, kDone, kComment, kError };
  Kind kind;
  std::string text;      // as on the wire, with the empty line
  int64_t tokens = 0;    // made with this event
  absl::Duration pause{};  // after it
};

// The whole stream, [DONE] included.
std::vector<StreamEvent> StreamEvents(const AnswerSpec& spec, const Completion& completion, bool include_usage,
                                      Style style);

// One event with this data; `name` may be empty.
std::string EventText(const AnswerSpec& spec, const std::string& name, const std::string& data);

}  // namespace chain429::sim
