#include "tests/sim/answer_script.h"

#include "tests/sim/stream_faults.h"

namespace chain429::sim {
namespace {

std::vector<Header> HeadHeaders(const Manners& manners, const std::string& content_type) {
  std::vector<Header> headers = {
      {"date", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", manners.now, absl::UTCTimeZone())}};
  if (!content_type.empty()) headers.emplace_back("content-type", content_type);
  return headers;
}

void Append(const std::vector<Header>& more, std::vector<Header>* headers) {
  headers->insert(headers->end(), more.begin(), more.end());
}

Ending EndingOf(CutBy by) {
  switch (by) {
    case CutBy::kClose:
      return Ending::kClose;
    case CutBy::kReset:
      return Ending::kReset;
    case CutBy::kEnd:
      return Ending::kKeep;
  }
  return Ending::kClose;
}

Step StallStep(absl::Duration lasts) {
  if (lasts > absl::ZeroDuration()) return WaitStep(lasts);
  Step step;
  step.kind = Step::Kind::kStall;
  return step;
}

// Lays out one chat answer, step by step.
class ChatWriter {
 public:
  ChatWriter(const AnswerInput& input, Random& random) : input_(input), spec_(*input.spec), random_(random) {}

  Script Write() {
    Wait(DrawDelay(spec_.latency, random_));
    if (!WriteWithoutAnswer()) {
      if (std::optional<HttpAnswer> error = ErrorOfFault()) {
        WriteError(*error);
      } else if (input_.request.stream) {
        WriteStream();
      } else {
        WritePlain();
      }
    }
    Modify();
    return std::move(script_);
  }

 private:
  const FaultSpec* Whole(FaultKind kind) const {
    return input_.faults.whole && input_.faults.whole->kind == kind ? &*input_.faults.whole : nullptr;
  }

  void Wait(absl::Duration pause) {
    if (pause > absl::ZeroDuration()) script_.steps.push_back(WaitStep(pause));
  }
  void Send(std::string bytes) {
    if (!bytes.empty()) script_.steps.push_back(SendStep(std::move(bytes)));
  }
  void SendHead(int status, const std::vector<Header>& headers) {
    script_.status = status;
    Send(HeadText(status, headers));
    script_.steps.back().head = true;
  }

  // Faults for which no valid head is ever sent.
  bool WriteWithoutAnswer() {
    if (!input_.faults.whole) return false;
    const FaultSpec& fault = *input_.faults.whole;
    switch (fault.kind) {
      case FaultKind::kReset:
        script_.ending = Ending::kReset;
        return true;
      case FaultKind::kClose:
        script_.ending = Ending::kClose;
        return true;
      case FaultKind::kGarbage:
        Send(fault.body.value_or("\x16\x03\x01\x02 this is no HTTP \xff\xfe\r\n\r\nat all"));
        script_.ending = EndingOf(fault.by);
        return true;
      case FaultKind::kRaw:
        Send(fault.body.value_or(""));
        script_.ending = EndingOf(fault.by);
        return true;
      case FaultKind::kEndlessHead: {
        Send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n");
        Step endless = SendStep("x-filler: " + std::string(100, 'a') + "\r\n");
        endless.kind = Step::Kind::kEndless;
        endless.pause = fault.pause;
        script_.steps.push_back(std::move(endless));
        script_.ending = Ending::kClose;
        return true;
      }
      default:
        return false;
    }
  }

  std::optional<HttpAnswer> ErrorOfFault() const {
    if (!input_.faults.whole) return std::nullopt;
    const FaultSpec& fault = *input_.faults.whole;
    HttpAnswer answer;
    switch (fault.kind) {
      case FaultKind::kStatus:
      case FaultKind::kRateLimit:  // the provider has laid the answer into the fault
        answer = UsualError(input_.style, static_cast<int>(fault.status), input_.request.model);
        if (fault.body) answer.body = *fault.body;
        break;
      case FaultKind::kEchoKey:
        answer =
            ErrorAnswer(input_.style, static_cast<int>(fault.status),
                        "Incorrect API key provided: " + input_.key + ". You can find your API key in the console.",
                        "invalid_request_error", "invalid_api_key");
        break;
      case FaultKind::kRedirect:
        answer.status = static_cast<int>(fault.status);
        answer.headers.emplace_back("location", fault.location);
        answer.content_type = "text/html";
        answer.body = "<html>elsewhere</html>";
        break;
      default:
        return std::nullopt;
    }
    for (const Header& header : fault.headers) {
      if (header.first == "content-type") {
        answer.content_type = header.second;
      } else {
        answer.headers.push_back(header);
      }
    }
    return answer;
  }

  void WriteError(HttpAnswer answer) {
    Append(input_.headers, &answer.headers);
    Script plain = PlainScript(answer, input_.manners);
    script_.status = plain.status;
    script_.ending = plain.ending;
    script_.steps.insert(script_.steps.end(), plain.steps.begin(), plain.steps.end());
  }

  std::vector<Header> HeadersFor(const std::string& content_type) const {
    std::vector<Header> headers = HeadHeaders(input_.manners, content_type);
    if (input_.style == Style::kOpenRouter) headers.emplace_back("x-generation-id", "gen-" + input_.completion.id);
    Append(input_.headers, &headers);
    Append(spec_.headers, &headers);
    return headers;
  }

  Framing FramingOr(Framing wanted) const {
    return input_.manners.http_1_0 && wanted == Framing::kChunked ? Framing::kUntilClose : wanted;
  }

  // The head with what frames the body; says how the connection ends.
  void BeginBody(Framing framing, size_t length, std::vector<Header> headers) {
    bool close = !input_.manners.keep_alive || framing == Framing::kUntilClose;
    if (framing == Framing::kLength) headers.emplace_back("content-length", std::to_string(length));
    if (framing == Framing::kChunked) headers.emplace_back("transfer-encoding", "chunked");
    if (close) headers.emplace_back("connection", "close");
    script_.ending = close ? Ending::kClose : Ending::kKeep;
    framing_ = framing;
    SendHead(200, headers);
  }

  std::string Framed(std::string_view data) const {
    // A chunk without data would end the body.
    return framing_ == Framing::kChunked && !data.empty() ? ChunkText(data) : std::string(data);
  }

  // The end of a body that is whole as far as HTTP is concerned.
  void EndBody() {
    if (framing_ == Framing::kChunked) Send("0\r\n\r\n");
  }

  // --- plain ---

  void WritePlain() {
    // A plain answer comes when the last token is made.
    Wait(DrawDelay(spec_.ttft, random_));
    size_t chunks = input_.completion.content.size() + input_.completion.reasoning.size();
    absl::Duration making;
    for (size_t i = 1; i < chunks; ++i) making += DrawDelay(spec_.chunk_delay, random_);
    Wait(making);

    std::string body = PlainBody(input_.completion);
    Framing framing = FramingOr(spec_.plain_framing);
    std::vector<Header> headers = HeadersFor("application/json");
    if (const FaultSpec* fault = Whole(FaultKind::kErrorIn200)) body = fault->body.value_or(kErrorIn200);
    if (Whole(FaultKind::kEmptyStream)) body.clear();
    if (Whole(FaultKind::kBadGzip)) {
      body = std::string("\x1f\x8b\x08\0gzip that is none", 21);
      headers.emplace_back("content-encoding", "gzip");
    }
    const FaultSpec* cut = Whole(FaultKind::kBreak);
    if (cut != nullptr && cut->by == CutBy::kEnd) body.resize(cut->at == CutAt::kHead ? 0 : body.size() / 2);
    if (Whole(FaultKind::kBadChunk)) framing = Framing::kChunked;

    BeginBody(framing, body.size(), headers);
    WritePlainBody(body, cut);
  }

  void WritePlainBody(const std::string& body, const FaultSpec* cut) {
    bool content = !input_.faults.whole.has_value();
    if (Whole(FaultKind::kShortBody) || (cut != nullptr && cut->by != CutBy::kEnd)) {
      bool head_only = cut != nullptr && cut->at == CutAt::kHead;
      if (!head_only) Send(CutPiece(body));
      script_.ending = cut == nullptr ? Ending::kClose : EndingOf(cut->by);
      return;
    }
    if (Whole(FaultKind::kBadChunk)) {
      Send("zz\r\n" + body + "\r\n0\r\n\r\n");
      script_.ending = Ending::kClose;
      return;
    }
    if (const FaultSpec* stall = Whole(FaultKind::kStall)) {
      WriteStalledBody(body, *stall);
      return;
    }
    SendContent(Framed(body), content ? input_.completion.completion_tokens : 0);
    EndBody();
  }

  void WriteStalledBody(const std::string& body, const FaultSpec& stall) {
    if (stall.at == CutAt::kHead) {
      // Before the head: the head has been laid out already, the stall goes in front of it.
      script_.steps.insert(script_.steps.end() - 1, StallStep(stall.lasts));
      Send(Framed(body));
    } else {
      std::string framed = Framed(body);
      size_t begin = stall.at == CutAt::kContent ? 0 : framed.size() / 2;
      Send(framed.substr(0, begin));
      script_.steps.push_back(StallStep(stall.lasts));
      Send(framed.substr(begin));
    }
    script_.steps.back().tokens = input_.completion.completion_tokens;
    EndBody();
  }

  void SendContent(std::string bytes, int64_t tokens) {
    Send(std::move(bytes));
    if (script_.steps.empty()) return;
    script_.steps.back().tokens = tokens;
    script_.steps.back().content = true;
  }

  // Half of a piece of the body; in a chunk, the chunk's head still claims the whole.
  std::string CutPiece(const std::string& data) const {
    std::string framed = Framed(data);
    return framed.substr(0, framed.size() / 2);
  }

  // --- stream ---

  void WriteStream() {
    std::vector<StreamEvent> events =
        StreamEvents(spec_, input_.completion, input_.request.include_usage, input_.style);
    EditEvents(spec_, input_.style, input_.faults, &events);
    const FaultSpec* stall = Whole(FaultKind::kStall);
    if (stall != nullptr && stall->at == CutAt::kHead) script_.steps.push_back(StallStep(stall->lasts));
    std::vector<Header> headers = HeadersFor("text/event-stream");
    if (Whole(FaultKind::kBadGzip)) headers.emplace_back("content-encoding", "gzip");
    BeginBody(FramingOr(spec_.stream_framing), 0, headers);
    if (Whole(FaultKind::kBadGzip)) {
      Send(Framed(std::string("\x1f\x8b\x08\0gzip that is none", 21)));
      EndBody();
      return;
    }
    WriteEvents(events);
  }

  void WriteEvents(const std::vector<StreamEvent>& events) {
    const FaultSpec* cut = Whole(FaultKind::kBreak);
    const FaultSpec* stall = Whole(FaultKind::kStall);
    const FaultSpec* bad_chunk = Whole(FaultKind::kBadChunk);
    const FaultSpec* fault = cut != nullptr ? cut : stall != nullptr ? stall : bad_chunk;
    size_t strikes = events.size() + 1;
    if (fault != nullptr && (fault != stall || stall->at != CutAt::kHead)) {
      strikes = StrikePosition(events, fault->at, fault->after_chunks);
    }
    bool first_content = true;
    for (size_t i = 0; i <= events.size(); ++i) {
      if (i == strikes) {
        if (fault == stall) {
          script_.steps.push_back(StallStep(stall->lasts));
        } else {
          if (cut != nullptr && cut->mid_event && i < events.size()) {
            Send(cut->by == CutBy::kEnd ? Framed(events[i].text.substr(0, events[i].text.size() / 2))
                                        : CutPiece(events[i].text));
          }
          return Strike(*fault);
        }
      }
      if (i < events.size()) WriteEvent(events[i], &first_content);
    }
    EndBody();
  }

  void Strike(const FaultSpec& fault) {
    if (fault.kind == FaultKind::kBadChunk) {
      Send("zz\r\ndata: nothing\r\n");
      script_.ending = Ending::kClose;
    } else if (fault.by == CutBy::kEnd) {
      EndBody();
    } else {
      script_.ending = EndingOf(fault.by);
    }
  }

  void WriteEvent(const StreamEvent& event, bool* first_content) {
    bool content = event.kind == StreamEvent::Kind::kContent;
    if (content) Wait(DrawDelay(*first_content ? spec_.ttft : spec_.chunk_delay, random_));
    if (content) *first_content = false;
    Send(Framed(event.text));
    script_.steps.back().tokens = event.tokens;
    script_.steps.back().content = content;
    Wait(event.pause);
  }

  // --- modifiers ---

  void Modify() {
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kInterim)) {
      std::string one = HeadText(static_cast<int>(fault->status), {{"x-interim", "1"}});
      std::string all;
      for (int64_t i = 0; i < fault->count; ++i) all += one;
      script_.steps.insert(script_.steps.begin(), SendStep(std::move(all)));
    }
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kDelay)) {
      script_.steps.insert(script_.steps.begin(), WaitStep(fault->lasts));
    }
    if (input_.faults.Modifier(FaultKind::kCoalesce)) Coalesce(&script_);
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kSlowHead)) {
      Drip(fault->sizes, fault->pause, /*head_only=*/true, &script_);
    }
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kDrip)) {
      Drip(fault->sizes, fault->pause, /*head_only=*/false, &script_);
    }
    if (script_.ending != Ending::kKeep) return;
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kSecondAnswer)) {
      Wait(fault->lasts);
      Send(HeadText(200, {{"content-type", "application/json"}, {"content-length", "16"}}) + R"({"unasked":true})");
    }
    if (const FaultSpec* fault = input_.faults.Modifier(FaultKind::kCloseIdle)) {
      Wait(fault->lasts);
      script_.ending = Ending::kClose;
    }
  }

  const AnswerInput& input_;
  const AnswerSpec& spec_;
  Random& random_;
  Script script_;
  Framing framing_ = Framing::kLength;
};

}  // namespace

Script ChatScript(const AnswerInput& input, Random& random) { return ChatWriter(input, random).Write(); }

Script PlainScript(const HttpAnswer& answer, const Manners& manners) {
  std::vector<Header> headers = HeadHeaders(manners, answer.content_type);
  Append(answer.headers, &headers);
  headers.emplace_back("content-length", std::to_string(answer.body.size()));
  bool close = !manners.keep_alive || manners.http_1_0;
  if (close) headers.emplace_back("connection", "close");
  Script script;
  script.status = answer.status;
  script.ending = close ? Ending::kClose : Ending::kKeep;
  script.steps.push_back(SendStep(HeadText(answer.status, headers)));
  script.steps.back().head = true;
  if (!answer.body.empty()) script.steps.push_back(SendStep(answer.body));
  return script;
}

}  // namespace chain429::sim
