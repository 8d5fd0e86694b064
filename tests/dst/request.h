#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "common/provider/rules.h"
#include "common/waterfall/walk.h"
#include "dataplane/permits/desk.h"
#include "tests/dst/call.h"
#include "tests/dst/worker.h"

namespace chain429::dst {

// One client's request at a proxy: the production Walk, executed as dataplane/request/chat.cc and attempt.cc do, with
// the provider's answers read by the production rules.
class Request final : public AcquireWaiter, public std::enable_shared_from_this<Request> {
 public:
  // The status, and the answer's Retry-After where it is a 429. 0: the client has left.
  using Answered = std::function<void(int status, absl::Duration retry_after)>;
  Request(Worker& worker, ClientRequest request, Answered answered);

  void Begin();
  // The proxy's process ends: its connections close.
  void Abandon();
  void OnAcquireAnswer(const AcquireAnswer* answer) override;

 private:
  struct Candidate {
    const Target* target = nullptr;
    const Provider* provider = nullptr;
    const ProviderRules* rules = nullptr;
  };
  const Target& target(uint32_t candidate) const { return *candidates_[candidate].target; }
  void Leave();
  void GoOn();
  void Ask(const Walk::Step& step);
  void TakeAnswer(const std::optional<AcquireAnswer>& answer);
  void Wait(MonoTime until);
  void End(int status, absl::Duration retry_after);

  // One attempt.
  void CallUp(uint32_t candidate, const Grant& grant, Gate gate);
  void Write();
  void OnHead(const ProviderAnswer& answer);
  void OnEnd();
  void Refused(const ProviderAnswer& answer);
  void CloseScope(const Verdict& verdict);
  void Settle();
  void EndAttempt();

  Worker& worker_;
  const ClientRequest request_;
  Answered answered_;
  const std::shared_ptr<const Snapshot> snapshot_;
  std::vector<Candidate> candidates_;
  std::optional<Walk> walk_;
  const int64_t tokens_;
  bool gone_ = false;
  bool ended_ = false;

  enum class Waiting { kNothing, kAnswer, kRecovery, kAttempt } waiting_ = Waiting::kNothing;
  AcquireId ask_;
  Walk::Step asked_;
  uint64_t wait_number_ = 0;

  uint32_t candidate_ = 0;
  Grant grant_;
  std::shared_ptr<Call> call_;
  int credential_ = -1;
  MonoTime started_;
  MonoTime sent_at_;
  MonoTime first_content_;
  ReadingList readings_;
  Usage usage_;
  Verdict verdict_;
  PoolId closes_;
  AttemptEnd end_;
};

}  // namespace chain429::dst
