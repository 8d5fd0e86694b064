#include "tests/dst/request.h"

#include <algorithm>
#include <utility>

#include "common/waterfall/closing.h"
#include "tests/dst/proxy.h"
#include "tests/dst/upstream.h"

namespace chain429::dst {
namespace {

// As in chat.cc and attempt.cc.
constexpr int64_t kBytesPerToken = 4;

}  // namespace

Request::Request(Worker& worker, ClientRequest request, Answered answered)
    : worker_(worker),
      request_(std::move(request)),
      answered_(std::move(answered)),
      snapshot_(worker.snapshot()),
      tokens_(request_.body_bytes / kBytesPerToken) {}

void Request::Begin() {
  if (snapshot_ == nullptr) return End(503, absl::ZeroDuration());
  const auto found = snapshot_->chain_by_name.find(request_.chain);
  if (found == snapshot_->chain_by_name.end()) return End(404, absl::ZeroDuration());
  const Chain& chain = snapshot_->chains[found->second];
  for (const uint32_t index : chain.targets) {
    Candidate& candidate = candidates_.emplace_back();
    candidate.target = &snapshot_->targets[index];
    candidate.provider = &snapshot_->providers[candidate.target->provider];
    candidate.rules = &worker_.RulesOf(*candidate.provider);
  }
  walk_.emplace(Walk::Options{static_cast<uint32_t>(candidates_.size()), chain.max_attempts,
                              worker_.now() + chain.timeouts.total, chain.wait});
  if (request_.leaves_after != absl::InfiniteDuration()) {
    worker_.proxy().PostIn(request_.leaves_after, [self = shared_from_this()] { self->Leave(); });
  }
  GoOn();
}

void Request::GoOn() {
  if (gone_) return End(0, absl::ZeroDuration());
  const auto gates = [this](uint32_t candidate, bool alone) {
    return worker_.desk().Consult(*snapshot_, target(candidate), tokens_ + request_.max_output, alone, worker_.now());
  };
  const Walk::Step step = walk_->Next(worker_.now(), gates);
  switch (step.action) {
    case Walk::Do::kAttempt: {
      const Grant grant =
          worker_.desk().Take(target(step.candidate), step.gate, tokens_ + request_.max_output, worker_.now());
      return CallUp(step.candidate, grant, step.gate);
    }
    case Walk::Do::kAsk:
      return Ask(step);
    case Walk::Do::kWait:
      return Wait(step.until);
    case Walk::Do::kHandBack:
      return End(400, absl::ZeroDuration());
    case Walk::Do::kExhaust:
      return End(step.status, step.retry_after);
  }
}

void Request::Ask(const Walk::Step& step) {
  Acquire acquire;
  for (const uint32_t candidate : step.ask) {
    acquire.candidates.push_back({.target = target(candidate).id, .pools = target(candidate).pools, .dynamic = {}});
  }
  acquire.prompt_tokens = tokens_;
  acquire.prompt_bytes = request_.body_bytes;
  acquire.max_output = request_.max_output;
  asked_ = step;
  waiting_ = Waiting::kAnswer;
  ask_ = worker_.desk().Ask(std::move(acquire), this, worker_.now());
  worker_.OnDeskChanged();
}

// Goes on in a turn of its own, not from within the desk.
void Request::OnAcquireAnswer(const AcquireAnswer* answer) {
  if (waiting_ != Waiting::kAnswer) return;
  waiting_ = Waiting::kNothing;
  const std::optional<AcquireAnswer> copy = answer == nullptr ? std::nullopt : std::optional(*answer);
  worker_.Post([self = shared_from_this(), copy] { self->TakeAnswer(copy); });
}

void Request::TakeAnswer(const std::optional<AcquireAnswer>& answer) {
  const MonoTime now = worker_.now();
  if (gone_) {
    if (answer) worker_.desk().Decline(*answer, now);
    worker_.OnDeskChanged();
    return End(0, absl::ZeroDuration());
  }
  uint32_t granted = 0;
  const auto id_of = [this](uint32_t candidate) { return target(candidate).id; };
  if (!walk_->OnAnswer(answer ? &*answer : nullptr, asked_, id_of, now, granted)) {
    if (answer) {
      worker_.desk().Decline(*answer, now);
      worker_.OnDeskChanged();
    }
    return GoOn();
  }
  CallUp(granted, worker_.desk().Accept(*answer, now), Gate::kAsk);
}

void Request::Wait(MonoTime until) {
  waiting_ = Waiting::kRecovery;
  const uint64_t number = ++wait_number_;
  worker_.proxy().PostAt(until, [self = shared_from_this(), number] {
    if (self->waiting_ != Waiting::kRecovery || self->wait_number_ != number) return;
    self->waiting_ = Waiting::kNothing;
    self->worker_.Post([self] { self->GoOn(); });
  });
}

void Request::Leave() {
  if (ended_ || std::exchange(gone_, true)) return;
  switch (std::exchange(waiting_, Waiting::kNothing)) {
    case Waiting::kAnswer:
      worker_.desk().Cancel(ask_);
      worker_.OnDeskChanged();
      worker_.Post([self = shared_from_this()] { self->TakeAnswer(std::nullopt); });
      break;
    case Waiting::kRecovery:
      worker_.Post([self = shared_from_this()] { self->GoOn(); });
      break;
    case Waiting::kAttempt:
      if (call_->written_at != MonoTime()) worker_.proxy().HangUp(call_);
      Settle();
      End(0, absl::ZeroDuration());
      break;
    case Waiting::kNothing:
      break;
  }
}

void Request::Abandon() {
  ended_ = true;
  if (waiting_ == Waiting::kAttempt && call_->written_at != MonoTime()) worker_.proxy().HangUp(call_);
}

void Request::End(int status, absl::Duration retry_after) {
  if (std::exchange(ended_, true)) return;
  worker_.proxy().TellAnswered(status, retry_after);
  worker_.proxy().Forget(this);
  if (answered_) answered_(status, retry_after);
}

void Request::CallUp(uint32_t candidate, const Grant& grant, Gate gate) {
  candidate_ = candidate;
  grant_ = grant;
  readings_.clear();
  usage_ = {};
  verdict_ = {};
  closes_ = PoolId();
  end_ = {};
  first_content_ = MonoTime();
  sent_at_ = MonoTime();
  credential_ = worker_.desk().PickCredential(*snapshot_, target(candidate), worker_.now());
  started_ = worker_.now();
  call_ = worker_.proxy().NewCall();
  call_->provider = candidates_[candidate].provider->name;
  call_->model = target(candidate).model;
  call_->request = request_;
  call_->permit = grant.permit;
  call_->use = grant.use;
  call_->gate = gate;
  call_->granted_at = worker_.proxy().world().now();
  waiting_ = Waiting::kAttempt;
  worker_.proxy().PostIn(worker_.proxy().ConnectTime(), [self = shared_from_this(), call = call_] {
    if (self->call_ == call && self->waiting_ == Waiting::kAttempt) self->Write();
  });
}

void Request::Write() {
  if (!worker_.desk().MaySend(grant_, target(candidate_), worker_.now())) {
    // Nothing that the walk would have to know: it looks at the same candidate again.
    waiting_ = Waiting::kNothing;
    Settle();
    return GoOn();
  }
  sent_at_ = worker_.now();
  call_->written_at = worker_.proxy().world().now();
  worker_.desk().Sent(grant_, sent_at_);
  worker_.OnDeskChanged();
  Node& node = worker_.proxy();
  call_->on_head = [&node, self = std::weak_ptr(shared_from_this()), call = call_.get()](const ProviderAnswer& answer) {
    node.Run([self, call, answer] {
      const auto request = self.lock();
      if (request != nullptr && request->call_.get() == call) request->OnHead(answer);
    });
  };
  call_->on_end = [&node, self = std::weak_ptr(shared_from_this()), call = call_.get()] {
    node.Run([self, call] {
      const auto request = self.lock();
      if (request != nullptr && request->call_.get() == call) request->OnEnd();
    });
  };
  worker_.proxy().Send(call_);
}

void Request::OnHead(const ProviderAnswer& answer) {
  if (waiting_ != Waiting::kAttempt) return;
  end_.status = answer.status;
  if (answer.status != 200) return Refused(answer);
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : answer.fields) fields.push_back({name, value});
  candidates_[candidate_].rules->ReadHeaders(fields, worker_.proxy().Read().wall, readings_);
  first_content_ = worker_.now();
  if (request_.stream) worker_.desk().Begun(grant_, target(candidate_), readings_, sent_at_, first_content_);
  worker_.OnDeskChanged();
}

void Request::OnEnd() {
  if (waiting_ != Waiting::kAttempt) return;
  usage_ = call_->usage;
  EndAttempt();
  End(200, absl::ZeroDuration());
}

void Request::Refused(const ProviderAnswer& answer) {
  std::vector<HeaderField> fields;
  for (const auto& [name, value] : answer.fields) fields.push_back({name, value});
  verdict_ = candidates_[candidate_].rules->Classify(answer.status, fields, answer.body, worker_.proxy().Read().wall,
                                                     readings_);
  end_.error_class = verdict_.error_class == ErrorClass::kOk ? ErrorClass::kOverloaded : verdict_.error_class;
  end_.outcome = verdict_.error_class == ErrorClass::kOk ? Outcome::kError : OutcomeOf(verdict_.error_class);
  CloseScope(verdict_);
  EndAttempt();
  GoOn();
}

void Request::CloseScope(const Verdict& verdict) {
  const Candidate& candidate = candidates_[candidate_];
  const PoolId credential =
      credential_ >= 0 ? candidate.provider->credentials[static_cast<size_t>(credential_)].pool : PoolId();
  const std::optional<Closing> closing = ClosingOf(verdict, *candidate.target, credential);
  if (!closing) return;
  closes_ = closing->pool;
  const MonoTime now = worker_.now();
  worker_.desk().Close(closing->pool, closing->closure, closing->wait, verdict.authoritative, now);
  end_.opens = now + closing->wait;
}

void Request::EndAttempt() {
  waiting_ = Waiting::kNothing;
  end_.latency = (first_content_ == MonoTime() ? worker_.now() : first_content_) - started_;
  Settle();
  walk_->OnAttempt(candidate_, end_);
}

void Request::Settle() {
  const MonoTime now = worker_.now();
  if (!grant_.sent) {
    worker_.desk().Release(grant_, now);
    worker_.OnDeskChanged();
    return;
  }
  Settlement settlement;
  settlement.usage = usage_;
  settlement.prompt_bytes = request_.body_bytes;
  settlement.error_class = end_.error_class;
  settlement.scope = verdict_.scope;
  settlement.closes = closes_;
  settlement.retry_after = verdict_.retry_after;
  settlement.authoritative = verdict_.authoritative;
  settlement.readings = std::move(readings_);
  settlement.latency = (first_content_ == MonoTime() ? now : first_content_) - started_;
  worker_.desk().Settle(grant_, target(candidate_), std::move(settlement), sent_at_, now);
  worker_.proxy().TellSettled(*call_);
  worker_.OnDeskChanged();
}

}  // namespace chain429::dst
