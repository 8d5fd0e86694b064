#include "dataplane/request/chat.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/waterfall/report.h"
#include "common/waterfall/walk.h"
#include "dataplane/http/response.h"
#include "dataplane/request/capacity.h"
#include "dataplane/request/client_auth.h"
#include "dataplane/request/explain.h"
#include "dataplane/request/keep_alive.h"
#include "dataplane/request/models.h"
#include "dataplane/request/stream_text.h"

namespace chain429 {
namespace {

// Before a target's ratio is learnt: four bytes of JSON a token, which is generous for English and short for code.
constexpr int64_t kBytesPerToken = 4;
constexpr size_t kMostModelShown = 200;  // of a name that anybody may send

// Waits for the control plane's answer to an acquire. The coroutine is resumed in a turn of its own, not from within
// the desk.
class AskAwaiter final : public AcquireWaiter, public Interruptible {
 public:
  AskAwaiter(WorkerContext& worker, Acquire acquire) : worker_(worker), acquire_(std::move(acquire)) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    id_ = worker_.desk.Ask(std::move(acquire_), this, worker_.now());
    worker_.clerk.OnDeskChanged();
  }
  void await_resume() const {}

  void OnAcquireAnswer(const AcquireAnswer* answer) override {
    if (answer != nullptr) answer_ = *answer;
    Wake();
  }
  void Interrupt() override {
    if (!handle_) return;
    worker_.desk.Cancel(id_);
    worker_.clerk.OnDeskChanged();
    Wake();
  }
  const std::optional<AcquireAnswer>& answer() const { return answer_; }

 private:
  void Wake() {
    if (!handle_) return;
    boost::asio::post(worker_.dial.io, [handle = std::exchange(handle_, nullptr)] { handle.resume(); });
  }
  WorkerContext& worker_;
  Acquire acquire_;
  AcquireId id_;
  std::coroutine_handle<> handle_;
  std::optional<AcquireAnswer> answer_;
};

class SleepAwaiter final : public Deadline, public Interruptible {
 public:
  SleepAwaiter(WorkerContext& worker, MonoTime until) : worker_(worker), until_(until) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    worker_.deadlines().Set(*this, until_);
  }
  void await_resume() const {}
  void OnDeadline() override { Wake(); }
  void Interrupt() override {
    ClearDeadline();
    Wake();
  }

 private:
  void Wake() {
    if (!handle_) return;
    boost::asio::post(worker_.dial.io, [handle = std::exchange(handle_, nullptr)] { handle.resume(); });
  }
  WorkerContext& worker_;
  MonoTime until_;
  std::coroutine_handle<> handle_;
};

// One chat request from its resolved chain on.
class Chat {
 public:
  Chat(WorkerContext& worker, Responder& client, const RequestHead& head, std::string_view body, const BodyScan& scan,
       std::shared_ptr<const ResolvedChain> chain, std::shared_ptr<RouteTable> routes)
      : worker_(worker),
        client_(client),
        chain_(std::move(chain)),
        routes_(std::move(routes)),
        walk_({static_cast<uint32_t>(chain_->routes.size()), chain_->max_attempts,
               worker.now() + chain_->timeouts.total, chain_->wait}),
        request_{worker, client, head, body, scan, *chain_, walk_, worker.now(), worker.now() + chain_->timeouts.total},
        tokens_(static_cast<int64_t>(body.size()) / kBytesPerToken) {
    if (!scan.stream || chain_->timeouts.keepalive <= absl::ZeroDuration()) return;
    keep_alive_.emplace(worker, client, chain_->name, chain_->timeouts.keepalive, request_.started);
    request_.keep_alive = &*keep_alive_;
  }

  Task<bool> Run();

 private:
  GateView GateOf(uint32_t candidate, bool alone) const;
  Task<bool> Ask(const Walk::Step& step);
  // True: the client has been answered.
  Task<bool> Call(uint32_t candidate, Grant grant);
  Task<bool> Exhaust(const Walk::Step& step);
  Task<bool> HandBack();
  Task<bool> EndWithError(std::string fields, std::string json);
  // Of an answer without content: whether the client has been sent a head, and expects events.
  bool StreamBegun() { return keep_alive_ && keep_alive_->TakeOver(); }
  void CountHops();
  void NoteWalk();
  // `target`: who answered, -1: nobody did.
  std::string ChainFields(int target) const;
  std::string_view NameOf(uint32_t candidate) const { return chain_->routes[candidate].target->name; }

  WorkerContext& worker_;
  Responder& client_;
  std::shared_ptr<const ResolvedChain> chain_;
  std::shared_ptr<RouteTable> routes_;
  Walk walk_;
  ChatRequest request_;
  const int64_t tokens_;
  std::unique_ptr<HeldAnswer> held_;
  bool interrupted_ = false;  // the client left during an attempt, which so is none of the walk's
  std::optional<KeepAlive> keep_alive_;
  int64_t too_small_ = 0;  // the largest known context that the request did not fit into
};

GateView Chat::GateOf(uint32_t candidate, bool alone) const {
  // What did not fit into one context does not fit into one that is known to be no larger.
  const int64_t context = chain_->routes[candidate].target->context;
  if (context > 0 && context <= too_small_)
    return {.gate = Gate::kUnfit, .closure = Closure::kNone, .until = MonoTime()};
  return worker_.desk.Consult(routes_->snapshot(), *chain_->routes[candidate].target,
                              tokens_ + request_.scan.max_output, alone, worker_.now());
}

Task<bool> Chat::Run() {
  const auto gates = [this](uint32_t candidate, bool alone) { return GateOf(candidate, alone); };
  bool answered = false;
  while (!answered && !client_.gone()) {
    const Walk::Step step = walk_.Next(worker_.now(), gates);
    if (step.action == Walk::Do::kAttempt) {
      const Target& target = *chain_->routes[step.candidate].target;
      const Grant grant = worker_.desk.Take(target, step.gate, tokens_ + request_.scan.max_output, worker_.now());
      worker_.counters.CountPermit(step.gate == Gate::kSpare   ? PermitKind::kSpare
                                   : step.gate == Gate::kShare ? PermitKind::kShare
                                                               : PermitKind::kFree);
      answered = co_await Call(step.candidate, grant);
    } else if (step.action == Walk::Do::kAsk) {
      answered = co_await Ask(step);
    } else if (step.action == Walk::Do::kWait) {
      SleepAwaiter sleep(worker_, step.until);
      client_.set_waiting(&sleep);
      co_await sleep;
      client_.set_waiting(nullptr);
    } else if (step.action == Walk::Do::kHandBack) {
      co_await HandBack();
      answered = true;
    } else {
      co_await Exhaust(step);
      answered = true;
    }
  }
  CountHops();
  NoteWalk();
  co_return answered;
}

// For the request's line in the log.
void Chat::NoteWalk() {
  RequestFacts& facts = client_.facts();
  facts.chain.assign(chain_->name);
  facts.in_chain = chain_->is_chain;
  facts.stream = request_.scan.stream;
  facts.attempts = walk_.attempts() + (interrupted_ ? 1 : 0);
  if (!worker_.log->enabled()) return;
  AppendTrail(facts.trail, walk_.hops(), [this](uint32_t candidate) { return NameOf(candidate); }, worker_.now());
}

Task<bool> Chat::Ask(const Walk::Step& step) {
  Acquire acquire;
  for (const uint32_t candidate : step.ask) acquire.candidates.push_back(chain_->routes[candidate].ToCandidate());
  acquire.prompt_tokens = tokens_;
  acquire.prompt_bytes = static_cast<int64_t>(request_.body.size());
  acquire.max_output = request_.scan.max_output;
  const MonoTime asked_at = worker_.now();
  AskAwaiter asking(worker_, std::move(acquire));
  client_.set_waiting(&asking);
  co_await asking;
  client_.set_waiting(nullptr);
  const MonoTime now = worker_.now();
  const std::optional<AcquireAnswer>& answer = asking.answer();
  if (client_.gone()) {
    if (answer) worker_.desk.Decline(*answer, now);
    worker_.clerk.OnDeskChanged();
    co_return false;
  }
  worker_.counters.acquire_latency.Observe(now - asked_at);
  if (!answer) worker_.counters.permits_timed_out.Add();
  uint32_t granted = 0;
  const auto id_of = [this](uint32_t candidate) { return chain_->routes[candidate].target->id; };
  if (!walk_.OnAnswer(answer ? &*answer : nullptr, step, id_of, now, granted)) {
    if (answer) {
      worker_.counters.permits_denied.Add();
      // A permit for a target that was not asked for.
      worker_.desk.Decline(*answer, now);
      worker_.clerk.OnDeskChanged();
    }
    co_return false;
  }
  worker_.counters.CountPermit(PermitKind::kAsked);
  const bool answered = co_await Call(granted, worker_.desk.Accept(*answer, now));
  co_return answered;
}

Task<bool> Chat::Call(uint32_t candidate, Grant grant) {
  const Route& route = chain_->routes[candidate];
  const int credential = worker_.desk.PickCredential(routes_->snapshot(), *route.target, worker_.now());
  Attempt attempt(request_, route, candidate, credential, grant);
  AttemptResult result = co_await attempt.Run();
  // The walk hands back the first that was kept, unless the request itself is at fault.
  if (result.held != nullptr && (held_ == nullptr || result.end.error_class == ErrorClass::kBadRequest))
    held_ = std::move(result.held);
  if (result.end.error_class == ErrorClass::kContextTooLong) too_small_ = std::max(too_small_, route.target->context);
  if (result.replied) {
    worker_.counters.first_content.Observe(result.first_content - request_.started);
    client_.facts().first_content = result.first_content;
    client_.facts().usage = result.usage;
  }
  const bool interrupted = client_.gone() && !result.replied;
  if (result.replied || interrupted) client_.facts().target.assign(NameOf(candidate));
  if (interrupted) {
    interrupted_ = true;
  } else if (!result.too_late) {
    walk_.OnAttempt(candidate, std::move(result.end));
  }
  co_return result.replied;
}

std::string Chat::ChainFields(int target) const {
  std::string fields;
  AppendChainHead(
      fields, chain_->name, walk_.hops(), target, walk_.attempts(), [this](uint32_t c) { return NameOf(c); },
      worker_.now());
  if (target < 0 || !held_->tells_limits)
    AppendRateLimitFields(fields, CapacityOf(worker_.desk, *chain_, worker_.now()));
  return fields;
}

// Of a stream that was begun before it was known that nobody would fill it.
Task<bool> Chat::EndWithError(std::string fields, std::string json) {
  client_.AppendBody(FieldsComment(fields) + JsonEvent(json));
  client_.AppendBodyEnd();
  auto write = client_.connection().Write(client_.head());
  const bool sent = co_await write;
  co_return sent;
}

Task<bool> Chat::HandBack() {
  client_.facts().target.assign(NameOf(held_->candidate));
  if (StreamBegun()) {
    client_.facts().code = "provider_refused";
    Task<bool> ending = EndWithError(ChainFields(static_cast<int>(held_->candidate)),
                                     RefusalJson(worker_.answer_scanner, held_->status, held_->body, held_->message));
    const bool sent = co_await ending;
    co_return sent;
  }
  std::string& head = client_.StartHead(held_->status);
  head.append(held_->fields);
  head.append(ChainFields(static_cast<int>(held_->candidate)));
  client_.FinishHead(Responder::Framing::kLength, held_->body.size());
  client_.facts().TakeAnswerBody(held_->body);
  auto write = client_.connection().Write(client_.head(), held_->body);
  const bool sent = co_await write;
  co_return sent;
}

Task<bool> Chat::Exhaust(const Walk::Step& step) {
  const MonoTime now = worker_.now();
  const auto name_of = [this](uint32_t candidate) { return NameOf(candidate); };
  const bool begun = StreamBegun();
  std::string fields = ChainFields(-1);
  if (step.status == 429)
    AppendNumberField(fields, "retry-after",
                      static_cast<uint64_t>(std::max<int64_t>(1, CeilSeconds(step.retry_after))));
  if (step.hopeless) fields.append("x-should-retry: false\r\n");  // OpenAI's SDKs obey it
  std::string body =
      ErrorBody(ExhaustionMessage(walk_.hops(), chain_->name, name_of, now), ErrorType(step.status), {},
                "chain_exhausted", absl::StrCat(",\"attempts\":", AttemptsJson(walk_.hops(), name_of, now)));
  client_.facts().code = "chain_exhausted";
  Task<bool> sending = begun ? EndWithError(std::move(fields), std::move(body))
                             : client_.Send(step.status, "application/json", std::move(body), std::move(fields));
  const bool sent = co_await sending;
  co_return sent;
}

void Chat::CountHops() {
  for (const Hop& hop : walk_.hops()) {
    const Target& target = *chain_->routes[hop.candidate].target;
    worker_.counters.targets.For(target.id, target.name).Count(hop.outcome);
  }
}

}  // namespace

Task<bool> AnswerChat(WorkerContext& worker, Responder& client, const RequestHead& head, std::string_view body,
                      const ClientKey* key, std::shared_ptr<RouteTable> routes) {
  RequestFacts& facts = client.facts();
  facts.TakeRequestBody(body);
  BodyScan scan;
  BodyError wrong = worker.body_scanner.Scan(body, scan);
  if (!wrong.ok()) {
    Task<bool> refusing = client.SendError(400, std::move(wrong.message), wrong.param, "invalid_body");
    const bool sent = co_await refusing;
    co_return sent;
  }
  facts.model.assign(scan.model, 0, kMostModelShown);
  std::shared_ptr<const ResolvedChain> chain = routes->Resolve(scan.model);
  if (chain == nullptr || !MayUse(key, chain->name)) {
    const bool known = chain != nullptr;
    Task<bool> refusing = client.SendError(known ? 403 : 404, UnknownModelMessage(routes->snapshot(), key, scan.model),
                                           "model", known ? "model_not_allowed" : "model_not_found");
    const bool sent = co_await refusing;
    co_return sent;
  }
  if (WantsExplanation(head.target)) {
    const int64_t tokens = static_cast<int64_t>(body.size()) / kBytesPerToken + scan.max_output;
    const MonoTime now = worker.now();
    Explanation explanation = Explain(worker.desk, routes->snapshot(), *chain, scan.model, tokens, now);
    std::string fields;
    AppendChainHead(
        fields, chain->name, explanation.passed, -1, 0,
        [&chain](uint32_t candidate) { return std::string_view(chain->routes[candidate].target->name); }, now);
    Task<bool> answering = client.Send(200, "application/json", std::move(explanation.json), std::move(fields));
    const bool sent = co_await answering;
    co_return sent;
  }
  Chat chat(worker, client, head, body, scan, std::move(chain), std::move(routes));
  const bool answered = co_await chat.Run();
  co_return answered;
}

}  // namespace chain429
