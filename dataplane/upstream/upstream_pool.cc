#include "dataplane/upstream/upstream_pool.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

namespace intrusive = boost::intrusive;

constexpr absl::Duration kLogPause = absl::Seconds(10);

using InHost = intrusive::list_base_hook<intrusive::tag<class InHostTag>>;
using InPool = intrusive::list_base_hook<intrusive::tag<class InPoolTag>>;

}  // namespace

struct UpstreamHost::Idle final : PeerWatcher, InHost, InPool {
  Idle(UpstreamHost* owner, ConnectionPtr c, UpstreamSlot s, MonoTime t)
      : host(owner), connection(std::move(c)), slot(std::move(s)), expires(t) {}
  void OnPeerEvent() override { host->pool_.Drop(*this); }
  UpstreamHost* host;
  ConnectionPtr connection;
  UpstreamSlot slot;
  MonoTime expires;
};

struct UpstreamHost::IdleList : intrusive::list<UpstreamHost::Idle, intrusive::base_hook<InHost>> {};
struct UpstreamPool::OldestFirst : intrusive::list<UpstreamHost::Idle, intrusive::base_hook<InPool>> {};

class UpstreamPool::Sweep final : public Deadline {
 public:
  explicit Sweep(UpstreamPool& pool) : pool_(pool) {}
  void OnDeadline() override { pool_.SweepNow(); }

 private:
  UpstreamPool& pool_;
};

UpstreamHost::UpstreamHost(UpstreamPool& pool, const Endpoint& endpoint, const OutboundProxy* proxy)
    : pool_(pool),
      endpoint_(endpoint),
      proxy_(proxy),
      authority_(endpoint.host.find(':') == std::string::npos ? absl::StrCat(endpoint.host, ":", endpoint.port)
                                                              : absl::StrCat("[", endpoint.host, "]:", endpoint.port)),
      idle_(std::make_unique<IdleList>()) {}
UpstreamHost::~UpstreamHost() = default;

bool UpstreamHost::MayLogFailure(MonoTime now) {
  if (now < log_again_) return false;
  log_again_ = now + kLogPause;
  return true;
}

void UpstreamSlot::Free() {
  if (host_ == nullptr) return;
  UpstreamHost* const host = std::exchange(host_, nullptr);
  host->pool_.FreeSlot(host);
}

bool SlotWait::await_ready() {
  connection = pool_.TakeIdle(host_, slot);
  if (connection == nullptr) slot = pool_.TakeSlot(host_);
  return static_cast<bool>(slot);
}

void SlotWait::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  host_->waiting_.push_back(*this);
  pool_.deadlines_.Set(*this, until_);
  pool_.counters_.waiting.Add();
}

void SlotWait::Wake() {
  if (!handle_) return;
  WaitsInOrder::unlink();
  ClearDeadline();
  pool_.counters_.waiting.Sub();
  boost::asio::post(pool_.io_, [handle = std::exchange(handle_, nullptr)] { handle.resume(); });
}

UpstreamPool::UpstreamPool(boost::asio::io_context& io, DeadlineQueue& deadlines, const Clock& clock,
                           UpstreamCounters& counters, Options options)
    : io_(io),
      deadlines_(deadlines),
      clock_(clock),
      counters_(counters),
      options_(std::move(options)),
      sweep_(std::make_unique<Sweep>(*this)),
      oldest_first_(std::make_unique<OldestFirst>()) {}

UpstreamPool::~UpstreamPool() { CloseAll(); }

UpstreamHost* UpstreamPool::Intern(const Endpoint& endpoint) {
  std::unique_ptr<UpstreamHost>& host =
      hosts_[absl::StrCat(endpoint.tls ? "https://" : "http://", endpoint.host, ":", endpoint.port)];
  if (host == nullptr) host = std::make_unique<UpstreamHost>(*this, endpoint, options_.proxies.For(endpoint));
  return host.get();
}

// The loop may already know of bytes or an end that it has not told yet, because whoever takes the connection came
// first in this turn; or they have come since. Either is seen by looking at the socket itself: an answer that nobody
// asked for would else pass for the answer to the next request. It is the one system call that reuse costs, 0.2 µs on a
// quiet socket; a look at the state of the loop instead would miss what came after its last wait.
ConnectionPtr UpstreamPool::TakeIdle(UpstreamHost* host, UpstreamSlot& slot) {
  while (!host->idle_->empty()) {
    UpstreamHost::Idle& idle = host->idle_->back();
    ConnectionPtr connection = std::move(idle.connection);
    slot = std::move(idle.slot);
    Remove(idle);
    connection->set_watcher(nullptr);
    if (connection->StillQuiet()) return connection;
    connection->Abort();
    slot.Free();
  }
  return nullptr;
}

UpstreamSlot UpstreamPool::TakeSlot(UpstreamHost* host) {
  if (host->open_ >= options_.max_per_host || !host->waiting_.empty()) return UpstreamSlot();
  ++host->open_;
  counters_.open.Add();
  return UpstreamSlot(host);
}

void UpstreamPool::FreeSlot(UpstreamHost* host) {
  if (host->waiting_.empty()) {
    --host->open_;
    counters_.open.Sub();
    return;
  }
  SlotWait& next = host->waiting_.front();
  next.slot = UpstreamSlot(host);
  next.Wake();
}

void UpstreamPool::Return(UpstreamHost* host, ConnectionPtr connection, UpstreamSlot slot, absl::Duration idle_time) {
  if (connection->aborted() || connection->end() != IoEnd::kOpen || host->idle_->size() >= kMaxIdlePerHost ||
      idle_time <= absl::ZeroDuration()) {
    connection->Abort();
    return;
  }
  if (!host->waiting_.empty()) {
    if (connection->StillQuiet()) {
      SlotWait& next = host->waiting_.front();
      next.connection = std::move(connection);
      next.slot = std::move(slot);
      next.Wake();
    } else {
      connection->Abort();
    }
    return;
  }
  if (idle_count_ >= kMaxIdle) Drop(oldest_first_->front());
  if (!connection->reading()) connection->Shrink();
  auto* idle = new UpstreamHost::Idle(host, connection, std::move(slot), clock_.Read().mono + idle_time);
  SweepAt(idle->expires);
  connection->set_watcher(idle);
  host->idle_->push_back(*idle);
  oldest_first_->push_back(*idle);
  ++idle_count_;
  counters_.idle.Set(idle_count_);
  connection->StartReading();
}

void UpstreamPool::Remove(UpstreamHost::Idle& idle) {
  idle.host->idle_->erase(idle.host->idle_->iterator_to(idle));
  oldest_first_->erase(oldest_first_->iterator_to(idle));
  --idle_count_;
  counters_.idle.Set(idle_count_);
  delete &idle;
}

void UpstreamPool::Drop(UpstreamHost::Idle& idle) {
  const ConnectionPtr connection = idle.connection;
  connection->set_watcher(nullptr);
  Remove(idle);
  connection->Abort();
}

void UpstreamPool::SweepAt(MonoTime at) {
  if (sweep_->armed() && sweep_at_ <= at) return;
  sweep_at_ = at;
  deadlines_.Set(*sweep_, at);
}

// Looks at all of them, because providers differ in how long they keep a connection; hence the pause between two looks.
void UpstreamPool::SweepNow() {
  const MonoTime now = clock_.Read().mono;
  MonoTime next = MonoTime::Max();
  for (auto at = oldest_first_->begin(); at != oldest_first_->end();) {
    UpstreamHost::Idle& idle = *at++;
    if (idle.expires <= now + DeadlineQueue::kSlack) {
      Drop(idle);
    } else {
      next = std::min(next, idle.expires);
    }
  }
  if (next != MonoTime::Max()) SweepAt(std::max(next, now + kSweepPause));
}

void UpstreamPool::CloseAll() {
  while (!oldest_first_->empty()) Drop(oldest_first_->front());
}

}  // namespace chain429
