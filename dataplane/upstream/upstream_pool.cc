#include "dataplane/upstream/upstream_pool.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace chain429 {

struct UpstreamHost::Idle final : PeerWatcher {
  Idle(UpstreamHost* owner, ConnectionPtr c, MonoTime t) : host(owner), connection(std::move(c)), since(t) {}
  void OnPeerEvent() override { host->pool_.Drop(this); }
  UpstreamHost* host;
  ConnectionPtr connection;
  MonoTime since;
};

class UpstreamPool::Sweep final : public Deadline {
 public:
  explicit Sweep(UpstreamPool& pool) : pool_(pool) {}
  void OnDeadline() override { pool_.SweepNow(); }

 private:
  UpstreamPool& pool_;
};

UpstreamHost::UpstreamHost(UpstreamPool& pool, const Endpoint& endpoint) : pool_(pool), endpoint_(endpoint) {}
UpstreamHost::~UpstreamHost() = default;

UpstreamPool::UpstreamPool(DeadlineQueue& deadlines, const Clock& clock)
    : deadlines_(deadlines), clock_(clock), sweep_(std::make_unique<Sweep>(*this)) {}

UpstreamPool::~UpstreamPool() { CloseAll(); }

UpstreamHost* UpstreamPool::Intern(const Endpoint& endpoint) {
  std::unique_ptr<UpstreamHost>& host =
      hosts_[absl::StrCat(endpoint.tls ? "https://" : "http://", endpoint.host, ":", endpoint.port)];
  if (host == nullptr) host = std::make_unique<UpstreamHost>(*this, endpoint);
  return host.get();
}

ConnectionPtr UpstreamPool::TakeIdle(UpstreamHost* host) {
  if (host->idle_.empty()) return nullptr;
  ConnectionPtr connection = std::move(host->idle_.back()->connection);
  host->idle_.pop_back();
  --idle_count_;
  connection->set_watcher(nullptr);
  return connection;
}

void UpstreamPool::Return(UpstreamHost* host, ConnectionPtr connection) {
  if (connection->aborted() || connection->end() != IoEnd::kOpen || host->idle_.size() >= kMaxIdlePerHost) {
    connection->Abort();
    return;
  }
  if (!connection->reading()) connection->Shrink();
  auto idle = std::make_unique<UpstreamHost::Idle>(host, connection, clock_.Read().mono);
  if (!sweep_->armed()) deadlines_.Set(*sweep_, idle->since + kIdleTime);
  connection->set_watcher(idle.get());
  host->idle_.push_back(std::move(idle));
  ++idle_count_;
  connection->StartReading();
}

void UpstreamPool::Drop(UpstreamHost::Idle* idle) {
  std::vector<std::unique_ptr<UpstreamHost::Idle>>& all = idle->host->idle_;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.get() == idle; });
  if (at == all.end()) return;
  const ConnectionPtr connection = idle->connection;
  connection->set_watcher(nullptr);
  all.erase(at);
  --idle_count_;
  connection->Abort();
}

void UpstreamPool::SweepNow() {
  const MonoTime now = clock_.Read().mono;
  MonoTime oldest = MonoTime::Max();
  for (auto& [key, host] : hosts_) {
    while (!host->idle_.empty() && host->idle_.front()->since + kIdleTime <= now) Drop(host->idle_.front().get());
    if (!host->idle_.empty()) oldest = std::min(oldest, host->idle_.front()->since);
  }
  if (oldest != MonoTime::Max()) deadlines_.Set(*sweep_, oldest + kIdleTime);
}

void UpstreamPool::CloseAll() {
  for (auto& [key, host] : hosts_) {
    while (!host->idle_.empty()) Drop(host->idle_.back().get());
  }
}

}  // namespace chain429
