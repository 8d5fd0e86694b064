#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "chain429/v1/fleet.pb.h"
#include "common/base/ids.h"
#include "common/model/permit.h"
#include "common/model/pool.h"

namespace chain429 {

// What a proxy is to be told on its Permits stream: everything of one turn goes into one message. While a slow proxy
// has not taken the last one, answers gather and states of the same pool merge. Bounded by what the proxy has asked:
// each acquire has one answer.
class PermitsOutbox {
 public:
  // Answers with their reasons, which may be as many as a chain has targets: some 40 bytes each. A state is as long as
  // several of them.
  static constexpr size_t kPerMessage = 8192;
  static constexpr size_t kPartsOfState = 12;

  void Add(AcquireAnswer answer) { answers_.push_back(std::move(answer)); }
  void AddStates(const std::vector<PoolState>& states);
  // A message even if there is nothing to say: it tells the epoch.
  void Greet() { greet_ = true; }

  // The next message; false: there is none.
  bool Take(v1::PermitsDown* out);
  bool empty() const { return answers_.empty() && states_.empty() && !greet_; }
  size_t size() const { return answers_.size(); }

 private:
  std::deque<AcquireAnswer> answers_;
  std::map<PoolId, PoolState> states_;
  bool greet_ = false;
};

}  // namespace chain429
