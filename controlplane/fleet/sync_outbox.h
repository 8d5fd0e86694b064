#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chain429/v1/fleet.pb.h"
#include "common/base/ids.h"
#include "common/model/pool.h"

namespace chain429 {

// A snapshot as bytes, shared by all proxies that get it.
struct SnapshotBytes {
  Version version;
  std::string bytes;
};

// What a proxy is to be told on its Sync stream and has not been told yet, one message at a time. Bounded: a newer
// snapshot takes the place of one that has not begun, a newer state that of the same pool's.
class SyncOutbox {
 public:
  static constexpr size_t kPieceBytes = 512 << 10;   // messages stay below 1 MB
  static constexpr size_t kStatesPerMessage = 1024;  // some 500 bytes each, with many limits

  void AddSnapshot(std::shared_ptr<const SnapshotBytes> snapshot);
  void AddStates(const std::vector<PoolState>& states);

  // The next message; false: there is none. Pool states go between the pieces of a snapshot.
  bool Take(v1::SyncDown* out);
  bool empty() const { return states_.empty() && sending_ == nullptr && waiting_ == nullptr; }
  // Given with the pieces; acknowledgements bring it back.
  uint64_t nonce() const { return nonce_; }

 private:
  std::map<PoolId, PoolState> states_;
  std::shared_ptr<const SnapshotBytes> sending_;
  size_t sent_bytes_ = 0;
  std::shared_ptr<const SnapshotBytes> waiting_;
  uint64_t nonce_ = 0;
  bool states_next_ = true;
};

}  // namespace chain429
