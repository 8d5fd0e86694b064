#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/model/settlement.h"
#include "common/waterfall/gate.h"

namespace chain429::dst {

// What a client asks for, and what comes of it if a provider takes it.
struct ClientRequest {
  std::string chain;
  int64_t body_bytes = 400;
  int64_t prompt_tokens = 100;
  int64_t max_output = 0;      // max_tokens; 0: not given
  int64_t output_tokens = 50;  // that the model will write
  bool stream = false;
  absl::Duration first_content = absl::Milliseconds(200);  // at the provider
  absl::Duration duration = absl::Seconds(1);              // to the answer's end
  absl::Duration leaves_after = absl::InfiniteDuration();  // the client
  double bytes_per_token() const {
    return prompt_tokens > 0 ? static_cast<double>(body_bytes) / static_cast<double>(prompt_tokens) : 4;
  }
};

// An answer's head, with its body where it is a refusal.
struct ProviderAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

// One call of a provider: what is written upstream, and what comes back. Shared by both sides.
struct Call {
  uint64_t id = 0;
  std::string provider;
  std::string model;
  ClientRequest request;
  PermitId permit;
  uint32_t use = 0;
  Gate gate = Gate::kFree;   // by which it was made
  MonoTime granted_at;       // true time; when its right was come by
  MonoTime written_at;       // true time
  MonoTime arrived_at;       // true time, at the provider
  MonoTime head_comes;       // true time, at the proxy
  bool hung_up = false;
  Usage usage;               // as the provider tells it, at the answer's end
  // At the proxy: the head has come; the answer is whole.
  std::function<void(const ProviderAnswer&)> on_head;
  std::function<void()> on_end;
};

}  // namespace chain429::dst
