#include "dataplane/link/snapshot_assembly.h"

#include <utility>

namespace chain429 {

absl::StatusOr<std::optional<SnapshotAssembly::Whole>> SnapshotAssembly::Add(uint64_t nonce, Version version,
                                                                             const std::string& data, bool last) {
  if (!begun_ || nonce != whole_.nonce || version != whole_.version) {
    whole_ = Whole{nonce, version, {}};
    begun_ = true;
    refused_ = false;
  }
  if (!refused_ && whole_.bytes.size() + data.size() > kMaxBytes) {
    refused_ = true;
    whole_.bytes = std::string();
    if (last) begun_ = false;
    return absl::ResourceExhaustedError("snapshot: larger than 256 MiB");
  }
  if (!refused_) whole_.bytes += data;
  if (!last) return std::nullopt;
  begun_ = false;
  if (std::exchange(refused_, false)) return std::nullopt;
  return std::exchange(whole_, {});
}

void SnapshotAssembly::Reset() {
  whole_ = {};
  begun_ = false;
  refused_ = false;
}

}  // namespace chain429
