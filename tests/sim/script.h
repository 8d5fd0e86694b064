#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace chain429::sim {

// An answer as the list of what is to be done with the socket. Everything that a provider does, right or wrong, is
// decided before the first byte is sent; the connection only plays the script.

struct Step {
  enum class Kind {
    kSend,
    kWait,
    kStall,    // until the test releases it, or the client goes
    kEndless,  // sends the bytes over and over, until the client goes
  };
  Kind kind = Kind::kSend;
  std::string bytes;
  absl::Duration pause;    // kWait; kEndless: after each time
  int64_t tokens = 0;      // completion tokens made when this is sent
  bool content = false;    // carries a content chunk
  bool head = false;       // is the answer's head
};

inline Step SendStep(std::string bytes) {
  Step step;
  step.bytes = std::move(bytes);
  return step;
}

inline Step WaitStep(absl::Duration pause) {
  Step step;
  step.kind = Step::Kind::kWait;
  step.pause = pause;
  return step;
}

enum class Ending { kKeep, kClose, kReset };  // what becomes of the connection

struct Script {
  int status = 0;  // 0: no HTTP answer
  std::vector<Step> steps;
  Ending ending = Ending::kKeep;
};

// Cuts what is sent (only the head, if `head_only`) into pieces of these sizes, over and over, with a pause after each.
void Drip(const std::vector<int64_t>& sizes, absl::Duration pause, bool head_only, Script* script);

// Joins everything from the first byte on into one write; later waits vanish.
void Coalesce(Script* script);

}  // namespace chain429::sim
