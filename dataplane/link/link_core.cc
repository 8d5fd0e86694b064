#include "dataplane/link/link_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain429/v1/fleet.pb.h"
#include "common/base/text.h"
#include "common/wire/fleet_wire.h"
#include "common/wire/model_wire.h"
#include "dataplane/link/publisher.h"

namespace chain429 {
namespace {

// The worker stands in an acquire's highest byte, as the desk made it.
uint32_t WorkerOf(AcquireId id) { return static_cast<uint32_t>(id.value() >> 56); }

constexpr size_t kMaxDynamicTargets = 8192;
constexpr size_t kMaxErrorBytes = 4096;

bool SaysAnything(const LinkMail& mail) {
  return mail.snapshot != nullptr || !mail.pools.empty() || !mail.closures.empty() || !mail.answers.empty() ||
         mail.forget_permits || mail.status != LinkMail::Status::kUnchanged || mail.drain;
}

}  // namespace

LinkCore::LinkCore(Options options) : options_(std::move(options)), mail_(options_.workers) {}

void LinkCore::Bootstrap(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  for (LinkMail& mail : mail_) mail.snapshot = OwnerForWorker(snapshot_);
}

void LinkCore::OnWorkerMail(uint32_t worker, WorkerMail mail, MonoTime now) {
  for (const ObservedClosure& closure : mail.closures) {
    if (!pools_.OnClosure(closure, now)) continue;
    for (uint32_t other = 0; other < options_.workers; ++other) {
      if (other != worker) MailTo(other).closures.push_back(closure);
    }
  }
  for (const Settlement& settlement : mail.settlements) {
    if (!settlement.begun) usage_.Add(settlement);
  }
  for (const Acquire& acquire : mail.acquires) {
    for (const Candidate& candidate : acquire.candidates) {
      if (candidate.dynamic.provider.empty()) continue;
      if (dynamic_pools_.size() >= kMaxDynamicTargets) dynamic_pools_.clear();
      dynamic_pools_[candidate.target] = candidate.pools;
      usage_.Name(candidate.target, candidate.dynamic);
    }
  }
  if (!attached_) {
    mail.acquires.clear();
    mail.cancels.clear();
  }
  const Outbox::Overflow overflow = outbox_.Add(std::move(mail), now);
  // What the control plane will not be told one by one it learns from the next hello.
  Account({.hello = {},
           .sent = overflow.sent,
           .settlements = overflow.settlements,
           .releases = overflow.releases,
           .cancels = {},
           .acquires = {}},
          now);
}

void LinkCore::FillPermitsHello(v1::PermitsUp* out, MonoTime now) {
  wire::PermitsHello hello;
  hello.node = options_.node;
  hello.boot_id = options_.boot_id;
  hello.epoch_seen = epoch_;
  hello.held = held_.List();
  hello.recent = recent_.Report(now);
  hello.closures = pools_.Closures(now);
  wire::Encode(hello, out->mutable_hello());
}

void LinkCore::FillSyncHello(v1::SyncUp* out) {
  assembly_.Reset();
  acknowledgements_.clear();
  usage_.Restart();
  v1::SyncHello* hello = out->mutable_hello();
  hello->set_node(options_.node);
  hello->set_boot_id(options_.boot_id);
  hello->set_advertise(options_.advertise);
  hello->set_software_version(options_.software_version);
  if (snapshot_ != nullptr) hello->set_known_version(snapshot_->version.value());
}

void LinkCore::OnAttached(MonoTime now) {
  if (attached_) return;
  attached_ = true;
  next_beat_ = now + kBeatEvery;
  pools_.OnAttached(now);
  TellStatus(LinkMail::Status::kAttached);
}

void LinkCore::OnDetached() {
  if (!attached_) return;
  attached_ = false;
  outbox_.DropAcquires();
  TellStatus(LinkMail::Status::kDetached);
}

absl::Status LinkCore::OnPermits(const v1::PermitsDown& in, MonoTime now) {
  absl::StatusOr<wire::PermitsDown> down = wire::Decode(in);
  if (!down.ok()) return down.status();
  if (!down->leader.empty()) redirect_ = down->leader;
  if (!EnterEpoch(down->epoch.value())) {
    return absl::FailedPreconditionError(
        absl::StrCat("epoch ", down->epoch.value(), " is over, ", epoch_.value(), " was seen"));
  }
  OnPools(down->pools, now);
  for (AcquireAnswer& answer : down->answers) OnAnswer(std::move(answer));
  return absl::OkStatus();
}

absl::Status LinkCore::OnSync(const v1::SyncDown& in, MonoTime now) {
  if (!EnterEpoch(in.epoch())) {
    return absl::FailedPreconditionError(absl::StrCat("epoch ", in.epoch(), " is over, ", epoch_.value(), " was seen"));
  }
  switch (in.message_case()) {
    case v1::SyncDown::kSnapshot: {
      const v1::SnapshotPiece& piece = in.snapshot();
      absl::StatusOr<std::optional<SnapshotAssembly::Whole>> whole =
          assembly_.Add(piece.nonce(), Version(piece.version()), piece.data(), piece.last());
      if (!whole.ok()) {
        acknowledgements_.push_back(
            {piece.nonce(), Version(piece.version()), std::string(FromAbsl(whole.status().message()))});
        ++refusals_;
        return whole.status();
      }
      return *whole ? OnSnapshot(*std::move(*whole)) : absl::OkStatus();
    }
    case v1::SyncDown::kPools: {
      std::vector<PoolState> states;
      states.reserve(static_cast<size_t>(in.pools().pools_size()));
      for (int i = 0; i < in.pools().pools_size(); ++i) {
        absl::StatusOr<PoolState> state = wire::Decode(in.pools().pools(i));
        if (!state.ok()) return absl::InvalidArgumentError(absl::StrCat("pools[", i, "].", state.status().message()));
        states.push_back(*std::move(state));
      }
      for (const PoolState& state : states) TellPool(pools_.OnNumbers(state, now));
      return absl::OkStatus();
    }
    case v1::SyncDown::kDrain:
      for (LinkMail& mail : mail_) mail.drain = true;
      return absl::OkStatus();
    case v1::SyncDown::MESSAGE_NOT_SET:
      // A newer control plane may say what this proxy does not know.
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

bool LinkCore::EnterEpoch(uint64_t epoch) {
  if (Epoch(epoch) < epoch_) return false;
  if (Epoch(epoch) == epoch_) return true;
  const bool had_leader = static_cast<bool>(epoch_);
  epoch_ = Epoch(epoch);
  if (!had_leader) return true;
  held_.ForgetUnused();
  pools_.OnNewLeader();
  for (uint32_t worker = 0; worker < options_.workers; ++worker) {
    // Answers of the old leader must not stand behind the word that voids them.
    if (!MailTo(worker).answers.empty()) Seal(worker);
    MailTo(worker).forget_permits = true;
  }
  return true;
}

void LinkCore::OnAnswer(AcquireAnswer answer) {
  const uint32_t worker = WorkerOf(answer.acquire);
  const bool permit = answer.granted && answer.permit.id;
  if (worker >= options_.workers) {
    if (!permit) return;
    WorkerMail back;
    back.releases.push_back({answer.permit.id, std::min(answer.permit.spares, UINT32_MAX - 1) + 1});
    outbox_.Add(std::move(back), MonoTime());
    return;
  }
  if (permit) held_.OnGranted(answer.permit, PoolsOf(answer.permit.target));
  MailTo(worker).answers.push_back(std::move(answer));
}

void LinkCore::OnPools(const std::vector<PoolState>& states, MonoTime now) {
  for (const PoolState& state : states) TellPool(pools_.OnState(state, now));
}

absl::Status LinkCore::OnSnapshot(SnapshotAssembly::Whole whole) {
  absl::StatusOr<Snapshot> parsed = wire::ParseSnapshot(whole.bytes, whole.version);
  if (!parsed.ok()) {
    ++refusals_;
    acknowledgements_.push_back(
        {whole.nonce, whole.version, Truncate(FromAbsl(parsed.status().message()), kMaxErrorBytes)});
    return parsed.status();
  }
  if (options_.resolve) options_.resolve(*parsed);
  Bootstrap(std::make_shared<const Snapshot>(*std::move(parsed)));
  acknowledgements_.push_back({whole.nonce, whole.version, {}});
  return absl::OkStatus();
}

bool LinkCore::TakePermits(v1::PermitsUp* out, MonoTime now) {
  if (outbox_.empty() && now < next_beat()) return false;
  next_beat_ = now + kBeatEvery;
  const wire::PermitsUp up = outbox_.Take(now);
  Account(up, now);
  wire::Encode(up, out);
  return true;
}

bool LinkCore::TakeSync(v1::SyncUp* out) {
  if (!acknowledgements_.empty()) {
    const Acknowledgement& first = acknowledgements_.front();
    if (first.error.empty()) {
      out->mutable_ack()->set_nonce(first.nonce);
      out->mutable_ack()->set_version(first.version.value());
    } else {
      out->mutable_nack()->set_nonce(first.nonce);
      out->mutable_nack()->set_version(first.version.value());
      out->mutable_nack()->set_error(first.error);
    }
    acknowledgements_.erase(acknowledgements_.begin());
    return true;
  }
  if (!std::exchange(usage_due_, false)) return false;
  return usage_.TakeReport(snapshot_.get(), out->mutable_usage());
}

std::vector<LinkCore::Delivery> LinkCore::TakeDeliveries() {
  for (uint32_t worker = 0; worker < options_.workers; ++worker) {
    if (SaysAnything(MailTo(worker))) Seal(worker);
  }
  return std::exchange(sealed_, {});
}

// What leaves for the control plane, or what it will only learn of by the next hello.
void LinkCore::Account(const wire::PermitsUp& up, MonoTime now) {
  for (const SentReport& sent : up.sent) held_.OnSent(sent.permit, sent.count);
  for (const Settlement& settlement : up.settlements) AccountSettlement(settlement, settlement.sent_age, now);
  for (const PermitRelease& release : up.releases) held_.OnReleased(release.permit, release.count);
}

void LinkCore::AccountSettlement(const Settlement& settlement, absl::Duration age, MonoTime now) {
  if (settlement.begun) return;
  // What a provider refused it did not count.
  const bool refused =
      settlement.error_class == ErrorClass::kRateLimited || settlement.error_class == ErrorClass::kQuotaExhausted;
  if (settlement.charged && !refused) {
    const int64_t tokens = settlement.usage.seen ? settlement.usage.prompt_tokens + settlement.usage.completion_tokens
                                                 : held_.TokensOf(settlement.permit) * settlement.count;
    for (const PoolId pool : settlement.pools) recent_.Add(pool, now - age, settlement.count, tokens, now);
  }
  held_.OnSettled(settlement.permit, settlement.count, settlement.charged);
}

std::vector<PoolId> LinkCore::PoolsOf(TargetId target) const {
  if (snapshot_ != nullptr) {
    const auto it = snapshot_->target_by_id.find(target.value());
    if (it != snapshot_->target_by_id.end()) return snapshot_->targets[it->second].pools;
  }
  const auto it = dynamic_pools_.find(target);
  return it == dynamic_pools_.end() ? std::vector<PoolId>() : it->second;
}

void LinkCore::Seal(uint32_t worker) { sealed_.push_back({worker, std::exchange(mail_[worker], {})}); }

void LinkCore::TellStatus(LinkMail::Status status) {
  for (uint32_t worker = 0; worker < options_.workers; ++worker) {
    // Gone and back again within one turn is two pieces of news.
    if (MailTo(worker).status != LinkMail::Status::kUnchanged) Seal(worker);
    MailTo(worker).status = status;
  }
}

void LinkCore::TellPool(const PoolState& state) {
  for (uint32_t worker = 0; worker < options_.workers; ++worker) {
    PoolState own = state;
    for (SafeShare& share : own.shares) {
      share.first = ShareOfWorker(share.first, state.pool, worker, options_.workers);
      share.steady = ShareOfWorker(share.steady, state.pool, worker, options_.workers);
    }
    MailTo(worker).pools.push_back(own);
  }
}

}  // namespace chain429
