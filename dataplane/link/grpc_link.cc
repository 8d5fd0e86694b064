#include "dataplane/link/grpc_link.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/text.h"
#include "common/model/limit_state.h"
#include "dataplane/link/attachment.h"
#include "dataplane/link/backoff.h"
#include "dataplane/link/bootstrap.h"
#include "dataplane/link/channel.h"
#include "dataplane/link/credentials.h"
#include "dataplane/link/link_core.h"

namespace chain429 {
namespace {

// A stop waits this long for what is queued and the goodbye to leave, and for the control plane to end the streams.
constexpr absl::Duration kGoodbyeTime = absl::Seconds(1);
// How old the pool list of the admin port may be.
constexpr absl::Duration kPoolListAge = absl::Milliseconds(100);
// While the control plane stays away, one line of log per this long.
constexpr absl::Duration kLogEvery = absl::Seconds(30);

LinkCore::Options CoreOptions(const GrpcLink::Options& options, uint32_t workers, Logger& log) {
  return {.node = options.node,
          .boot_id = options.boot_id,
          .advertise = options.advertise,
          .software_version = options.software_version,
          .workers = workers,
          .resolve = [&log](Snapshot& snapshot) { ResolveProxyCredentials(snapshot, log); }};
}

}  // namespace

class GrpcLink::Impl {
 public:
  Impl(Options options, std::shared_ptr<grpc::ChannelCredentials> credentials, std::vector<WorkerPort*> workers,
       Logger& log, const Clock& clock, uint64_t seed)
      : options_(std::move(options)),
        credentials_(std::move(credentials)),
        workers_(std::move(workers)),
        log_(log),
        clock_(clock),
        random_(seed),
        core_(CoreOptions(options_, static_cast<uint32_t>(workers_.size()), log)) {
    state_since_ = clock_.Read().mono;
    if (options_.bootstrap != nullptr) {
      core_.Bootstrap(options_.bootstrap);
      core_.Assume(BootstrapShares(*options_.bootstrap), state_since_);
    }
    status_.address = options_.addresses.front();
    PublishSnapshot(state_since_);
  }

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    Post([this] { BeginStop(); });
    thread_.join();
  }

  void Submit(uint32_t worker, WorkerMail mail) {
    if (worker >= workers_.size() || mail.empty()) return;
    {
      const std::lock_guard<std::mutex> lock(queue_mutex_);
      mails_.emplace_back(worker, std::move(mail));
    }
    queue_filled_.notify_one();
  }

  bool attached() const { return attached_.load(std::memory_order_relaxed); }

  Status status() const {
    const MonoTime now = clock_.Read().mono;
    const std::lock_guard<std::mutex> lock(status_mutex_);
    Status status = status_;
    status.in_this_state = now - state_since_;
    if (status.snapshot != nullptr) status.snapshot_age = now - snapshot_since_;
    return status;
  }

  std::vector<PoolStatus> pools() const {
    const MonoTime now = clock_.Read().mono;
    const std::lock_guard<std::mutex> lock(status_mutex_);
    std::vector<PoolStatus> list;
    list.reserve(pool_list_.size());
    for (const PoolState& listed : pool_list_) {
      PoolStatus& pool = list.emplace_back();
      pool.state = listed;
      pool.state.closed_for = std::max(absl::ZeroDuration(), listed.closed_for - (now - pools_listed_at_));
      if (pool.state.closed_for == absl::ZeroDuration()) pool.state.closure = Closure::kNone;
      for (LimitState& limit : pool.state.limits) limit = After(std::move(limit), now - pools_listed_at_);
      if (status_.snapshot == nullptr) continue;
      const auto it = status_.snapshot->pool_by_id.find(listed.pool.value());
      if (it != status_.snapshot->pool_by_id.end()) pool.key = status_.snapshot->pools[it->second].key;
    }
    return list;
  }

 private:
  // --- The thread and its queue.

  void Post(std::function<void()> event) {
    {
      const std::lock_guard<std::mutex> lock(queue_mutex_);
      events_.push_back(std::move(event));
    }
    queue_filled_.notify_one();
  }

  void Run() {
    pthread_setname_np(pthread_self(), "link");
    std::vector<std::pair<uint32_t, WorkerMail>> mails;
    std::vector<std::function<void()>> events;
    next_usage_ = clock_.Read().mono + options_.usage_interval;
    while (!finished_) {
      {
        std::unique_lock<std::mutex> lock(queue_mutex_);
        if (mails_.empty() && events_.empty()) {
          const absl::Duration wait = NextDeadline() - clock_.Read().mono;
          if (wait > absl::ZeroDuration())
            queue_filled_.wait_for(lock, absl::ToChronoNanoseconds(std::min(wait, absl::Hours(1))));
        }
        mails.swap(mails_);
        events.swap(events_);
      }
      now_ = clock_.Read().mono;
      for (auto& [worker, mail] : mails) core_.OnWorkerMail(worker, std::move(mail), now_);
      for (std::function<void()>& event : events) event();
      mails.clear();
      events.clear();
      OnTime();
      Pump();
    }
  }

  MonoTime NextDeadline() const {
    MonoTime next = std::min({next_try_, attach_deadline_, stop_deadline_, list_pools_at_});
    if (attachment_ != nullptr) next = std::min(next, next_usage_);
    if (attachment_ != nullptr && attachment_->can_write_permits()) next = std::min(next, core_.next_beat());
    return next;
  }

  void OnTime() {
    if (now_ >= next_try_) Try();
    if (now_ >= attach_deadline_) Lose("no answer in time");
    if (now_ >= next_usage_) {
      core_.ReportUsage();
      next_usage_ = now_ + options_.usage_interval;
    }
    if (now_ >= stop_deadline_) Leave();
    if (now_ >= list_pools_at_) ListPools();
  }

  // Hands out what this turn brought about.
  void Pump() {
    for (LinkCore::Delivery& delivery : core_.TakeDeliveries()) {
      if (!stopping_) workers_[delivery.worker]->Deliver(std::move(delivery.mail));
    }
    if (core_.pools().changes() != listed_changes_ && list_pools_at_ == MonoTime::Max())
      list_pools_at_ = now_ + kPoolListAge;
    if (attachment_ == nullptr) return;
    if (const std::string leader = core_.TakeRedirect();
        !leader.empty() && leader != attachment_->address() && !stopping_) {
      redirect_ = leader;
      Lose("this replica is not the leader");
      return;
    }
    if (attachment_->can_write_permits()) {
      v1::PermitsUp up;
      if (core_.TakePermits(&up, now_)) attachment_->Write(std::move(up));
    }
    if (attachment_->can_write_sync()) {
      v1::SyncUp up;
      if (core_.TakeSync(&up)) attachment_->Write(std::move(up));
    }
    if (stopping_) SayGoodbye();
  }

  // --- Connecting.

  void Try() {
    next_try_ = MonoTime::Max();
    const std::string address = redirect_.empty() ? options_.addresses[next_address_++ % options_.addresses.size()]
                                                  : std::exchange(redirect_, {});
    {
      const std::lock_guard<std::mutex> lock(status_mutex_);
      status_.address = address;
    }
    RenewCredentials();
    attachment_ = std::make_unique<Attachment>(
        OpenChannel(address, credentials_, options_), address,
        Attachment::Handlers{.post = [this](std::function<void()> event) { Post(std::move(event)); },
                             .permits = [this](const v1::PermitsDown& down) { OnMessage(core_.OnPermits(down, now_)); },
                             .sync = [this](const v1::SyncDown& down) { OnSync(down); },
                             .attached = [this] { OnAttached(); },
                             .lost = [this](const std::string& reason) { Lose(reason); },
                             .gone = [this](const Attachment* gone) { OnGone(gone); }});
    attach_deadline_ = now_ + options_.attach_timeout;
    v1::PermitsUp permits_hello;
    v1::SyncUp sync_hello;
    core_.FillPermitsHello(&permits_hello, now_);
    core_.FillSyncHello(&sync_hello);
    attachment_->Begin(std::move(permits_hello), std::move(sync_hello));
  }

  // What cannot be read leaves the last that could.
  void RenewCredentials() {
    if (!options_.tls) return;
    absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> renewed = LinkCredentials(options_);
    if (renewed.ok()) {
      credentials_ = *std::move(renewed);
    } else {
      log_.Error("the certificate for the control plane is not taken; the last one goes on",
                 {{"error", FromAbsl(renewed.status().message())}});
    }
  }

  void OnAttached() {
    attach_deadline_ = MonoTime::Max();
    core_.OnAttached(now_);
    SetAttached(true, {});
    log_.Info("attached to the control plane", {{"address", attachment_->address()}});
  }

  void OnMessage(const absl::Status& status) {
    // A word of the control plane, even one that was not understood, shows that it is there.
    backoff_.Reset();
    if (!status.ok()) log_.Warning("message of the control plane ignored", {{"reason", FromAbsl(status.message())}});
  }

  void OnSync(const v1::SyncDown& down) {
    const std::shared_ptr<const Snapshot> before = core_.snapshot();
    const uint64_t refusals = core_.refusals();
    const absl::Status status = core_.OnSync(down, now_);
    if (core_.snapshot() != before) {
      PublishSnapshot(now_);
      log_.Info("snapshot applied", {{"version", static_cast<int64_t>(core_.snapshot()->version.value())}});
    }
    if (core_.refusals() != refusals) {
      const std::lock_guard<std::mutex> lock(status_mutex_);
      status_.snapshots_refused = core_.refusals();
      status_.last_refusal = std::string(FromAbsl(status.message()));
    }
    OnMessage(status);
  }

  // The attachment is no use any more; another try follows.
  void Lose(const std::string& reason) {
    if (attachment_ == nullptr) return;
    attach_deadline_ = MonoTime::Max();
    const bool was_attached = core_.attached();
    core_.OnDetached();
    if (!stopping_ && (was_attached || now_ >= next_log_)) {
      log_.Warning(was_attached ? "lost the control plane; serving on from what is known" : "no control plane yet",
                   {{"address", attachment_->address()}, {"reason", reason}});
      next_log_ = now_ + kLogEvery;
    }
    SetAttached(false, reason);
    attachment_->Abandon();
    leaving_.push_back(std::move(attachment_));
    if (!stopping_) next_try_ = now_ + backoff_.Next(random_);
  }

  void OnGone(const Attachment* gone) {
    // It is still on the stack below us.
    Post([this, gone] {
      std::erase_if(leaving_, [gone](const std::unique_ptr<Attachment>& one) { return one.get() == gone; });
      FinishIfGone();
    });
  }

  // --- Stopping.

  void BeginStop() {
    stopping_ = true;
    next_try_ = MonoTime::Max();
    if (attachment_ != nullptr && !core_.attached()) Lose("stopping");
    stop_deadline_ = now_ + kGoodbyeTime;
    FinishIfGone();
  }

  void SayGoodbye() {
    if (said_goodbye_) {
      if (attachment_->can_write_permits() && attachment_->can_write_sync()) attachment_->HalfClose();
      return;
    }
    // Not before everything else has left.
    if (!attachment_->can_write_permits() || !attachment_->can_write_sync()) return;
    said_goodbye_ = true;
    v1::SyncUp goodbye;
    goodbye.mutable_goodbye()->set_reason("stopping");
    attachment_->Write(std::move(goodbye));
  }

  // Time is up.
  void Leave() {
    stop_deadline_ = MonoTime::Max();
    Lose("stopping");
    FinishIfGone();
  }

  void FinishIfGone() { finished_ = stopping_ && attachment_ == nullptr && leaving_.empty(); }

  // --- What others may look at.

  void SetAttached(bool attached, const std::string& error) {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    if (status_.attached != attached) state_since_ = now_;
    status_.attached = attached;
    if (!error.empty()) status_.last_error = error;
    attached_.store(attached, std::memory_order_relaxed);
  }

  void PublishSnapshot(MonoTime now) {
    if (options_.on_snapshot && core_.snapshot() != nullptr) options_.on_snapshot(*core_.snapshot());
    const std::lock_guard<std::mutex> lock(status_mutex_);
    status_.snapshot = core_.snapshot();
    snapshot_since_ = now;
  }

  void ListPools() {
    list_pools_at_ = MonoTime::Max();
    listed_changes_ = core_.pools().changes();
    std::vector<PoolState> list = core_.pools().List(now_);
    const std::lock_guard<std::mutex> lock(status_mutex_);
    pool_list_ = std::move(list);
    pools_listed_at_ = now_;
  }

  const Options options_;
  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const std::vector<WorkerPort*> workers_;
  Logger& log_;
  const Clock& clock_;

  std::mutex queue_mutex_;
  std::condition_variable queue_filled_;
  std::vector<std::pair<uint32_t, WorkerMail>> mails_;
  std::vector<std::function<void()>> events_;

  // The link's thread alone.
  Random random_;
  Backoff backoff_;
  LinkCore core_;
  MonoTime now_;
  size_t next_address_ = 0;
  std::string redirect_;
  std::unique_ptr<Attachment> attachment_;
  std::vector<std::unique_ptr<Attachment>> leaving_;
  MonoTime next_try_;  // at once
  MonoTime attach_deadline_ = MonoTime::Max();
  MonoTime stop_deadline_ = MonoTime::Max();
  MonoTime next_usage_;
  MonoTime next_log_;
  MonoTime list_pools_at_ = MonoTime::Max();
  uint64_t listed_changes_ = 0;
  bool stopping_ = false;
  bool said_goodbye_ = false;
  bool finished_ = false;

  mutable std::mutex status_mutex_;
  Status status_;
  MonoTime state_since_;
  MonoTime snapshot_since_;
  std::vector<PoolState> pool_list_;
  MonoTime pools_listed_at_;
  std::atomic<bool> attached_{false};

  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<GrpcLink>> GrpcLink::Create(Options options, std::vector<WorkerPort*> workers,
                                                           Logger& log, const Clock& clock, uint64_t seed) {
  if (options.addresses.empty()) return absl::InvalidArgumentError("link: no address of a control plane");
  if (workers.empty() || workers.size() > 256) return absl::InvalidArgumentError("link: needs 1 to 256 workers");
  ASSIGN_OR_RETURN(std::shared_ptr<grpc::ChannelCredentials> credentials, LinkCredentials(options));
  return std::unique_ptr<GrpcLink>(new GrpcLink(
      std::make_unique<Impl>(std::move(options), std::move(credentials), std::move(workers), log, clock, seed)));
}

GrpcLink::GrpcLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcLink::~GrpcLink() { Stop(); }
void GrpcLink::Start() { impl_->Start(); }
void GrpcLink::Stop() { impl_->Stop(); }
void GrpcLink::Submit(uint32_t worker, WorkerMail mail) { impl_->Submit(worker, std::move(mail)); }
bool GrpcLink::attached() const { return impl_->attached(); }
GrpcLink::Status GrpcLink::status() const { return impl_->status(); }
std::vector<GrpcLink::PoolStatus> GrpcLink::pools() const { return impl_->pools(); }

}  // namespace chain429
