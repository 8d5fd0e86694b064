#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/fleet/registry.h"
#include "tests/controlplane/fleet/fake_port.h"
#include "tests/support/captured_log.h"

namespace chain429 {

// A fleet without a network. Every call is one message, EndTurn ends the turn.
class RegistryTest : public testing::Test {
 protected:
  // One boot of one proxy with its two streams.
  struct FakeProxy {
    std::string node;
    std::string boot_id;
    std::shared_ptr<FakePort<v1::PermitsDown>> permits = std::make_shared<FakePort<v1::PermitsDown>>();
    std::shared_ptr<FakePort<v1::SyncDown>> sync = std::make_shared<FakePort<v1::SyncDown>>();

    // The snapshot in what arrived on the Sync stream, put together; empty: none that is whole.
    std::string Snapshot() const;
    // What was told last of the pool on either stream; its id is 0 where nothing was.
    v1::PoolState Told(PoolId pool) const;
    void Forget();
  };

  // Pool 1 with `rpm`, pool 2 without limits; a target on each (11, 12), one provider with a key.
  static std::shared_ptr<const Snapshot> MakeSnapshot(uint64_t version, int64_t rpm = 3);
  static constexpr char kKey[] = "gsk_0123456789abcdef";

  FakeProxy MakeProxy(const std::string& boot_id) { return {"node-" + boot_id, boot_id}; }
  absl::Status AttachPermits(FakeProxy& proxy, wire::PermitsHello hello = {});
  absl::Status AttachSync(FakeProxy& proxy, uint64_t known_version = 0);
  // Both, and the turn's end.
  FakeProxy Attach(const std::string& boot_id);
  // Ends the streams as gRPC would, when the proxy has gone.
  void Lose(FakeProxy& proxy);

  absl::Status Send(FakeProxy& proxy, const wire::PermitsUp& up) {
    return registry_.OnPermits(proxy.permits, up, log_now_.now);
  }
  absl::Status Send(FakeProxy& proxy, const v1::SyncUp& up) { return registry_.OnSync(proxy.sync, up, log_now_.now); }
  MonoTime EndTurn() { return registry_.EndTurn(log_now_.now); }
  void Pass(absl::Duration time) {
    log_now_.now.mono = log_now_.now.mono + time;
    log_now_.now.wall += time;
  }
  const Now& now() const { return log_now_.now; }

  static Acquire AcquireOf(uint64_t id, TargetId target = TargetId(11), PoolId pool = PoolId(1));
  // Asks for an attempt at target 11 and ends the turn. The answer, whose `acquire` is 0 where none came.
  v1::AcquireAnswer Ask(FakeProxy& proxy, uint64_t id);
  // As seen by people.
  LimitView LimitNow();
  ProxyView ViewOf(const std::string& boot_id);

  FixedClock log_now_;
  CapturedLog log_;
  Broker broker_{Epoch(9), 1};
  std::vector<PoolMemory> remembered_;
  Registry registry_{broker_, log_.logger(), [this](std::vector<PoolMemory> memories) {
                       for (PoolMemory& memory : memories) remembered_.push_back(std::move(memory));
                     }};
};

}  // namespace chain429
