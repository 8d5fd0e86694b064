#include "dataplane/request/attempt.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/waterfall/closing.h"
#include "common/waterfall/report.h"
#include "dataplane/http/inflate.h"
#include "dataplane/http/response.h"
#include "dataplane/request/capacity.h"
#include "dataplane/request/passing_fields.h"
#include "dataplane/request/relay.h"
#include "dataplane/upstream/idle_time.h"

namespace chain429 {
namespace {

constexpr std::string_view kAskForUsage = R"(,"stream_options":{"include_usage":true})";
constexpr size_t kMaxPlainBody = size_t{32} << 20;
constexpr int kMaxInterimAnswers = 100;

}  // namespace

Attempt::Attempt(ChatRequest& request, const Route& route, uint32_t candidate, int credential, Grant grant)
    : request_(request),
      worker_(request.worker),
      route_(route),
      candidate_(candidate),
      credential_(credential),
      grant_(grant) {}

Attempt::~Attempt() {
  if (upstream_ != nullptr) upstream_->Abort();
}

void Attempt::OnDeadline() {
  timed_out_ = true;
  if (upstream_ != nullptr) upstream_->Abort();
  // A client that does not take its answer in the whole time is given up with it.
  if (writing_) request_.client.connection().Abort();
}

void Attempt::Interrupt() {
  interrupted_ = true;
  if (dial_ != nullptr) dial_->Cancel();
  if (upstream_ != nullptr) upstream_->Abort();
}

Task<AttemptResult> Attempt::Run() {
  started_ = worker_.now();
  request_.client.set_waiting(this);
  const bool answered = co_await Exchange();
  if (answered) {
    const bool success = answer_.status >= 200 && answer_.status < 300;
    if (!success) {
      const bool read = co_await ReadBody();
      JudgeRefusal(read);
    } else if (request_.scan.stream &&
               answer_.Find("content-type").find("application/json") == std::string_view::npos) {
      route_.rules->ReadHeaders(answer_.fields, worker_.clock.Read().wall, readings_);
      Relay relay(*this);
      co_await relay.Run();
    } else {
      co_await AnswerPlain();
    }
  }
  ClearDeadline();
  request_.client.set_waiting(nullptr);
  result_.end.status = answer_.status;
  result_.first_content = first_content_;
  result_.usage = usage_;
  result_.end.latency = (first_content_ == MonoTime() ? worker_.now() : first_content_) - started_;
  Settle();
  ReleaseConnection();
  co_return std::move(result_);
}

bool Attempt::wants_usage() const {
  return request_.scan.stream && !request_.scan.has_stream_options && route_.provider->ask_usage;
}

// Unlike any other of this or another worker, for all that ids of 64 bits can promise.
uint64_t Attempt::NewSpan() { return Random(worker_.id_prefix + ++worker_.spans).Next(); }

void Attempt::BuildHead() {
  std::string& head = upstream_head_;
  head.reserve(1024);
  head.assign(route_.head);
  if (credential_ >= 0) head.append((*route_.auth_fields)[static_cast<size_t>(credential_)].Reveal());
  bool type_seen = false;
  for (const HeaderField& field : request_.head.fields) {
    if (!PassesUp(field, request_.head, *route_.provider)) continue;
    type_seen = type_seen || EqualsIgnoreCase(field.name, "content-type");
    AppendField(head, field.name, field.value);
  }
  AppendTraceFields(head, request_.client.facts().trace, request_.head, *route_.provider, NewSpan());
  if (!type_seen) head.append("Content-Type: application/json\r\n");
  const BodyScan& scan = request_.scan;
  const size_t length = request_.body.size() - (scan.model_end - scan.model_begin) + route_.model_json.size() +
                        (wants_usage() ? kAskForUsage.size() : 0);
  AppendNumberField(head, "Content-Length", length);
  head.append("Accept-Encoding: identity\r\n\r\n");
}

Task<bool> Attempt::Connect() {
  const MonoTime until = std::min(request_.deadline, worker_.now() + request_.chain.timeouts.connect);
  dial_ = std::make_unique<Dial>(worker_.dial, route_.host, until);
  Task<ConnectionPtr> dialling = dial_->Run(&slot_);
  upstream_ = co_await dialling;
  reused_ = dial_->reused();
  if (upstream_ == nullptr && !interrupted_) {
    if (route_.host->MayLogFailure(worker_.now())) {
      worker_.logger.Warning("a provider cannot be reached",
                             {{"provider", route_.provider->name}, {"error", dial_->error()}});
    }
    Fail(dial_->timed_out() ? Outcome::kTimeout : Outcome::kConnect, dial_->error());
  }
  dial_.reset();
  co_return upstream_ != nullptr;
}

Task<bool> Attempt::Exchange() {
  BuildHead();
  const BodyScan& scan = request_.scan;
  const std::string_view body = request_.body;
  for (bool retried = false;; retried = true) {
    upstream_ = retried ? nullptr : worker_.upstreams.TakeIdle(route_.host, slot_);
    reused_ = upstream_ != nullptr;
    if (!reused_) {
      const bool connected = co_await Connect();
      if (!connected) co_return false;
    }
    if (interrupted_) co_return false;
    if (!grant_.sent && !worker_.desk.MaySend(grant_, *route_.target, worker_.now())) {
      result_.too_late = true;
      co_return false;
    }
    const absl::Duration patience = request_.scan.stream ? route_.first_token : absl::InfiniteDuration();
    worker_.deadlines().Set(*this, std::min(request_.deadline, started_ + patience));
    auto write = upstream_->Write(upstream_head_, body.substr(0, scan.model_begin), route_.model_json,
                                  body.substr(scan.model_end, scan.close_brace - scan.model_end),
                                  wants_usage() ? kAskForUsage : std::string_view(), body.substr(scan.close_brace));
    const bool written = co_await write;
    bool good = written;
    if (written) {
      NoteSent();
      good = co_await ReadHead();
    } else if (!interrupted_ && !timed_out_) {
      good = co_await ReadEarlyHead();
    }
    if (good) co_return true;
    if (interrupted_) co_return false;
    upstream_->Abort();
    const bool stale = reused_ && !answer_begun_ && !timed_out_ && !retried;
    upstream_ = nullptr;
    if (!stale) {
      slot_.Free();
      if (timed_out_) {
        Fail(Outcome::kTimeout, request_.scan.stream ? "no content in time" : "no answer in time");
      } else if (result_.end.outcome == Outcome::kOk) {
        Fail(Outcome::kBroken, answer_begun_ ? "the connection broke within the answer's head"
                               : written     ? "the connection was closed without an answer"
                                             : "the connection broke while the request was written");
      }
      co_return false;
    }
    worker_.counters.upstream.retries.Add();
  }
}

// The report has to leave though nothing else happens for long: a permit of which nothing is heard is taken back.
void Attempt::NoteSent() {
  sent_at_ = worker_.now();
  if (grant_.sent) return;
  worker_.desk.Sent(grant_, sent_at_);
  worker_.clerk.OnDeskChanged();
}

// A provider may refuse a request before it has read it all, and close: what it said may have come before the writing
// failed.
Task<bool> Attempt::ReadEarlyHead() {
  const bool answered = co_await ReadHead();
  if (!answered) co_return false;
  keeps_alive_ = false;
  NoteSent();
  co_return true;
}

Task<bool> Attempt::ReadHead() {
  int interim = 0;
  for (;;) {
    const ParseResult parsed = ParseResponseHead(upstream_->input(), answer_);
    if (parsed.state == ParseState::kBad) {
      answer_.status = 0;
      Fail(Outcome::kBroken, std::string(parsed.reason));
      co_return false;
    }
    if (parsed.state == ParseState::kDone) {
      if (answer_.status >= 200) {
        head_size_ = parsed.consumed;
        keeps_alive_ = answer_.KeepsAlive();
        idle_time_ = IdleTime(answer_.Find("keep-alive"));
        co_return true;
      }
      if (answer_.status == 101 || ++interim > kMaxInterimAnswers) {
        answer_.status = 0;
        Fail(Outcome::kBroken, "too many interim answers, or an upgrade nobody asked for");
        co_return false;
      }
      upstream_->Consume(parsed.consumed);
      continue;
    }
    const bool more = co_await upstream_->Fill();
    if (!more) {
      answer_.status = 0;
      co_return false;
    }
    answer_begun_ = true;
  }
}

// Keeps the head where it is and the payload behind it, so that a whole small answer is one stretch of the buffer it
// was read into.
Task<bool> Attempt::ReadBody() {
  const bool bodyless = answer_.status == 204 || answer_.status == 304;
  const bool chunked = answer_.chunked;
  const std::optional<uint64_t> length = bodyless ? std::optional<uint64_t>(0) : answer_.content_length;
  if (length.value_or(0) > kMaxPlainBody) co_return false;
  if (length && upstream_->input().size() < head_size_ + *length) upstream_->Reserve(head_size_ + *length);
  bool done = false;
  body_size_ = 0;
  while (!done) {
    const size_t raw_at = head_size_ + body_size_;
    const size_t raw = upstream_->input().size() - raw_at;
    if (chunked) {
      char* data = upstream_->input_data() + raw_at;
      const ChunkScan::Step step = chunks_.Feed(data, raw, data);
      if (step.state == ChunkScan::State::kBad) co_return false;
      upstream_->Cut(raw_at + step.payload, raw_at + step.consumed);
      body_size_ += step.payload;
      done = step.state == ChunkScan::State::kDone;
    } else if (length) {
      body_size_ = std::min<size_t>(*length, body_size_ + raw);
      done = body_size_ == *length;
    } else {
      body_size_ += raw;
    }
    if (done) break;
    if (body_size_ > kMaxPlainBody) co_return false;
    const bool more = co_await upstream_->Fill();
    if (!more) {
      // Without a length or chunks the end of the connection is the end of the body.
      if (chunked || length || upstream_->end() != IoEnd::kEof) co_return false;
      break;
    }
  }
  whole_ = done && keeps_alive_ && upstream_->input().size() == head_size_ + body_size_;
  // The buffer may have moved while it grew.
  ParseResponseHead(upstream_->input(), answer_);
  co_return true;
}

Task<bool> Attempt::AnswerPlain() {
  const bool read = co_await ReadBody();
  if (interrupted_) co_return false;
  if (!read) {
    Fail(timed_out_ ? Outcome::kTimeout : Outcome::kBroken,
         timed_out_ ? "the answer did not end in time" : "the answer ended before it was whole");
    co_return false;
  }
  const absl::Time wall = worker_.clock.Read().wall;
  route_.rules->ReadHeaders(answer_.fields, wall, readings_);
  if (!Decode()) {
    Fail(Outcome::kBroken, "the answer is compressed in a way that cannot be read");
    co_return false;
  }
  const AnswerFacts facts = worker_.answer_scanner.Scan(body());
  if (facts.error && !facts.has_choices) {
    TakeVerdict(route_.rules->ClassifyEvent(body(), false, wall, readings_));
    co_return false;
  }
  if (request_.scan.stream || !facts.valid) {
    Fail(body().empty() || request_.scan.stream ? Outcome::kEmpty : Outcome::kBroken,
         request_.scan.stream ? "a stream was asked for, the answer is none" : "the answer is not a JSON object");
    co_return false;
  }
  usage_ = facts.usage;
  first_content_ = worker_.now();
  worker_.deadlines().Set(*this, request_.deadline);
  Responder& client = request_.client;
  std::string& head = client.StartHead(answer_.status, answer_.reason);
  AppendAnswerFields(head, false);
  AppendChainFields(head);
  client.FinishHead(Responder::Framing::kLength, body().size());
  result_.replied = true;
  writing_ = true;
  const std::string_view shown = client.no_body() ? std::string_view() : body();
  client.facts().TakeAnswerBody(shown);
  auto write = client.connection().Write(client.head(), shown);
  const bool sent = co_await write;
  writing_ = false;
  co_return sent;
}

// Some servers compress although only identity is accepted.
bool Attempt::Decode() {
  const std::string_view coding = answer_.Find("content-encoding");
  if (coding.empty() || EqualsIgnoreCase(coding, "identity")) return true;
  decoded_ = Inflate(coding, upstream_->input().substr(head_size_, body_size_), kMaxPlainBody);
  return decoded_.has_value();
}

void Attempt::AppendAnswerFields(std::string& out, bool redact) {
  // Of the one target that was named nobody knows better, unless we do.
  const bool one = !request_.chain.is_chain && request_.chain.routes.size() == 1;
  tells_limits_ = one && !IsKnown(CapacityOf(worker_.desk, request_.chain, worker_.now()));
  const bool error = answer_.status >= 300;
  for (const HeaderField& field : answer_.fields) {
    if (!PassesDown(field, answer_)) continue;
    if (!tells_limits_ && TellsOfLimits(field, error)) continue;
    if ((decoded_ || inflates_) && EqualsIgnoreCase(field.name, "content-encoding")) continue;
    AppendField(out, field.name, redact ? WithoutKeys(field.value) : field.value);
  }
}

void Attempt::AppendChainFields(std::string& out) {
  // The trail as it will be: this attempt has just succeeded.
  Hops hops = request_.walk.hops();
  Hop last;
  last.candidate = candidate_;
  last.status = answer_.status;
  last.called = true;
  last.latency = first_content_ - started_;
  hops.push_back(std::move(last));
  const auto name_of = [&](uint32_t candidate) {
    return std::string_view(request_.chain.routes[candidate].target->name);
  };
  AppendChainHead(out, request_.chain.name, hops, static_cast<int>(candidate_), request_.walk.attempts() + 1, name_of,
                  first_content_);
  if (!tells_limits_) AppendRateLimitFields(out, CapacityOf(worker_.desk, request_.chain, first_content_));
}

std::string Attempt::WithoutKeys(std::string_view text) const {
  std::string clean(text);
  for (const Credential& credential : route_.provider->credentials) clean = Redact(clean, credential.key.Reveal());
  return clean;
}

void Attempt::Fail(Outcome outcome, std::string message) {
  result_.end.outcome = outcome;
  result_.end.error_class = ErrorClass::kOverloaded;
  result_.end.message = std::move(message);
}

void Attempt::JudgeRefusal(bool read) {
  if (interrupted_) return;
  if (timed_out_) {
    Fail(Outcome::kTimeout, "the answer did not end in time");
    return;
  }
  if (const OutboundProxy* proxy = route_.host->proxy(); proxy != nullptr && answer_.status == 407) {
    Fail(Outcome::kConnect, absl::StrCat("the proxy ", proxy->name, " wants other credentials (407)"));
    return;
  }
  read = read && Decode();
  Verdict verdict =
      route_.rules->Classify(answer_.status, answer_.fields, body(), worker_.clock.Read().wall, readings_);
  // What did not come whole cannot be handed on as the provider's own word.
  const bool handed_on =
      verdict.error_class == ErrorClass::kBadRequest || verdict.error_class == ErrorClass::kContextTooLong;
  if (handed_on && !read) {
    Fail(Outcome::kBroken, "the answer ended before it was whole");
    return;
  }
  TakeVerdict(verdict);
  if (handed_on || (read && verdict.error_class == ErrorClass::kRefusedHere)) Hold();
}

void Attempt::TakeVerdict(const Verdict& verdict) {
  verdict_ = verdict;
  AttemptEnd& end = result_.end;
  end.error_class = verdict.error_class;
  end.outcome = OutcomeOf(verdict.error_class);
  end.message = WithoutKeys(verdict.message);
  if (verdict.error_class == ErrorClass::kOk) {
    end.error_class = ErrorClass::kOverloaded;
    end.outcome = Outcome::kError;
  }
  CloseScope(verdict);
}

// Closes what the verdict names, for this worker at once; the settlement tells the fleet.
void Attempt::CloseScope(const Verdict& verdict) {
  const PoolId credential =
      credential_ >= 0 ? route_.provider->credentials[static_cast<size_t>(credential_)].pool : PoolId();
  const std::optional<Closing> closing = ClosingOf(verdict, *route_.target, credential);
  if (!closing) return;
  closes_ = closing->pool;
  const MonoTime now = worker_.now();
  worker_.desk.Close(closing->pool, closing->closure, closing->wait, verdict.authoritative, now);
  result_.end.opens = now + closing->wait;
}

void Attempt::Hold() {
  result_.held = std::make_unique<HeldAnswer>();
  result_.held->candidate = candidate_;
  result_.held->status = answer_.status;
  AppendAnswerFields(result_.held->fields, true);
  result_.held->tells_limits = tells_limits_;
  result_.held->body = WithoutKeys(body());
  result_.held->message = result_.end.message;
  result_.end.kept = true;
}

// A stream's end may be minutes away, and its beginning says already that the provider took it.
void Attempt::TellBegun() {
  if (!grant_.watched) return;
  worker_.desk.Begun(grant_, *route_.target, {readings_.begin(), readings_.end()}, sent_at_, worker_.now());
  worker_.clerk.OnDeskChanged();
}

void Attempt::Settle() {
  const MonoTime now = worker_.now();
  if (!grant_.sent) {
    worker_.desk.Release(grant_, now);
    worker_.clerk.OnDeskChanged();
    return;
  }
  Settlement settlement;
  settlement.usage = usage_;
  settlement.prompt_bytes = static_cast<int64_t>(request_.body.size());
  settlement.error_class = result_.end.error_class;
  settlement.scope = verdict_.scope;
  settlement.closes = closes_;
  settlement.retry_after = verdict_.retry_after;
  settlement.authoritative = verdict_.authoritative;
  settlement.readings = std::move(readings_);
  settlement.latency = (first_content_ == MonoTime() ? now : first_content_) - started_;
  worker_.desk.Settle(grant_, *route_.target, std::move(settlement), sent_at_, now);
  worker_.clerk.OnDeskChanged();
  TargetCounters& counters = worker_.counters.targets.For(route_.target->id, route_.target->name);
  counters.prompt_tokens.Add(static_cast<uint64_t>(usage_.prompt_tokens));
  counters.completion_tokens.Add(static_cast<uint64_t>(usage_.completion_tokens));
  if (answer_.status == 429) counters.provider_429s.Add();
  if (first_content_ != MonoTime()) counters.first_content.Observe(first_content_ - started_);
}

void Attempt::ReleaseConnection() {
  if (upstream_ != nullptr) {
    if (whole_ && !interrupted_ && !timed_out_) {
      upstream_->Consume(upstream_->input().size());
      worker_.upstreams.Return(route_.host, std::move(upstream_), std::move(slot_), idle_time_);
    } else {
      upstream_->Abort();
    }
    upstream_ = nullptr;
  }
  slot_.Free();
}

}  // namespace chain429
