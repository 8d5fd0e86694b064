#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/model/snapshot.h"
#include "dataplane/admin/upstream_counters.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"
#include "dataplane/upstream/upstream_host.h"

namespace chain429 {

// The connections of one worker to providers: how many each host may have, and the idle ones. An idle one is watched:
// one that the provider closes, or sends on unasked, is dropped at once, at the latest when it would be used again.
class UpstreamPool {
 public:
  static constexpr size_t kMaxIdlePerHost = 1024;
  static constexpr size_t kMaxIdle = 4096;                        // the oldest goes
  static constexpr absl::Duration kIdleTime = absl::Seconds(55);  // below the 60 s at which many servers close
  static constexpr absl::Duration kSweepPause = absl::Milliseconds(250);
  struct Options {
    size_t max_per_host = 16384;  // connections; further attempts wait
    OutboundProxies proxies;
  };

  UpstreamPool(boost::asio::io_context& io, DeadlineQueue& deadlines, const Clock& clock, UpstreamCounters& counters,
               Options options);
  ~UpstreamPool();

  // The host's place in the pool; valid as long as the pool.
  UpstreamHost* Intern(const Endpoint& endpoint);
  // The connection used last, with its slot; null if none is idle.
  ConnectionPtr TakeIdle(UpstreamHost* host, UpstreamSlot& slot);
  // The right to make a connection; none if the host has as many as it may, or others wait.
  UpstreamSlot TakeSlot(UpstreamHost* host);
  // Keeps a connection whose last answer was read to its end, for `idle_time`, unless somebody waits for it.
  // REQUIRES: its input is empty.
  void Return(UpstreamHost* host, ConnectionPtr connection, UpstreamSlot slot, absl::Duration idle_time = kIdleTime);
  size_t idle_count() const { return idle_count_; }
  size_t max_per_host() const { return options_.max_per_host; }
  void CloseAll();

 private:
  friend class UpstreamSlot;
  friend class SlotWait;
  friend struct UpstreamHost::Idle;
  class Sweep;
  struct OldestFirst;
  void Drop(UpstreamHost::Idle& idle);
  void Remove(UpstreamHost::Idle& idle);
  void FreeSlot(UpstreamHost* host);
  void SweepAt(MonoTime at);
  void SweepNow();

  boost::asio::io_context& io_;
  DeadlineQueue& deadlines_;
  const Clock& clock_;
  UpstreamCounters& counters_;
  const Options options_;
  std::unique_ptr<Sweep> sweep_;
  MonoTime sweep_at_ = MonoTime::Max();
  absl::flat_hash_map<std::string, std::unique_ptr<UpstreamHost>> hosts_;
  std::unique_ptr<OldestFirst> oldest_first_;
  size_t idle_count_ = 0;
};

}  // namespace chain429
