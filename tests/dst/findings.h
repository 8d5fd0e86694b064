#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tests/dst/observer.h"
#include "tests/dst/scenario.h"
#include "tests/dst/stage.h"

namespace chain429::dst {

Finding AtMost(const std::string& what, int64_t reached, int64_t most);
Finding AtLeast(const std::string& what, int64_t reached, int64_t least);
// `part` of `whole`, as a percentage.
Finding ShareAtLeast(const std::string& what, int64_t part, int64_t whole, double least);
Finding ShareAtMost(const std::string& what, int64_t part, int64_t whole, double most);
// Only for information.
Finding Told(const std::string& what, int64_t part, int64_t whole);
Finding Check(const std::string& must, bool ok, const std::string& reached);

Outcome Conclude(Stage& stage, std::vector<Finding> findings);

// The most tokens that a provider counted within any stretch of this length: prompts when they come, outputs as they
// are written.
class WorstWindow final : public Observer {
 public:
  explicit WorstWindow(absl::Duration length) : length_(length) {}
  // Forgets what was worst up to now.
  void Begin() { most_ = 0; }
  void OnUsed(const Upstream& upstream, int64_t tokens) override;
  int64_t most() const { return most_; }

 private:
  const absl::Duration length_;
  std::deque<std::pair<MonoTime, int64_t>> uses_;
  int64_t sum_ = 0;
  int64_t most_ = 0;
};

}  // namespace chain429::dst
