#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/model/snapshot.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"

namespace chain429 {

class UpstreamPool;

// One address that providers are reached at, with its idle kept-alive connections, the youngest last.
class UpstreamHost {
 public:
  UpstreamHost(UpstreamPool& pool, const Endpoint& endpoint);
  ~UpstreamHost();
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  friend class UpstreamPool;
  struct Idle;
  UpstreamPool& pool_;
  const Endpoint endpoint_;
  std::vector<std::unique_ptr<Idle>> idle_;
};

// The idle upstream connections of one worker. Each is watched: one that the provider closes, or sends on unasked, is
// dropped at once.
class UpstreamPool {
 public:
  static constexpr size_t kMaxIdlePerHost = 1024;
  static constexpr absl::Duration kIdleTime = absl::Seconds(55);  // below the 60 s at which many servers close

  UpstreamPool(DeadlineQueue& deadlines, const Clock& clock);
  ~UpstreamPool();

  // The host's place in the pool; valid as long as the pool.
  UpstreamHost* Intern(const Endpoint& endpoint);
  // The connection used last; null if none is idle.
  ConnectionPtr TakeIdle(UpstreamHost* host);
  // Keeps a connection whose last answer was read to its end. REQUIRES: its input is empty.
  void Return(UpstreamHost* host, ConnectionPtr connection);
  size_t idle_count() const { return idle_count_; }
  void CloseAll();

 private:
  friend struct UpstreamHost::Idle;
  class Sweep;
  void Drop(UpstreamHost::Idle* idle);
  void SweepNow();

  DeadlineQueue& deadlines_;
  const Clock& clock_;
  std::unique_ptr<Sweep> sweep_;
  absl::flat_hash_map<std::string, std::unique_ptr<UpstreamHost>> hosts_;
  size_t idle_count_ = 0;
};

}  // namespace chain429
