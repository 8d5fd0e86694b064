#include "tests/sim/completion.h"

#include <algorithm>
#include <array>

#include "tests/sim/bytes.h"

namespace chain429::sim {
namespace {

constexpr std::array<const char*, 16> kWords = {"river", "stone", "amber", "quiet",  "seven", "north", "paper", "cloud",
                                                "ember", "field", "glass", "harbor", "ivory", "maple", "ocean", "pine"};

// Repeatable: the same seed and body give the same words.
std::vector<std::string> Words(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<std::string> words;
  for (size_t i = 0; i < count; ++i) {
    words.push_back((i == 0 ? "" : " ") + std::string(kWords[random.Below(kWords.size())]));
  }
  return words;
}

// `text` in `count` pieces of nearly equal length, never cut within a UTF-8 character. Fewer when it is short.
std::vector<std::string> Pieces(const std::string& text, size_t count) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (size_t i = 0; i < count && begin < text.size(); ++i) {
    size_t end = std::max(begin + 1, text.size() * (i + 1) / count);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

// The type that a parameter's schema names; of several, as in ["string", "null"], the first.
Json TypeOf(const Json& schema) {
  if (!schema.is_object() || !schema.contains("type")) return "string";
  const Json& type = schema["type"];
  return type.is_array() && !type.empty() ? type[0] : type;
}

// A value that the parameter's schema allows.
Json ArgumentFor(const Json& schema) {
  const Json type = TypeOf(schema);
  if (schema.is_object() && schema.contains("enum") && schema["enum"].is_array() && !schema["enum"].empty()) {
    return schema["enum"][0];
  }
  if (type == "integer") return 1;
  if (type == "number") return 1.5;
  if (type == "boolean") return true;
  if (type == "array") return Json::array();
  if (type == "object") return Json::object();
  return "Paris";
}

ToolCall CallOf(const Json& function, const std::string& id, size_t chunks) {
  Json arguments = Json::object();
  if (function.contains("parameters") && function["parameters"].is_object()) {
    const Json& parameters = function["parameters"];
    if (parameters.contains("properties") && parameters["properties"].is_object()) {
      for (const auto& item : parameters["properties"].items()) arguments[item.key()] = ArgumentFor(item.value());
    }
  }
  ToolCall call;
  call.id = "call_" + id;
  call.name = function.contains("name") && function["name"].is_string() ? function["name"].get<std::string>() : "";
  call.arguments = Pieces(arguments.dump(), std::max<size_t>(1, chunks));
  return call;
}

std::string Joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

std::vector<std::string> ContentOf(const AnswerSpec& spec, std::string_view body, uint64_t seed, size_t chunks) {
  switch (spec.content) {
    case Content::kWords: {
      if (spec.content_bytes == 0) return Words(seed, chunks);
      size_t wanted = static_cast<size_t>(spec.content_bytes);
      std::string text = Joined(Words(seed, wanted / 5 + 2));  // no word is shorter than 4 bytes
      text.resize(wanted);
      return Pieces(text, std::max<size_t>(1, chunks));
    }
    case Content::kText:
      return Pieces(spec.text, std::max<size_t>(1, chunks));
    case Content::kSha256:
      return Pieces(Sha256Hex(body), std::max<size_t>(1, chunks));
    case Content::kEcho:
      return Pieces(std::string(body), std::max<size_t>(1, chunks));
  }
  return {};
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json UsageOf(const Completion& completion) {
  return {{"prompt_tokens", completion.prompt_tokens},
          {"completion_tokens", completion.completion_tokens},
          {"total_tokens", completion.prompt_tokens + completion.completion_tokens}};
}

// Builds the events of one stream, dealing the completion's tokens out to those that carry content.
class StreamWriter {
 public:
  StreamWriter(const AnswerSpec& spec, const Completion& completion, bool include_usage)
      : spec_(spec), completion_(completion), include_usage_(include_usage) {
    shares_ = static_cast<int64_t>(completion.reasoning.size() + (completion.tool_call
                                                                      ? completion.tool_call->arguments.size() + 1
                                                                      : completion.content.size()));
  }

  void Delta(StreamEvent::Kind kind, const Json& delta, const Json& finish_reason, const Json& extra = nullptr) {
    Json chunk = Chunk();
    Json choice = {{"index", 0}, {"delta", delta}, {"logprobs", nullptr}, {"finish_reason", finish_reason}};
    chunk["choices"].push_back(choice);
    if (include_usage_) chunk["usage"] = nullptr;
    if (!extra.is_null()) chunk["x_groq"] = extra;
    Push(kind, Dump(chunk), kind == StreamEvent::Kind::kContent ? NextShare() : 0);
  }

  void Usage() {
    Json chunk = Chunk();
    chunk["usage"] = UsageOf(completion_);
    Push(StreamEvent::Kind::kUsage, Dump(chunk), 0);
  }

  void Push(StreamEvent::Kind kind, const std::string& data, int64_t tokens) {
    events_.push_back({kind, EventText(spec_, "", data), tokens});
  }

  std::vector<StreamEvent> Take() { return std::move(events_); }

 private:
  Json Chunk() const {
    return {{"id", completion_.id},
            {"object", "chat.completion.chunk"},
            {"created", completion_.created},
            {"model", completion_.model},
            {"choices", Json::array()}};
  }

  int64_t NextShare() {
    int64_t before = completion_.completion_tokens * dealt_ / shares_;
    ++dealt_;
    return completion_.completion_tokens * dealt_ / shares_ - before;
  }

  const AnswerSpec& spec_;
  const Completion& completion_;
  bool include_usage_;
  int64_t shares_ = 0;
  int64_t dealt_ = 0;
  std::vector<StreamEvent> events_;
};

void WriteToolCall(const ToolCall& call, StreamWriter* writer) {
  Json begin = Json::array();
  begin.push_back(
      {{"index", 0}, {"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", ""}}}});
  writer->Delta(StreamEvent::Kind::kContent, {{"tool_calls", begin}}, nullptr);
  for (const std::string& piece : call.arguments) {
    Json part = Json::array();
    part.push_back({{"index", 0}, {"function", {{"arguments", piece}}}});
    writer->Delta(StreamEvent::Kind::kContent, {{"tool_calls", part}}, nullptr);
  }
}

}  // namespace

int64_t PromptTokens(const AnswerSpec& spec, size_t body_bytes) {
  return (static_cast<int64_t>(body_bytes) + spec.bytes_per_token - 1) / spec.bytes_per_token;
}

Completion MakeCompletion(const AnswerSpec& spec, const ChatRequest& request, std::string_view body, uint64_t seed,
                          const std::string& id, int64_t created, Random& random) {
  Completion completion;
  completion.id = "chatcmpl-" + id;
  completion.created = created;
  completion.model = request.model;
  completion.reasoning_field = spec.reasoning_field;
  uint64_t text_seed = seed ^ HashOf(body);
  size_t chunks = static_cast<size_t>(DrawAmount(spec.chunks, random));
  completion.reasoning = Words(text_seed + 1, static_cast<size_t>(spec.reasoning_chunks));
  size_t bytes = Joined(completion.reasoning).size();
  if (spec.tools && request.tool) {
    completion.tool_call = CallOf(*request.tool, id, chunks);
    completion.finish_reason = "tool_calls";
    bytes += Joined(completion.tool_call->arguments).size();
  } else {
    completion.content = ContentOf(spec, body, text_seed, chunks);
    bytes += Joined(completion.content).size();
  }
  completion.prompt_tokens = PromptTokens(spec, body.size());
  completion.completion_tokens =
      spec.completion_tokens ? DrawAmount(*spec.completion_tokens, random) : PromptTokens(spec, bytes);
  if (request.max_output && completion.completion_tokens > *request.max_output) {
    completion.completion_tokens = *request.max_output;
    completion.finish_reason = "length";
  }
  return completion;
}

std::string PlainBody(const Completion& completion) {
  Json message = {{"role", "assistant"}, {"content", nullptr}};
  if (!completion.tool_call) message["content"] = Joined(completion.content);
  if (!completion.reasoning.empty()) message[completion.reasoning_field] = Joined(completion.reasoning);
  if (completion.tool_call) {
    const ToolCall& call = *completion.tool_call;
    Json calls = Json::array();
    calls.push_back({{"id", call.id},
                     {"type", "function"},
                     {"function", {{"name", call.name}, {"arguments", Joined(call.arguments)}}}});
    message["tool_calls"] = calls;
  }
  Json choices = Json::array();
  choices.push_back(
      {{"index", 0}, {"message", message}, {"logprobs", nullptr}, {"finish_reason", completion.finish_reason}});
  return Dump({{"id", completion.id},
               {"object", "chat.completion"},
               {"created", completion.created},
               {"model", completion.model},
               {"choices", choices},
               {"usage", UsageOf(completion)}});
}

std::vector<StreamEvent> StreamEvents(const AnswerSpec& spec, const Completion& completion, bool include_usage,
                                      Style style) {
  StreamWriter writer(spec, completion, include_usage);
  Json role = {{"role", "assistant"}, {"content", ""}};
  if (completion.tool_call) role["content"] = nullptr;
  writer.Delta(StreamEvent::Kind::kRole, role, nullptr);
  for (const std::string& piece : completion.reasoning) {
    writer.Delta(StreamEvent::Kind::kContent, {{completion.reasoning_field, piece}}, nullptr);
  }
  if (completion.tool_call) {
    WriteToolCall(*completion.tool_call, &writer);
  } else {
    for (const std::string& piece : completion.content) {
      writer.Delta(StreamEvent::Kind::kContent, {{"content", piece}}, nullptr);
    }
  }
  Json extra = nullptr;
  if (style == Style::kGroq) extra = {{"id", "req_" + completion.id}, {"usage", UsageOf(completion)}};
  writer.Delta(StreamEvent::Kind::kFinish, Json::object(), completion.finish_reason, extra);
  if (include_usage) writer.Usage();
  writer.Push(StreamEvent::Kind::kDone, "[DONE]", 0);
  return writer.Take();
}

std::string EventText(const AnswerSpec& spec, const std::string& name, const std::string& data) {
  std::string newline = spec.crlf ? "\r\n" : "\n";
  std::string field = spec.space_after_colon ? ": " : ":";
  std::string text;
  if (!name.empty()) text += "event" + field + name + newline;
  std::string rest = data;
  // JSON allows white space behind its first brace, so the data can go on in a second line.
  if (spec.multi_line && rest.starts_with("{")) {
    text += "data" + field + "{" + newline;
    rest.erase(0, 1);
  }
  return text + "data" + field + rest + newline + newline;
}

}  // namespace chain429::sim
