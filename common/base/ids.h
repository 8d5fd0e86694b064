#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace chain429 {

// A number that only compares with its own kind. 0 means "none".
template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr auto operator<=>(Id, Id) = default;
  template <typename H>
  friend H AbslHashValue(H h, Id id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  uint64_t value_ = 0;
};

using PoolId = Id<struct PoolTag>;  // StableId of the pool's key: the same on every node and after every restart
using TargetId = Id<struct TargetTag>;  // StableId of the target's key
using PermitId = Id<struct PermitTag>;  // unique within one leader epoch
using AcquireId = Id<struct AcquireTag>;  // unique within one proxy boot
using Epoch = Id<struct EpochTag>;  // fencing epoch of the leader, rising
using Version = Id<struct VersionTag>;  // version of a snapshot, rising

// A 64-bit hash of a name that is equal in every process and release (FNV-1a with a final mix), never 0.
uint64_t StableId(std::string_view key);

}  // namespace chain429

template <typename Tag>
struct std::hash<chain429::Id<Tag>> {
  size_t operator()(chain429::Id<Tag> id) const noexcept { return static_cast<size_t>(id.value()); }
};
