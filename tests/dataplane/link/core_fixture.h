#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "chain429/v1/fleet.pb.h"
#include "common/wire/fleet_wire.h"
#include "common/wire/model_wire.h"
#include "dataplane/link/link_core.h"

namespace chain429 {

// The link of a proxy with two workers, and the control plane's side of it in the test's hands: target 1 draws on
// pool 11.
class LinkCoreTest : public testing::Test {
 protected:
  static constexpr uint64_t kEpoch = 5;

  LinkCoreTest() : core(Options()) {}

  LinkCore::Options Options() {
    return {.node = "team-a/one",
            .boot_id = "boot",
            .advertise = "10.0.0.1:4290",
            .software_version = "1.2",
            .workers = 2,
            .resolve = [this](Snapshot&) { ++resolved; }};
  }
  void Turn(absl::Duration by) { now = now + by; }

  // ---- What the control plane does.
  wire::PermitsHello Hello() {
    v1::PermitsUp up;
    core.FillPermitsHello(&up, now);
    const absl::StatusOr<wire::PermitsUp> decoded = wire::Decode(up);
    EXPECT_TRUE(decoded.ok()) << decoded.status();
    return decoded.ok() && decoded->hello ? *decoded->hello : wire::PermitsHello{};
  }
  v1::SyncHello SyncHello() {
    v1::SyncUp up;
    core.FillSyncHello(&up);
    return up.hello();
  }
  // A new link, as the driver brings it up; the control plane greets with its epoch.
  void Attach(uint64_t epoch = kEpoch) {
    Hello();
    SyncHello();
    core.OnAttached(now);
    EXPECT_TRUE(Say({.epoch = Epoch(epoch), .answers = {}, .leader = {}, .pools = {}}).ok());
    core.TakeDeliveries();
  }
  absl::Status Say(const wire::PermitsDown& down) {
    v1::PermitsDown message;
    wire::Encode(down, &message);
    return core.OnPermits(message, now);
  }
  absl::Status Answer(AcquireAnswer answer, uint64_t epoch = kEpoch) {
    return Say({.epoch = Epoch(epoch), .answers = {std::move(answer)}, .leader = {}, .pools = {}});
  }
  absl::Status SayPool(const PoolState& state, uint64_t epoch = kEpoch) {
    return Say({.epoch = Epoch(epoch), .answers = {}, .leader = {}, .pools = {state}});
  }
  static AcquireAnswer Granted(AcquireId acquire, uint64_t permit, uint32_t spares = 0) {
    AcquireAnswer answer;
    answer.acquire = acquire;
    answer.granted = true;
    answer.permit = {.acquire = acquire,
                     .id = PermitId(permit),
                     .target = TargetId(1),
                     .ttl = absl::Seconds(5),
                     .spares = spares,
                     .tokens = 100};
    return answer;
  }
  static std::string SnapshotBytes() {
    Snapshot snapshot;
    Provider& provider = snapshot.providers.emplace_back();
    provider.name = "p";
    provider.kind = "openai";
    provider.endpoint.host = "127.0.0.1";
    provider.endpoint.port = 8000;
    provider.endpoint.path = "/v1";
    Pool& pool = snapshot.pools.emplace_back();
    pool.id = PoolId(11);
    pool.key = "p";
    Target& target = snapshot.targets.emplace_back();
    target.id = TargetId(1);
    target.name = "p/m";
    target.model = "m";
    target.pools = {PoolId(11)};
    return wire::SerializeSnapshot(snapshot);
  }
  static v1::SyncDown Piece(uint64_t nonce, uint64_t version, std::string data, bool last, uint64_t epoch = kEpoch) {
    v1::SyncDown down;
    down.set_epoch(epoch);
    down.mutable_snapshot()->set_nonce(nonce);
    down.mutable_snapshot()->set_version(version);
    down.mutable_snapshot()->set_data(std::move(data));
    down.mutable_snapshot()->set_last(last);
    return down;
  }
  void Configure(uint64_t version = 1) {
    EXPECT_TRUE(core.OnSync(Piece(version, version, SnapshotBytes(), true), now).ok());
    v1::SyncUp ack;
    EXPECT_TRUE(core.TakeSync(&ack));
    core.TakeDeliveries();
  }

  // ---- What workers do.
  static AcquireId IdOf(uint32_t worker, uint64_t number) { return AcquireId((uint64_t{worker} << 56) | number); }
  static Acquire AskOf(AcquireId id) {
    Acquire acquire;
    acquire.id = id;
    acquire.candidates = {{.target = TargetId(1), .pools = {PoolId(11)}, .dynamic = {}}};
    return acquire;
  }
  static Settlement EndOf(uint64_t permit, absl::Duration sent_age = {}) {
    Settlement settlement;
    settlement.permit = PermitId(permit);
    settlement.target = TargetId(1);
    settlement.pools = {PoolId(11)};
    settlement.sent_age = sent_age;
    return settlement;
  }
  void Ask(uint32_t worker, uint64_t number) {
    WorkerMail mail;
    mail.acquires = {AskOf(IdOf(worker, number))};
    core.OnWorkerMail(worker, std::move(mail), now);
  }
  void Sent(uint64_t permit, uint32_t count = 1) {
    WorkerMail mail;
    mail.sent = {{PermitId(permit), count, absl::ZeroDuration()}};
    core.OnWorkerMail(0, std::move(mail), now);
  }
  void End(const Settlement& settlement) {
    WorkerMail mail;
    mail.settlements = {settlement};
    core.OnWorkerMail(0, std::move(mail), now);
  }
  // Sends what waits.
  wire::PermitsUp Leave() {
    wire::PermitsUp all;
    v1::PermitsUp up;
    while (core.TakePermits(&up, now)) {
      const absl::StatusOr<wire::PermitsUp> decoded = wire::Decode(up);
      EXPECT_TRUE(decoded.ok()) << decoded.status();
      if (!decoded.ok()) return all;
      all.sent.insert(all.sent.end(), decoded->sent.begin(), decoded->sent.end());
      all.settlements.insert(all.settlements.end(), decoded->settlements.begin(), decoded->settlements.end());
      all.releases.insert(all.releases.end(), decoded->releases.begin(), decoded->releases.end());
      all.acquires.insert(all.acquires.end(), decoded->acquires.begin(), decoded->acquires.end());
      all.cancels.insert(all.cancels.end(), decoded->cancels.begin(), decoded->cancels.end());
      up.Clear();
    }
    return all;
  }
  // What is delivered to one worker, letter by letter.
  std::vector<LinkMail> MailFor(uint32_t worker) {
    std::vector<LinkMail> mails;
    for (LinkCore::Delivery& delivery : core.TakeDeliveries()) {
      if (delivery.worker == worker) mails.push_back(std::move(delivery.mail));
    }
    return mails;
  }

  int resolved = 0;
  LinkCore core;
  MonoTime now = MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000);
};

}  // namespace chain429
