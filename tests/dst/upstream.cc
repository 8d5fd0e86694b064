#include "tests/dst/upstream.h"

#include <algorithm>
#include <utility>

namespace chain429::dst {
namespace {

constexpr int kPortions = 5;  // in which a stream's output is counted

}  // namespace

Upstream::Upstream(World& world, const Options& options, const Observers& observers)
    : world_(world), options_(options), observers_(observers), random_(world.Fork()) {
  for (const ProviderLimit& limit : options_.limits) windows_.push_back(ProviderWindow::Make(limit));
}

absl::Duration Upstream::Travel() {
  const Quality& path = options_.path;
  absl::Duration travel =
      std::max(absl::Microseconds(1), Between(random_, path.delay - path.jitter, path.delay + path.jitter));
  for (absl::Duration pause = absl::Milliseconds(200); Chance(random_, path.loss); pause *= 2) travel += pause;
  return travel;
}

// What was written arrives, even if the caller has closed behind it.
void Upstream::Send(const std::shared_ptr<Call>& call) {
  world_.In(Travel(), [this, call] { Arrive(call); });
}

void Upstream::HangUp(const std::shared_ptr<Call>& call) {
  call->hung_up = true;
  world_.In(Travel(), [this, call] { Finish(call); });
}

int64_t Upstream::Hanging() const {
  return std::count_if(open_.begin(), open_.end(), [](const auto& item) {
    const Call& call = *item.second.call;
    return call.hung_up || !call.permit;
  });
}

int64_t Upstream::CostOf(size_t index, const ClientRequest& request) const {
  if (options_.limits[index].unit != ProviderLimit::Unit::kTokens) return 1;
  if (options_.charge == TokenCounting::kOnUse) return request.prompt_tokens;
  return request.prompt_tokens + (request.max_output > 0 ? request.max_output : options_.default_output);
}

int Upstream::Full(const ClientRequest& request) {
  for (size_t i = 0; i < windows_.size(); ++i) {
    if (windows_[i]->Used(Moment()) + CostOf(i, request) > options_.limits[i].amount) return static_cast<int>(i);
  }
  return -1;
}

Upstream::Entries Upstream::Charge(const ClientRequest& request) {
  Entries entries;
  for (size_t i = 0; i < windows_.size(); ++i) {
    entries.push_back(windows_[i]->Add(CostOf(i, request), Moment()));
  }
  return entries;
}

void Upstream::Arrive(const std::shared_ptr<Call>& call) {
  call->arrived_at = world_.now();
  const int full = Full(call->request);
  if (full >= 0) {
    ProviderAnswer refusal = Refusal(*call, static_cast<size_t>(full));
    for (Observer* observer : observers_) {
      observer->OnRefused(*this, *call, options_.limits[static_cast<size_t>(full)].Name());
    }
    Reply(call, std::move(refusal), absl::ZeroDuration());
    return;
  }
  open_[call->id] = {call, Charge(call->request)};
  for (Observer* observer : observers_) {
    observer->OnTaken(*this, *call);
    observer->OnUsed(*this, call->request.prompt_tokens);
  }
  Begin(call);
}

void Upstream::Begin(const std::shared_ptr<Call>& call) {
  const ClientRequest& request = call->request;
  if (call->hung_up) return Finish(call);
  ProviderAnswer answer;
  answer.fields = Head();
  // A plain answer's head comes with its end.
  const absl::Duration head_after =
      request.stream ? std::min(request.first_content, request.duration) : request.duration;
  Reply(call, std::move(answer), head_after + Between(random_, absl::ZeroDuration(), options_.late_heads));
  if (options_.charge == TokenCounting::kOnUse) {
    const int portions = request.stream ? kPortions : 1;
    for (int i = 1; i <= portions; ++i) {
      const int64_t tokens = request.output_tokens * i / portions - request.output_tokens * (i - 1) / portions;
      world_.In(request.duration * i / portions, [this, call, tokens] {
        if (!call->hung_up) WriteOutput(tokens);
      });
    }
  }
  world_.In(request.duration, [this, call] { Finish(call); });
}

void Upstream::WriteOutput(int64_t tokens) {
  for (size_t i = 0; i < windows_.size(); ++i) {
    if (options_.limits[i].unit == ProviderLimit::Unit::kTokens) windows_[i]->Add(tokens, Moment());
  }
  for (Observer* observer : observers_) observer->OnUsed(*this, tokens);
}

void Upstream::Finish(const std::shared_ptr<Call>& call) {
  const auto it = open_.find(call->id);
  if (it == open_.end()) return;
  const Entries entries = std::move(it->second.entries);
  open_.erase(it);
  const ClientRequest& request = call->request;
  for (size_t i = 0; i < windows_.size(); ++i) {
    const ProviderLimit::Unit unit = options_.limits[i].unit;
    if (unit == ProviderLimit::Unit::kConcurrency) windows_[i]->Change(0, -1, Moment());
    if (unit == ProviderLimit::Unit::kTokens && options_.charge == TokenCounting::kUpFront && !call->hung_up) {
      const int64_t cost = request.prompt_tokens + request.output_tokens;
      windows_[i]->Change(entries[i], cost - CostOf(i, request), Moment());
    }
  }
  for (Observer* observer : observers_) observer->OnEnded(*this, *call);
  if (call->hung_up) return;
  world_.At(std::max(world_.now() + Travel(), call->head_comes), [call] {
    const ClientRequest& done = call->request;
    call->usage = {done.prompt_tokens, done.output_tokens, true};
    if (!call->hung_up) call->on_end();
  });
}

void Upstream::Reply(const std::shared_ptr<Call>& call, ProviderAnswer answer, absl::Duration after) {
  call->head_comes = world_.now() + after + Travel();
  world_.At(call->head_comes, [call, answer = std::move(answer)] {
    if (!call->hung_up) call->on_head(answer);
  });
}

void Upstream::SetLimit(size_t index, int64_t amount) {
  options_.limits[index].amount = amount;
  windows_[index]->set_limit(amount, Moment());
}

void Upstream::AddStranger(double per_minute, int64_t tokens) {
  world_.In(Gap(random_, absl::Minutes(1) / per_minute), [this, per_minute, tokens] { Stranger(per_minute, tokens); });
}

void Upstream::Stranger(double per_minute, int64_t tokens) {
  ClientRequest request;
  request.prompt_tokens = tokens;
  request.output_tokens = 0;
  if (Full(request) < 0) {
    Charge(request);
    ++by_strangers_;
    world_.In(request.duration, [this] {
      for (size_t i = 0; i < windows_.size(); ++i) {
        if (options_.limits[i].unit == ProviderLimit::Unit::kConcurrency) windows_[i]->Change(0, -1, Moment());
      }
    });
  }
  AddStranger(per_minute, tokens);
}

}  // namespace chain429::dst
