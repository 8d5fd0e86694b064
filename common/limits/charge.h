#pragma once

#include <cstdint>

#include "common/model/pool.h"

namespace chain429 {

// What one attempt, or several together, cost in every unit.
struct Charge {
  int64_t requests = 0;
  int64_t input = 0;   // prompt tokens
  int64_t output = 0;  // completion tokens
  int64_t credits = 0;  // millionths of the provider's currency

  int64_t tokens() const { return input + output; }
  int64_t Of(Unit unit) const {
    switch (unit) {
      case Unit::kRequests:
      case Unit::kConcurrency:
        return requests;
      case Unit::kTokens:
        return tokens();
      case Unit::kInputTokens:
        return input;
      case Unit::kOutputTokens:
        return output;
      case Unit::kCredits:
        return credits;
    }
    return 0;
  }
  Charge operator*(int64_t n) const { return {requests * n, input * n, output * n, credits * n}; }
  Charge& operator+=(const Charge& o) {
    requests += o.requests;
    input += o.input;
    output += o.output;
    credits += o.credits;
    return *this;
  }
  Charge& operator-=(const Charge& o) { return *this += o * -1; }
  friend bool operator==(const Charge&, const Charge&) = default;
};

}  // namespace chain429
