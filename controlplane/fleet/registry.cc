#include "controlplane/fleet/registry.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/wire/model_wire.h"

namespace chain429 {
namespace {

// Numbers that are not urgent go out no more often than this.
constexpr absl::Duration kRoutineEvery = absl::Milliseconds(200);
// Proxies that went are listed for so long, and no more of them than this.
constexpr absl::Duration kListedAfter = absl::Minutes(10);
constexpr size_t kMostSessions = 4096;
constexpr size_t kMostIdBytes = 256;

AttachReport ReportOf(const wire::PermitsHello& hello) {
  AttachReport report;
  report.node = hello.node;
  report.boot_id = hello.boot_id;
  report.epoch_seen = hello.epoch_seen;
  for (const wire::HeldPermit& held : hello.held) {
    report.held.push_back({held.permit, held.target, held.pools, held.unused, held.open, held.tokens});
  }
  report.recent = hello.recent;
  for (const wire::KnownClosure& known : hello.closures) {
    report.closures.push_back({known.pool, known.closure, known.closed_for, known.authoritative});
  }
  return report;
}

Snapshot WithoutKeys(const Snapshot& snapshot) {
  Snapshot keyless = snapshot;
  for (Provider& provider : keyless.providers) {
    for (Credential& credential : provider.credentials) {
      if (credential.key.empty()) continue;
      credential.key = Secret();
      credential.usable = false;
    }
  }
  return keyless;
}

}  // namespace

SessionCore* Registry::SessionOf(const void* port) {
  const auto it = by_port_.find(port);
  return it == by_port_.end() ? nullptr : it->second;
}

SessionCore* Registry::Admit(const std::string& node, const std::string& boot_id, const Now& now) {
  if (const auto known = sessions_.find(boot_id); known != sessions_.end()) return known->second.get();
  if (sessions_.size() >= kMostSessions) ForgetGone(now);
  if (sessions_.size() >= kMostSessions) return nullptr;
  return sessions_.emplace(boot_id, std::make_unique<SessionCore>(node, boot_id, now.mono)).first->second.get();
}

void Registry::Touch(SessionCore& session) {
  if (std::exchange(session.touched, true)) return;
  touched_.push_back(&session);
}

absl::Status Registry::OnPermits(const std::shared_ptr<PermitsPort>& port, const wire::PermitsUp& up, const Now& now) {
  SessionCore* session = SessionOf(port.get());
  if ((session == nullptr) != up.hello.has_value())
    return absl::InvalidArgumentError("hello is the first message of a stream, and only the first");
  if (session == nullptr) {
    if (up.hello->boot_id.empty() || up.hello->boot_id.size() > kMostIdBytes)
      return absl::InvalidArgumentError("hello.boot_id: missing or too long");
    session = Admit(up.hello->node, up.hello->boot_id, now);
    if (session == nullptr) return absl::ResourceExhaustedError("too many proxies");
    by_port_[port.get()] = session;
    session->leaving = false;
    session->OpenPermits(port, broker_.Attach(ReportOf(*up.hello), now), now.mono);
    session->permits().AddStates(broker_.AllStates(now));
    session->permits().Greet();
    ++counters_.attached;
    log_.Info(
        "proxy attached",
        {{"node", session->node()}, {"boot_id", session->boot_id()}, {"proxies", static_cast<int64_t>(attached())}});
  }
  const HolderId holder = session->holder();
  for (const SentReport& sent : up.sent) broker_.OnSent(holder, sent, now);
  for (const Settlement& settlement : up.settlements) broker_.OnSettle(holder, settlement, now);
  for (const PermitRelease& release : up.releases) broker_.OnRelease(holder, release, now);
  for (const AcquireId cancel : up.cancels) broker_.OnCancel(holder, cancel);
  for (const Acquire& acquire : up.acquires) {
    AcquireAnswer answer = broker_.OnAcquire(holder, acquire, now);
    session->permits().AddStates(broker_.NumbersFor(answer, now));
    session->permits().Add(std::move(answer));
  }
  Touch(*session);
  return absl::OkStatus();
}

absl::Status Registry::OnSync(const std::shared_ptr<SyncPort>& port, const v1::SyncUp& up, const Now& now) {
  SessionCore* session = SessionOf(port.get());
  if ((session == nullptr) != up.has_hello())
    return absl::InvalidArgumentError("hello is the first message of a stream, and only the first");
  switch (up.message_case()) {
    case v1::SyncUp::kHello: {
      const v1::SyncHello& hello = up.hello();
      if (hello.boot_id().empty() || hello.boot_id().size() > kMostIdBytes)
        return absl::InvalidArgumentError("hello.boot_id: missing or too long");
      session = Admit(hello.node(), hello.boot_id(), now);
      if (session == nullptr) return absl::ResourceExhaustedError("too many proxies");
      by_port_[port.get()] = session;
      session->OpenSync(port, hello);
      if (snapshot_ != nullptr && session->acknowledged() != snapshot_->version) SendSnapshot(*session);
      // Pool states come with the answer to the other hello, which says what the proxy has been through.
      break;
    }
    case v1::SyncUp::kAck:
      session->OnAck(up.ack());
      ++counters_.acknowledged;
      log_.Debug("proxy serves a snapshot",
                 {{"node", session->node()}, {"version", static_cast<int64_t>(up.ack().version())}});
      break;
    case v1::SyncUp::kNack:
      session->OnNack(up.nack());
      ++counters_.refused;
      log_.Warning("proxy refused a snapshot", {{"node", session->node()},
                                                {"version", static_cast<int64_t>(up.nack().version())},
                                                {"why", session->refusal()}});
      break;
    case v1::SyncUp::kUsage:
      session->OnUsage(up.usage());
      break;
    case v1::SyncUp::kGoodbye:
      log_.Info("proxy says goodbye", {{"node", session->node()}, {"boot_id", session->boot_id()}});
      // What it still reports on the other stream comes first.
      session->leaving = true;
      if (!session->attached()) broker_.Detach(session->holder(), /*gone=*/true, now);
      break;
    case v1::SyncUp::MESSAGE_NOT_SET:
      // A newer proxy may say what this control plane does not know.
      break;
  }
  Touch(*session);
  return absl::OkStatus();
}

void Registry::OnWritable(const PermitsPort* port) {
  if (SessionCore* session = SessionOf(port)) Touch(*session);
}

void Registry::OnWritable(const SyncPort* port) {
  if (SessionCore* session = SessionOf(port)) Touch(*session);
}

void Registry::OnEnd(const PermitsPort* port, const Now& now) {
  SessionCore* session = SessionOf(port);
  if (session == nullptr) return;
  by_port_.erase(port);
  if (!session->ClosePermits(port, now.mono)) return;
  broker_.Detach(session->holder(), session->leaving, now);
  log_.Info(
      "proxy detached",
      {{"node", session->node()}, {"boot_id", session->boot_id()}, {"proxies", static_cast<int64_t>(attached())}});
}

void Registry::OnEnd(const SyncPort* port, const Now&) {
  SessionCore* session = SessionOf(port);
  if (session == nullptr) return;
  by_port_.erase(port);
  session->CloseSync(port);
}

void Registry::SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now) {
  broker_.SetSnapshot(snapshot, now);
  snapshot_ = std::move(snapshot);
  bytes_ = nullptr;
  bytes_keyless_ = nullptr;
  for (auto& [boot, session] : sessions_) {
    if (session->has_sync()) SendSnapshot(*session);
  }
}

void Registry::SendSnapshot(SessionCore& session) {
  session.sync().AddSnapshot(BytesFor(session.sync_trusted()));
  ++counters_.snapshots_sent;
  Touch(session);
}

std::shared_ptr<const SnapshotBytes> Registry::BytesFor(bool trusted) {
  std::shared_ptr<const SnapshotBytes>& bytes = trusted ? bytes_ : bytes_keyless_;
  if (bytes == nullptr) {
    std::string text = trusted ? wire::SerializeSnapshot(*snapshot_) : wire::SerializeSnapshot(WithoutKeys(*snapshot_));
    bytes = std::make_shared<const SnapshotBytes>(SnapshotBytes{snapshot_->version, std::move(text)});
  }
  return bytes;
}

MonoTime Registry::EndTurn(const Now& now) {
  broker_.OnTimer(now);
  AnswerLate(now);
  const std::vector<PoolState> urgent = broker_.TakeUrgent(now);
  LogClosures(urgent, now);
  LogOutsideUse();
  std::vector<PoolState> routine;
  const bool routine_due = broker_.has_routine() && (broker_.has_prompt() || now.mono >= next_routine_);
  if (routine_due) {
    routine = broker_.TakeRoutine(now);
    next_routine_ = now.mono + kRoutineEvery;
  }
  if (!urgent.empty() || !routine.empty()) {
    for (auto& [boot, session] : sessions_) {
      if (session->attached()) session->permits().AddStates(urgent);
      if (session->has_sync()) session->sync().AddStates(routine);
      Touch(*session);
    }
  }
  for (SessionCore* session : std::exchange(touched_, {})) {
    session->touched = false;
    session->Flush(broker_.epoch());
  }
  if ((!urgent.empty() || routine_due) && broker_.has_memories()) remember_(broker_.TakeMemories(now));
  return std::min({broker_.NextDeadline(), broker_.has_routine() ? next_routine_ : MonoTime::Max(), next_opening_});
}

// Acquires that the broker held.
void Registry::AnswerLate(const Now& now) {
  std::vector<Broker::LateAnswer> answers = broker_.TakeLateAnswers();
  if (answers.empty()) return;
  absl::flat_hash_map<HolderId, SessionCore*> by_holder;
  for (auto& [boot, session] : sessions_) {
    if (session->attached()) by_holder[session->holder()] = session.get();
  }
  for (auto& [holder, answer] : answers) {
    const auto session = by_holder.find(holder);
    // Of a proxy that has gone what was granted goes back when its time is over.
    if (session == by_holder.end()) continue;
    session->second->permits().AddStates(broker_.NumbersFor(answer, now));
    session->second->permits().Add(std::move(answer));
    Touch(*session->second);
  }
}

void Registry::LogOutsideUse() {
  for (const Broker::OutsideNews& news : broker_.TakeOutsideNews()) {
    log_.Info("somebody else uses this key", {{"pool", std::string_view(news.pool)},
                                              {"unit", UnitName(news.view.limit.unit)},
                                              {"window_s", absl::ToDoubleSeconds(news.view.limit.window.length)},
                                              {"limit", news.view.limit.amount},
                                              {"outside", news.view.outside}});
  }
}

// Each closing and opening once: a closure that only grows longer is nothing new, and most end by themselves.
void Registry::LogClosures(const std::vector<PoolState>& states, const Now& now) {
  const auto opened = [this](PoolId pool, Closure reason) {
    log_.Info("pool reopened", {{"pool", std::string_view(broker_.KeyOf(pool))}, {"reason", ClosureName(reason)}});
  };
  for (const PoolState& state : states) {
    const auto known = closed_.find(state.pool);
    if (state.closure == Closure::kNone) {
      if (known == closed_.end()) continue;
      opened(state.pool, known->second.closure);
      closed_.erase(known);
      continue;
    }
    const bool is_new = known == closed_.end() || known->second.closure != state.closure;
    closed_[state.pool] = {state.closure, now.mono + state.closed_for};
    next_opening_ = std::min(next_opening_, now.mono + state.closed_for);
    if (!is_new) continue;
    log_.Info("pool closed", {{"pool", std::string_view(broker_.KeyOf(state.pool))},
                              {"reason", ClosureName(state.closure)},
                              {"seconds", absl::ToDoubleSeconds(state.closed_for)}});
  }
  if (now.mono < next_opening_) return;
  next_opening_ = MonoTime::Max();
  absl::erase_if(closed_, [&](const auto& item) {
    const auto& [pool, closed] = item;
    if (closed.until > now.mono) {
      next_opening_ = std::min(next_opening_, closed.until);
      return false;
    }
    opened(pool, closed.closure);
    return true;
  });
}

void Registry::EndStreams(const char* reason) {
  for (auto& [boot, session] : sessions_) session->EndStreams(reason);
}

void Registry::ForgetGone(const Now& now) {
  const auto gone = [&](const SessionCore& session) {
    return session.idle() && now.mono - session.changed_at() > kListedAfter;
  };
  std::erase_if(touched_, [&](const SessionCore* session) { return gone(*session); });
  absl::erase_if(sessions_, [&](const auto& item) { return gone(*item.second); });
}

std::vector<ProxyView> Registry::Proxies(const Now& now) const {
  std::vector<ProxyView> proxies;
  for (const auto& [boot, session] : sessions_) {
    if (session->idle() && now.mono - session->changed_at() > kListedAfter) continue;
    proxies.push_back({session->node(), boot, session->advertise(), session->software_version(),
                       session->acknowledged(), session->refusal(), session->attached(),
                       now.mono - session->changed_at()});
  }
  std::sort(proxies.begin(), proxies.end(), [](const ProxyView& a, const ProxyView& b) {
    return std::tie(a.node, a.boot_id) < std::tie(b.node, b.boot_id);
  });
  return proxies;
}

size_t Registry::attached() const {
  return static_cast<size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const auto& item) { return item.second->attached(); }));
}

std::vector<v1::TargetUsage> Registry::Usage() const {
  std::map<std::string, v1::TargetUsage> by_name;
  for (const auto& [boot, session] : sessions_) {
    for (const auto& [target, usage] : session->usage()) {
      v1::TargetUsage& sum = by_name[usage.name()];
      sum.set_name(usage.name());
      sum.set_attempts(sum.attempts() + usage.attempts());
      sum.set_ok(sum.ok() + usage.ok());
      sum.set_rate_limited(sum.rate_limited() + usage.rate_limited());
      sum.set_skipped(sum.skipped() + usage.skipped());
      sum.set_prompt_tokens(sum.prompt_tokens() + usage.prompt_tokens());
      sum.set_completion_tokens(sum.completion_tokens() + usage.completion_tokens());
    }
  }
  std::vector<v1::TargetUsage> usages;
  for (auto& [name, usage] : by_name) usages.push_back(std::move(usage));
  return usages;
}

}  // namespace chain429
