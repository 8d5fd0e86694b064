#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/document.h"

namespace chain429::sim {

// What the simulator looks at in the body of a chat request.
struct ChatRequest {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  std::optional<int64_t> max_output;  // max_completion_tokens, else max_tokens
  std::optional<Json> tool;           // the function to be called, when the last message is not a tool's answer
};

// Nothing when the body is no JSON object or has no model.
std::optional<ChatRequest> ReadChatRequest(std::string_view body);

}  // namespace chain429::sim
