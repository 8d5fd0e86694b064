#include "tests/sim/chat_request.h"

namespace chain429::sim {
namespace {

const Json* Member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string TextMember(const Json& object, const char* key) {
  const Json* value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool FlagMember(const Json& object, const char* key) {
  const Json* value = Member(object, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

// The tool named by tool_choice, else the first.
std::optional<Json> ChosenTool(const Json& root) {
  const Json* tools = Member(root, "tools");
  if (tools == nullptr || !tools->is_array() || tools->empty()) return std::nullopt;
  if (TextMember(root, "tool_choice") == "none") return std::nullopt;
  const Json* messages = Member(root, "messages");
  if (messages != nullptr && messages->is_array() && !messages->empty() &&
      TextMember(messages->back(), "role") == "tool") {
    return std::nullopt;
  }
  std::string wanted;
  if (const Json* choice = Member(root, "tool_choice")) {
    if (const Json* function = Member(*choice, "function")) wanted = TextMember(*function, "name");
  }
  for (const Json& tool : *tools) {
    const Json* function = Member(tool, "function");
    if (function == nullptr) continue;
    if (wanted.empty() || TextMember(*function, "name") == wanted) return *function;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ChatRequest> ReadChatRequest(std::string_view body) {
  Json root = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  ChatRequest request;
  request.model = TextMember(root, "model");
  if (request.model.empty()) return std::nullopt;
  request.stream = FlagMember(root, "stream");
  if (const Json* options = Member(root, "stream_options"))
    request.include_usage = FlagMember(*options, "include_usage");
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    const Json* value = Member(root, key);
    if (value != nullptr && value->is_number_integer() && value->get<int64_t>() >= 0) {
      request.max_output = value->get<int64_t>();
    }
  }
  request.tool = ChosenTool(root);
  return request;
}

}  // namespace chain429::sim
