#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/http/header_field.h"
#include "common/model/settlement.h"

namespace chain429 {

// The headers that together state one limit. Empty names: this provider does not send it.
struct HeaderReading {
  Unit unit = Unit::kRequests;
  absl::Duration window = absl::ZeroDuration();  // 0: not stated
  bool project_scope = false;
  std::string limit;
  std::string remaining;
  std::string reset;
  std::string window_seconds;  // a header that states the window
};

// Which headers state which limits, as a table that one pass over an answer's headers is looked up in. Immutable once
// filled.
class HeaderRules {
 public:
  static constexpr size_t kMaxReadings = 32;

  // Refuses a header that another reading uses, and more than kMaxReadings.
  absl::Status Add(const HeaderReading& reading);
  // The RateLimit and RateLimit-Policy fields of the IETF draft.
  void AddIetf();

  // Appends a reading for each limit of which the amount or the remainder is stated. A reset that stands alone goes
  // into `lone_reset` (the longest; infinite: none), where that is wanted. Allocates nothing while `out` has capacity.
  void Read(HeaderView headers, absl::Time wall_now, std::vector<Reading>& out,
            absl::Duration* lone_reset = nullptr) const;

  bool empty() const { return slots_.empty(); }

 private:
  enum class Part : uint8_t { kLimit, kRemaining, kReset, kWindow, kIetfState, kIetfPolicy };
  struct Slot {
    std::string name;  // lower case
    Part part;
    uint8_t reading;
  };
  struct Partial;

  const Slot* Find(std::string_view name) const;
  bool Insert(const std::string& name, Part part, size_t reading);
  static void Take(Part part, std::string_view value, absl::Time wall_now, Partial& partial);

  std::vector<Reading> bases_;  // unit, window and scope; nothing stated
  std::vector<Slot> slots_;
  std::array<uint8_t, 256> table_{};  // hash -> index of slot + 1, linear probing
  uint64_t lengths_ = 0;  // bit n: some name has n bytes; most headers are told by that alone
};

}  // namespace chain429
