#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/ids.h"

namespace chain429 {

// Puts the pieces of a snapshot together. A new nonce begins anew; a stream that broke leaves nothing behind.
class SnapshotAssembly {
 public:
  static constexpr size_t kMaxBytes = 256u << 20;

  struct Whole {
    uint64_t nonce = 0;
    Version version;
    std::string bytes;
  };
  // The whole once its last piece came, nothing before. An error: too large; the rest of its pieces is then ignored.
  absl::StatusOr<std::optional<Whole>> Add(uint64_t nonce, Version version, const std::string& data, bool last);
  void Reset();

 private:
  Whole whole_;
  bool begun_ = false;
  bool refused_ = false;
};

}  // namespace chain429
