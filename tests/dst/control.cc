#include "tests/dst/control.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain429/v1/fleet.pb.h"
#include "common/wire/fleet_wire.h"

namespace chain429::dst {
namespace {

constexpr absl::Duration kShortestWake = absl::Microseconds(5);
constexpr absl::Duration kLongestWake = absl::Microseconds(60);
constexpr absl::Duration kStoreTime = absl::Milliseconds(5);
constexpr absl::Duration kLatestRepeat = absl::Seconds(10);

}  // namespace

class Control::NodeClock final : public Clock {
 public:
  explicit NodeClock(const Node& node) : node_(node) {}
  Now Read() const override { return node_.Read(); }

 private:
  const Node& node_;
};

// The sending side of one of a proxy's streams.
template <typename Message>
class Control::Port final : public DownPort<Message> {
 public:
  using Deliver = std::function<void(const Message&)>;
  Port(Control& control, const std::shared_ptr<Connection>& connection, Deliver deliver)
      : control_(control),
        connection_(connection),
        writer_(connection, Connection::kServer, control),
        deliver_(std::move(deliver)) {}

  bool Ready() override {
    if (!connection_->open(Connection::kServer)) return false;
    if (writer_.writing()) waited_for_ = true;
    return !writer_.writing();
  }
  void Write(Message message) override {
    writer_.Write(std::move(message), deliver_, [this] {
      if (std::exchange(waited_for_, false)) {
        control_.Do([this](const Now&) { control_.registry_.OnWritable(this); });
      }
    });
  }
  void End(const char* /*reason*/) override { connection_->Close(Connection::kServer); }
  bool trusted() const override { return true; }

 private:
  Control& control_;
  const std::shared_ptr<Connection> connection_;
  Writer<Message> writer_;
  const Deliver deliver_;
  bool waited_for_ = false;
};

class Control::Session final : public UpSink {
 public:
  Session(Control& control, const std::shared_ptr<Streams>& streams)
      : control_(control),
        streams_(streams),
        random_(control.world().Fork()),
        permits_(std::make_shared<Port<v1::PermitsDown>>(control, streams->connection,
                                                         [client = streams->client](const v1::PermitsDown& down) {
                                                           if (const auto sink = client.lock()) sink->OnPermits(down);
                                                         })),
        sync_(std::make_shared<Port<v1::SyncDown>>(control, streams->connection,
                                                   [client = streams->client](const v1::SyncDown& down) {
                                                     if (const auto sink = client.lock()) sink->OnSync(down);
                                                   })) {}

  void OnPermits(const v1::PermitsUp& message) override {
    absl::StatusOr<wire::PermitsUp> up = wire::Decode(message);
    if (!up.ok()) return Refuse(up.status());
    if (!up->settlements.empty() && Chance(random_, control_.options_.repeated)) Repeat(*up);
    Take(*std::move(up));
  }
  void OnSync(const v1::SyncUp& message) override {
    control_.Do([this, up = message](const Now& now) {
      const absl::Status status = control_.registry_.OnSync(sync_, up, now);
      if (!status.ok()) Refuse(status);
    });
  }
  void OnBroken() {
    control_.Do([this](const Now& now) {
      control_.registry_.OnEnd(permits_.get(), now);
      control_.registry_.OnEnd(sync_.get(), now);
    });
  }
  Connection& connection() { return *streams_->connection; }

 private:
  void Take(wire::PermitsUp up) {
    control_.Do([this, up = std::move(up)](const Now& now) {
      const absl::Status status = control_.registry_.OnPermits(permits_, up, now);
      if (!status.ok()) Refuse(status);
    });
  }
  // The same settlements once more, grown older on their way.
  void Repeat(const wire::PermitsUp& up) {
    wire::PermitsUp again;
    again.settlements = up.settlements;
    const absl::Duration late = Between(random_, absl::ZeroDuration(), kLatestRepeat);
    for (Settlement& settlement : again.settlements) settlement.sent_age += late;
    control_.PostIn(late, [this, again] {
      if (connection().open(Connection::kServer)) Take(again);
    });
  }
  void Refuse(const absl::Status& status) {
    control_.world().Fail(absl::StrCat("the control plane refused a proxy's message: ", status.message()));
    connection().Close(Connection::kServer);
  }

  Control& control_;
  const std::shared_ptr<Streams> streams_;
  Random random_;
  const std::shared_ptr<Port<v1::PermitsDown>> permits_;
  const std::shared_ptr<Port<v1::SyncDown>> sync_;
};

Control::Control(World& world, const Options& options, Store& store, const Observers& observers)
    : Node(world, options.error),
      options_(options),
      store_(store),
      observers_(observers),
      random_(world.Fork()),
      clock_(std::make_unique<NodeClock>(*this)),
      log_(*clock_, "control", LogLevel::kError, LogFormat::kText),
      broker_(Epoch(static_cast<uint64_t>(absl::ToUnixMillis(Read().wall))), random_.Next()),
      registry_(broker_, log_, [this](std::vector<PoolMemory> memories) { Remember(std::move(memories)); }),
      deadline_(*this) {
  absl::StatusOr<std::vector<PoolMemory>> memories = store_.LoadPools();
  CHAIN429_CHECK(memories.ok());
  broker_.Recall(*std::move(memories));
  for (Observer* observer : observers_) observer->OnBoot(*this);
}

void Control::Serve(std::shared_ptr<const Snapshot> snapshot) {
  Do([this, snapshot = std::move(snapshot)](const Now& now) { registry_.SetSnapshot(snapshot, now); });
}

void Control::Accept(const std::shared_ptr<Streams>& streams) {
  const auto session = std::make_shared<Session>(*this, streams);
  streams->server = session;
  sessions_.push_back(session);
  streams->connection->set_broken(Connection::kServer, [session = session.get()] { session->OnBroken(); });
}

void Control::Kill() {
  Node::Kill();
  for (const std::shared_ptr<Session>& session : sessions_) session->connection().Close(Connection::kServer);
}

void Control::Do(Work work) {
  posted_.push_back(std::move(work));
  if (posted_.size() == 1) PostIn(Between(random_, kShortestWake, kLongestWake), [this] { Turn(); });
}

void Control::Turn() {
  const Now now = Read();
  for (Work& work : std::exchange(posted_, {})) work(now);
  const MonoTime next = registry_.EndTurn(now);
  if (next == MonoTime::Max()) {
    deadline_.Clear();
  } else {
    deadline_.Set(next, [this] { Turn(); });
  }
  for (Observer* observer : observers_) observer->OnControlTurn(*this);
}

// The store has a thread of its own; what it has not written yet when the process ends is lost.
void Control::Remember(std::vector<PoolMemory> memories) {
  PostIn(kStoreTime, [this, memories = std::move(memories)] { CHAIN429_CHECK(store_.SavePools(memories).ok()); });
}

}  // namespace chain429::dst
