#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/dst/call.h"
#include "tests/dst/fleet.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// What clients ask for, and when: requests that know nothing of each other, spread over the proxies.
class Workload {
 public:
  struct Options {
    double per_minute = 60;  // over the whole fleet
    std::function<ClientRequest(Random&)> shape;
    // How often a client that got a 429 tries again, as its Retry-After says. 0: it gives up at once.
    int retries = 0;
  };
  // Requests come from now until `end`.
  Workload(Fleet& fleet, Options options, MonoTime end);
  void Start() { Next(); }

  struct Wish {
    MonoTime at;
    ClientRequest request;
  };
  const std::vector<Wish>& wishes() const { return wishes_; }
  int64_t answered() const { return answered_; }
  int64_t exhausted() const { return exhausted_; }
  int64_t other() const { return other_; }

 private:
  void Next();
  void Send(const ClientRequest& request, int retries);

  Fleet& fleet_;
  const Options options_;
  const MonoTime end_;
  Random random_;
  std::vector<Wish> wishes_;
  int64_t answered_ = 0;
  int64_t exhausted_ = 0;
  int64_t other_ = 0;
};

// Requests of a chain whose sizes vary a little, without max_tokens.
std::function<ClientRequest(Random&)> SmallRequests(const std::string& chain);
// Outputs with a heavy tail: half of them below `median`, one in a hundred about twenty times as long, none longer than
// `most`, which is their max_tokens.
std::function<ClientRequest(Random&)> HeavyTail(const std::string& chain, int64_t median, int64_t most);

}  // namespace chain429::dst
