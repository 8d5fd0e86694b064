#include "tests/controlplane/quota/fleet_simulation.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/quota/broker.h"
#include "tests/controlplane/quota/simulated_provider.h"

namespace chain429 {
namespace {

constexpr char kPool[] = "p";
const TargetId kTarget(77);

// One attempt as its proxy sees it, and how much of it has been told: what a message that has left says, a hello does
// not repeat.
struct Attempt {
  PermitId permit;
  bool sent = false;
  bool ended = false;
  bool sent_told = false;
  bool end_told = false;
  bool released_told = false;
  bool at_provider = false;
  MonoTime sent_at;
};

struct Proxy {
  std::string boot;
  bool alive = true;
  bool attached = false;     // as it believes
  uint64_t link = 0;         // each link is another; what was under way on an old one is lost
  MonoTime up_free_at;       // a stream keeps its order
  MonoTime down_free_at;
  HolderId holder;
  Epoch epoch_seen;
  std::vector<std::function<void()>> queued;  // reports to leave when there is a link again
  std::vector<std::shared_ptr<Attempt>> attempts;
  std::set<AcquireId> asks;
  uint64_t last_ask = 0;
};

class Simulation {
 public:
  explicit Simulation(const FleetOptions& options)
      : options_(options),
        random_(options.seed),
        provider_(options.limit, options.provider_clock_off),
        end_(now_.mono + options.length) {}

  FleetResult Run();

 private:
  using ProxyPtr = std::shared_ptr<Proxy>;
  using AttemptPtr = std::shared_ptr<Attempt>;

  struct Event {
    MonoTime at;
    uint64_t number = 0;
    std::function<void()> run;
    friend bool operator>(const Event& a, const Event& b) {
      return std::pair(a.at, a.number) > std::pair(b.at, b.number);
    }
  };
  void In(absl::Duration delay, std::function<void()> run) {
    events_.push({now_.mono + delay, ++last_event_, std::move(run)});
  }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return least + (most - least) * random_.Uniform();
  }
  bool Chance(double share) { return random_.Uniform() < share; }
  bool over() const { return now_.mono >= end_; }

  // The leader.
  void StartLeader();
  void Tick();
  // The network: each way keeps its order, and what has not arrived when the link breaks never does.
  void Up(const ProxyPtr& proxy, std::function<void()> arrive);
  void Down(const ProxyPtr& proxy, std::function<void()> arrive);
  // When each side notices, and when the proxy tries again after that.
  void Break(const ProxyPtr& proxy, absl::Duration leader_notices, absl::Duration proxy_notices, absl::Duration away);
  void Connect(const ProxyPtr& proxy);
  AttachReport Hello(const Proxy& proxy) const;
  // Reports leave at once, or when there is a link again.
  void Report(const ProxyPtr& proxy, std::function<void()> leave);
  void ReportUp(const ProxyPtr& proxy, std::function<void()> arrive);
  // Proxies and their clients.
  ProxyPtr StartProxy();
  void Want(const ProxyPtr& proxy);
  void OnAnswer(const ProxyPtr& proxy, const AcquireAnswer* answer);
  void NoAnswers(const ProxyPtr& proxy);
  void Write(const ProxyPtr& proxy, const AttemptPtr& attempt);
  void Arrive(const ProxyPtr& proxy, const AttemptPtr& attempt);
  void End(const ProxyPtr& proxy, const AttemptPtr& attempt, bool refused);
  void Release(const ProxyPtr& proxy, const AttemptPtr& attempt);
  // Trouble.
  void BreakSomeLink();
  void KillSomeProxy();
  void ChangeLeader();
  void StandStill();
  void Every(absl::Duration mean, std::function<void()> run);

  const FleetOptions options_;
  Random random_;
  Now now_{MonoTime::FromNanos(int64_t{1'000'000} * 1'000'000'000), absl::FromUnixSeconds(1'800'000'030)};
  SimulatedProvider provider_;
  const MonoTime end_;
  FleetResult result_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t last_event_ = 0;
  std::unique_ptr<Broker> broker_;
  MonoTime leader_since_;
  MonoTime stands_until_;                       // the leader does nothing before
  std::vector<std::function<void()>> unread_;   // what has arrived meanwhile
  std::shared_ptr<const Snapshot> snapshot_;
  std::vector<ProxyPtr> proxies_;
  uint64_t last_boot_ = 0;
};

void Simulation::StartLeader() {
  const uint64_t epoch = broker_ == nullptr ? 5 : broker_->epoch().value() + 1;
  leader_since_ = now_.mono;
  broker_ = std::make_unique<Broker>(Epoch(epoch), options_.seed + epoch);
  broker_->SetSnapshot(snapshot_, now_);
}

void Simulation::Tick() {
  if (now_.mono < stands_until_) {
    In(stands_until_ - now_.mono, [this] { Tick(); });
    return;
  }
  broker_->OnTimer(now_);
  for (auto& arrive : std::exchange(unread_, {})) arrive();
  broker_->TakeUrgent(now_);
  broker_->TakeRoutine(now_);
  In(absl::Milliseconds(20), [this] { Tick(); });
}

void Simulation::Up(const ProxyPtr& proxy, std::function<void()> arrive) {
  proxy->up_free_at = std::max(proxy->up_free_at, now_.mono + Between(absl::Milliseconds(1), absl::Milliseconds(30)));
  std::function<void()> read = [proxy, link = proxy->link, arrive = std::move(arrive)] {
    if (proxy->link == link) arrive();
  };
  In(proxy->up_free_at - now_.mono, [this, read] {
    if (now_.mono < stands_until_) {
      unread_.push_back(read);
    } else {
      read();
    }
  });
}

void Simulation::Down(const ProxyPtr& proxy, std::function<void()> arrive) {
  proxy->down_free_at =
      std::max(proxy->down_free_at, now_.mono + Between(absl::Milliseconds(1), absl::Milliseconds(30)));
  In(proxy->down_free_at - now_.mono, [proxy, link = proxy->link, arrive = std::move(arrive)] {
    if (proxy->link == link) arrive();
  });
}

void Simulation::Break(const ProxyPtr& proxy, absl::Duration leader_notices, absl::Duration proxy_notices,
                       absl::Duration away) {
  const uint64_t broken = ++proxy->link;
  const uint64_t epoch = broker_->epoch().value();
  In(leader_notices, [this, proxy, broken, epoch] {
    // It may be back before the leader has noticed.
    if (proxy->link == broken && broker_->epoch().value() == epoch)
      broker_->Detach(proxy->holder, /*gone=*/false, now_);
  });
  In(proxy_notices, [this, proxy, broken, away] {
    if (proxy->link != broken || !proxy->alive) return;
    proxy->attached = false;
    NoAnswers(proxy);
    In(away, [this, proxy] { Connect(proxy); });
  });
}

AttachReport Simulation::Hello(const Proxy& proxy) const {
  AttachReport report;
  report.node = "n";
  report.boot_id = proxy.boot;
  report.epoch_seen = proxy.epoch_seen;
  for (const AttemptPtr& attempt : proxy.attempts) {
    if (attempt->released_told) continue;
    if (attempt->end_told) {
      report.recent.push_back({PoolId(StableId(kPool)), now_.mono - attempt->sent_at, 1, 0});
    } else {
      AttachReport::Held held{attempt->permit, kTarget, {PoolId(StableId(kPool))}, 0, 0, 0};
      (attempt->sent_told ? held.open : held.unused) = 1;
      report.held.push_back(held);
    }
  }
  return report;
}

void Simulation::Connect(const ProxyPtr& proxy) {
  if (!proxy->alive || proxy->attached) return;
  ++proxy->link;
  Up(proxy, [this, proxy, report = Hello(*proxy)] {
    proxy->holder = broker_->Attach(report, now_);
    Down(proxy, [proxy, epoch = broker_->epoch()] { proxy->epoch_seen = epoch; });
  });
  proxy->attached = true;
  for (auto& leave : std::exchange(proxy->queued, {})) leave();
}

void Simulation::Report(const ProxyPtr& proxy, std::function<void()> leave) {
  if (!proxy->alive) return;
  if (proxy->attached) {
    leave();
  } else {
    proxy->queued.push_back(std::move(leave));
  }
}

void Simulation::ReportUp(const ProxyPtr& proxy, std::function<void()> arrive) {
  if (Chance(options_.repeated)) Up(proxy, arrive);
  Up(proxy, std::move(arrive));
}

Simulation::ProxyPtr Simulation::StartProxy() {
  auto proxy = std::make_shared<Proxy>();
  proxy->boot = absl::StrCat("boot ", ++last_boot_);
  Connect(proxy);
  for (int i = 0; i < options_.clients; ++i) {
    In(Between(absl::ZeroDuration(), absl::Milliseconds(500)), [this, proxy] { Want(proxy); });
  }
  return proxy;
}

void Simulation::Want(const ProxyPtr& proxy) {
  if (over() || !proxy->alive) return;
  if (!proxy->attached) {
    In(absl::Milliseconds(200), [this, proxy] { Want(proxy); });
    return;
  }
  Acquire acquire;
  acquire.id = AcquireId(++proxy->last_ask);
  acquire.candidates = {{.target = kTarget, .pools = {PoolId(StableId(kPool))}, .dynamic = {}}};
  acquire.spares_wanted = 3;
  proxy->asks.insert(acquire.id);
  Up(proxy, [this, proxy, acquire] {
    Down(proxy, [this, proxy, answer = broker_->OnAcquire(proxy->holder, acquire, now_)] {
      if (proxy->asks.erase(answer.acquire) > 0) OnAnswer(proxy, &answer);
    });
  });
}

void Simulation::OnAnswer(const ProxyPtr& proxy, const AcquireAnswer* answer) {
  if (answer == nullptr || !answer->granted) {
    const absl::Duration wait =
        answer == nullptr || answer->denials.empty() ? absl::Seconds(1) : answer->denials[0].retry_after;
    In(std::min(wait, Between(absl::Milliseconds(50), absl::Milliseconds(500))), [this, proxy] { Want(proxy); });
    return;
  }
  const auto attempt = std::make_shared<Attempt>();
  attempt->permit = answer->permit.id;
  proxy->attempts.push_back(attempt);
  if (Chance(0.03)) {
    // Its client has gone. Some proxies only notice when the permit's time is over.
    const absl::Duration notice = Chance(0.5) ? absl::ZeroDuration() : answer->permit.ttl;
    In(notice, [this, proxy, attempt] { Release(proxy, attempt); });
    In(absl::Milliseconds(100), [this, proxy] { Want(proxy); });
    return;
  }
  const absl::Duration connect = Chance(0.02) ? Between(absl::ZeroDuration(), absl::Seconds(3))
                                              : Between(absl::ZeroDuration(), absl::Milliseconds(100));
  In(connect, [this, proxy, attempt] { Write(proxy, attempt); });
}

void Simulation::NoAnswers(const ProxyPtr& proxy) {
  const size_t waiting = std::exchange(proxy->asks, {}).size();
  for (size_t i = 0; i < waiting; ++i) OnAnswer(proxy, nullptr);
}

void Simulation::Release(const ProxyPtr& proxy, const AttemptPtr& attempt) {
  Report(proxy, [this, proxy, attempt] {
    attempt->released_told = true;
    ReportUp(proxy, [this, proxy, attempt] { broker_->OnRelease(proxy->holder, {attempt->permit, 1}, now_); });
  });
}

void Simulation::Write(const ProxyPtr& proxy, const AttemptPtr& attempt) {
  if (!proxy->alive) return;
  attempt->sent = true;
  attempt->sent_at = now_.mono;
  In(Between(absl::ZeroDuration(), absl::Milliseconds(10)), [this, proxy, attempt] {
    Report(proxy, [this, proxy, attempt] {
      attempt->sent_told = true;
      const SentReport sent{attempt->permit, 1, now_.mono - attempt->sent_at};
      ReportUp(proxy, [this, proxy, sent] { broker_->OnSent(proxy->holder, sent, now_); });
    });
  });
  // Well within what the guards allow for.
  In(Between(absl::ZeroDuration(), absl::Milliseconds(150)), [this, proxy, attempt] { Arrive(proxy, attempt); });
}

void Simulation::Arrive(const ProxyPtr& proxy, const AttemptPtr& attempt) {
  if (!provider_.Arrive(now_)) {
    if (result_.refused++ == 0) {
      const LimitView view = broker_->View(kPool, now_)[0].limits[0];
      result_.first_refusal =
          absl::StrCat("after ", absl::FormatDuration(now_.mono - (end_ - options_.length)), ", used ", view.used,
                       ", reserved ", view.reserved, ", leader ", result_.leaders);
    }
    End(proxy, attempt, /*refused=*/true);
    return;
  }
  ++result_.accepted;
  attempt->at_provider = true;
  const MonoTime begun = now_.mono;
  In(Between(options_.answer_least, options_.answer_most), [this, proxy, attempt, begun] {
    if (!attempt->at_provider) return;  // hung up
    attempt->at_provider = false;
    provider_.End();
    result_.busy += std::min(now_.mono, end_) - begun;
    In(Between(absl::ZeroDuration(), absl::Milliseconds(50)),
       [this, proxy, attempt] { End(proxy, attempt, /*refused=*/false); });
  });
}

void Simulation::End(const ProxyPtr& proxy, const AttemptPtr& attempt, bool refused) {
  if (!proxy->alive) return;
  attempt->ended = true;
  Report(proxy, [this, proxy, attempt, refused] {
    attempt->sent_told = true;
    attempt->end_told = true;
    Settlement settlement;
    settlement.permit = attempt->permit;
    settlement.target = kTarget;
    settlement.pools = {PoolId(StableId(kPool))};
    settlement.sent_age = now_.mono - attempt->sent_at;
    settlement.error_class = refused ? ErrorClass::kRateLimited : ErrorClass::kOk;
    ReportUp(proxy, [this, proxy, settlement] { broker_->OnSettle(proxy->holder, settlement, now_); });
  });
  std::erase_if(proxy->attempts,
                [&](const AttemptPtr& old) { return old->end_told && now_.mono - old->sent_at > absl::Minutes(5); });
  Want(proxy);
}

void Simulation::Every(absl::Duration mean, std::function<void()> run) {
  if (mean == absl::InfiniteDuration()) return;
  In(Between(mean / 2, mean * 1.5), [this, mean, run] {
    if (over()) return;
    run();
    Every(mean, run);
  });
}

void Simulation::BreakSomeLink() {
  const ProxyPtr& proxy = proxies_[random_.Below(proxies_.size())];
  // A leader that has just taken over counts on its proxies to report soon; one that cannot is an exception of the
  // guarantee.
  if (!proxy->attached || now_.mono < leader_since_ + absl::Seconds(10)) return;
  ++result_.breaks;
  // Both sides ask each other for signs of life.
  Break(proxy, Between(absl::ZeroDuration(), absl::Seconds(2.5)), Between(absl::ZeroDuration(), absl::Seconds(4)),
        Chance(0.7) ? Between(absl::Milliseconds(20), absl::Seconds(3)) : Between(absl::Seconds(3), absl::Seconds(80)));
}

void Simulation::StandStill() {
  if (now_.mono < stands_until_) return;
  ++result_.stalls;
  const absl::Duration lasts = Between(absl::Seconds(1), absl::Seconds(15));
  stands_until_ = now_.mono + lasts;
  const absl::Duration patience = absl::Seconds(4);
  if (lasts < patience) return;
  for (const ProxyPtr& proxy : proxies_) {
    In(patience, [this, proxy, rest = lasts - patience] {
      if (!proxy->attached) return;
      // What has not been read by then never is.
      Break(proxy, rest + Between(absl::ZeroDuration(), absl::Milliseconds(20)), absl::ZeroDuration(),
            rest + Between(absl::Milliseconds(20), absl::Seconds(3)));
    });
  }
}

void Simulation::KillSomeProxy() {
  ProxyPtr& proxy = proxies_[random_.Below(proxies_.size())];
  ++result_.deaths;
  proxy->alive = false;
  proxy->queued.clear();
  for (const AttemptPtr& attempt : proxy->attempts) {
    if (std::exchange(attempt->at_provider, false)) provider_.End();
  }
  ++proxy->link;
  broker_->Detach(proxy->holder, /*gone=*/false, now_);
  proxy = StartProxy();
}

void Simulation::ChangeLeader() {
  ++result_.leaders;
  StartLeader();
  // Whoever was away before comes back now, too: the new leader waits for no longer than links need.
  for (const ProxyPtr& proxy : proxies_) {
    ++proxy->link;
    proxy->attached = false;
    NoAnswers(proxy);
    In(Between(absl::Milliseconds(20), absl::Seconds(3)), [this, proxy] { Connect(proxy); });
  }
}

FleetResult Simulation::Run() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = Version(1);
  snapshot->providers.emplace_back().name = "provider";
  Pool& pool = snapshot->pools.emplace_back();
  pool.id = PoolId(StableId(kPool));
  pool.key = kPool;
  pool.limits = {options_.limit};
  snapshot_ = snapshot;
  StartLeader();
  Tick();
  for (int i = 0; i < options_.proxies; ++i) proxies_.push_back(StartProxy());
  Every(options_.link_breaks, [this] { BreakSomeLink(); });
  Every(options_.proxy_dies, [this] { KillSomeProxy(); });
  Every(options_.leader_changes, [this] { ChangeLeader(); });
  Every(options_.leader_stands_still, [this] { StandStill(); });
  // All that is under way ends, and whoever is away comes back or is forgotten.
  const MonoTime quiet = end_ + absl::Minutes(5);
  while (!events_.empty() && events_.top().at < quiet) {
    Event event = events_.top();
    events_.pop();
    now_.wall += event.at - now_.mono;
    now_.mono = event.at;
    event.run();
  }
  for (const ProxyPtr& proxy : proxies_) proxy->queued.clear();  // they hold their proxy
  const PoolView view = broker_->View(kPool, now_)[0];
  result_.open_at_end = view.open_attempts;
  result_.reserved_at_end = view.limits[0].reserved;
  return result_;
}

}  // namespace

FleetResult Simulate(const FleetOptions& options) { return Simulation(options).Run(); }

}  // namespace chain429
