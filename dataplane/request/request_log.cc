#include "dataplane/request/request_log.h"

#include <algorithm>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMostPath = 256;
// Beyond what is shown, so that a key that begins within it is seen whole before the rest is cut away.
constexpr size_t kOverlap = 1024;
constexpr size_t kShortestHidden = 8;  // of configured header values, which need not be secrets

void Keep(std::string& out, std::string_view text, size_t most) {
  out.append(text.substr(0, most - std::min(most, out.size())));
}

bool IsProbe(const RequestFacts& facts) { return facts.path == "/health"; }

LogLevel LevelOf(const RequestFacts& facts) {
  // What began well may still have ended badly.
  const bool cut = facts.code == "stream_broken" || (facts.status == 200 && facts.code == "chain_exhausted");
  if (facts.status >= 500 || cut) return LogLevel::kWarning;
  return IsProbe(facts) ? LogLevel::kDebug : LogLevel::kInfo;
}

std::string Harmless(std::string_view body, const RequestFacts& facts, const Snapshot* snapshot) {
  std::string clean = Redact(body, facts.shown_key.Reveal());
  if (snapshot == nullptr) return clean;
  for (const Provider& provider : snapshot->providers) {
    for (const Credential& credential : provider.credentials) clean = Redact(clean, credential.key.Reveal());
    for (const Header& header : provider.headers) {
      if (header.value.size() >= kShortestHidden) clean = Redact(clean, header.value);
    }
  }
  return clean;
}

void AddBody(LogLine& line, std::string_view key, std::string_view cut_key, const std::string& body,
             const RequestFacts& facts, const Snapshot* snapshot) {
  if (body.empty()) return;
  const std::string clean = Harmless(body, facts, snapshot);
  line.Add(key, std::string_view(clean).substr(0, RequestLog::kMostBody));
  if (body.size() > RequestLog::kMostBody || clean.size() > RequestLog::kMostBody) line.Add(cut_key, true);
}

}  // namespace

void RequestFacts::Begin(MonoTime now, const RequestHead& head, LogBodies bodies_logged) {
  started = now;
  first_content = MonoTime();
  status = attempts = 0;
  gone = stream = in_chain = false;
  usage = Usage();
  bytes_in = bytes_out = 0;
  method.assign(head.method.substr(0, 32));
  path.assign(head.target.substr(0, std::min(head.target.find('?'), kMostPath)));
  for (std::string* text : {&model, &chain, &target, &trail, &client_key, &code}) text->clear();
  trace.Read(head);
  bodies = bodies_logged;
  if (bodies == LogBodies::kOff && request_body.empty() && response_body.empty()) return;
  // Bodies are large, and logging them is the exception.
  request_body = std::string();
  response_body = std::string();
  std::string_view shown = head.Find("authorization");
  if (const size_t space = shown.find(' '); space != std::string_view::npos) shown.remove_prefix(space + 1);
  shown_key = Secret(std::string(TrimSpace(shown)));
}

void RequestFacts::TakeRequestBody(std::string_view body) {
  bytes_in = body.size();
  if (bodies != LogBodies::kOff) Keep(request_body, body, RequestLog::kMostBody + kOverlap);
}

void RequestFacts::KeepAnswer(std::string_view piece) { Keep(response_body, piece, RequestLog::kMostBody + kOverlap); }

class RequestLog::Timer final : public Deadline {
 public:
  explicit Timer(RequestLog& log) : log_(log) {}
  void OnDeadline() override { log_.Flush(); }

 private:
  RequestLog& log_;
};

RequestLog::RequestLog(DeadlineQueue& deadlines, const Clock& clock, const Logger& logger)
    : deadlines_(deadlines), clock_(clock), logger_(logger), timer_(std::make_unique<Timer>(*this)) {}

RequestLog::~RequestLog() = default;

void RequestLog::Write(const RequestFacts& facts, std::string_view request_id, std::string_view client,
                       const Snapshot* snapshot) {
  const LogLevel level = LevelOf(facts);
  if (!logger_.enabled(level)) return;
  const Now now = clock_.Read();
  if (logger_.format() != format_) Flush();
  if (lines_.empty()) {
    format_ = logger_.format();
    lines_.reserve(kMostBuffered + kMostBuffered / 8);
    deadlines_.Set(*timer_, now.mono + kDelay);
  }
  LogLine line(lines_, format_, time_.Format(now.wall), level, logger_.program(), "request");
  line.Add("request_id", request_id);
  if (!facts.method.empty()) line.Add("method", facts.method);
  if (!facts.path.empty()) line.Add("path", facts.path);
  line.Add("client", client);
  if (!facts.client_key.empty()) line.Add("client_key", facts.client_key);
  const int status = facts.status != 0 ? facts.status : kClientGoneStatus;
  if (!facts.chain.empty()) line.Add("chain", facts.chain);
  if (!facts.model.empty()) line.Add("model", facts.model);
  if (!facts.target.empty()) line.Add("target", facts.target);
  line.Add("status", int64_t{status});
  if (facts.gone || facts.status == 0) {
    line.Add("error", "client_gone");
  } else if (!facts.code.empty()) {
    line.Add("error", facts.code);
  }
  if (!facts.chain.empty()) {
    line.Add("attempts", int64_t{facts.attempts});
    line.Add("trail", facts.trail);
    line.Add("stream", facts.stream);
  }
  if (facts.usage.seen) {
    line.Add("prompt_tokens", facts.usage.prompt_tokens);
    line.Add("completion_tokens", facts.usage.completion_tokens);
  }
  if (facts.first_content != MonoTime()) line.AddMillis("first_content_ms", facts.first_content - facts.started);
  line.AddMillis("latency_ms", now.mono - facts.started);
  line.Add("bytes_in", static_cast<int64_t>(facts.bytes_in));
  line.Add("bytes_out", static_cast<int64_t>(facts.bytes_out));
  if (!facts.trace.id.empty()) line.Add("trace_id", facts.trace.id);
  const bool failed = status >= 400 || facts.gone || !facts.code.empty();
  if (facts.bodies == LogBodies::kAll || (facts.bodies == LogBodies::kErrors && failed)) {
    AddBody(line, "request_body", "request_body_cut", facts.request_body, facts, snapshot);
    AddBody(line, "response_body", "response_body_cut", facts.response_body, facts, snapshot);
  }
  line.End();
  ++count_;
  if (lines_.size() >= kMostBuffered) Flush();
}

void RequestLog::Flush() {
  timer_->ClearDeadline();
  if (lines_.empty()) return;
  logger_.Write(std::exchange(lines_, {}), std::exchange(count_, 0), format_);
}

}  // namespace chain429
