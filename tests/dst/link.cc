#include "tests/dst/link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "chain429/v1/fleet.pb.h"

namespace chain429::dst {
namespace {

// As in GrpcLink::Options.
constexpr absl::Duration kAttachTimeout = absl::Seconds(3);
constexpr absl::Duration kUsageEvery = absl::Seconds(5);
// The link's thread wakes up.
constexpr absl::Duration kShortestWake = absl::Microseconds(5);
constexpr absl::Duration kLongestWake = absl::Microseconds(60);

}  // namespace

// One try at one control plane: a connection and both streams.
class SimulatedLink::Attachment final : public DownSink, public std::enable_shared_from_this<Attachment> {
 public:
  Attachment(SimulatedLink& link, std::shared_ptr<Streams> streams)
      : link_(link),
        streams_(std::move(streams)),
        permits_(streams_->connection, Connection::kClient, link.host_),
        sync_(streams_->connection, Connection::kClient, link.host_) {}

  void Begin(v1::PermitsUp permits_hello, v1::SyncUp sync_hello) {
    permits_.Write(std::move(permits_hello), DeliverPermits(), [self = shared_from_this()] { self->OnHelloWritten(); });
    sync_.Write(std::move(sync_hello), DeliverSync(), [self = shared_from_this()] { self->OnHelloWritten(); });
  }
  bool can_write_permits() const { return attached_ && permits_.can_write(); }
  bool can_write_sync() const { return attached_ && sync_.can_write(); }
  void Write(v1::PermitsUp message) {
    permits_.Write(std::move(message), DeliverPermits(), [self = shared_from_this()] { self->OnWritten(); });
  }
  void Write(v1::SyncUp message) {
    sync_.Write(std::move(message), DeliverSync(), [self = shared_from_this()] { self->OnWritten(); });
  }
  Connection& connection() { return *streams_->connection; }
  const std::shared_ptr<Connection>& shared_connection() const { return streams_->connection; }

  void OnPermits(const v1::PermitsDown& down) override {
    link_.Do([self = shared_from_this(), down] {
      if (self->IsPresent()) self->link_.OnMessage(self->link_.core_.OnPermits(down, self->link_.now_));
    });
  }
  void OnSync(const v1::SyncDown& down) override {
    link_.Do([self = shared_from_this(), down] {
      if (self->IsPresent()) self->link_.OnMessage(self->link_.core_.OnSync(down, self->link_.now_));
    });
  }
  void OnBroken() {
    link_.Do([self = shared_from_this()] {
      if (self->IsPresent()) self->link_.Lose();
    });
  }

 private:
  bool IsPresent() const { return link_.attachment_.get() == this; }
  Writer<v1::PermitsUp>::Deliver DeliverPermits() {
    return [streams = streams_](const v1::PermitsUp& up) {
      if (const auto server = streams->server.lock()) server->OnPermits(up);
    };
  }
  Writer<v1::SyncUp>::Deliver DeliverSync() {
    return [streams = streams_](const v1::SyncUp& up) {
      if (const auto server = streams->server.lock()) server->OnSync(up);
    };
  }
  void OnHelloWritten() {
    if (++hellos_written_ < 2) return;
    link_.Do([self = shared_from_this()] {
      if (!self->IsPresent()) return;
      self->attached_ = true;
      self->link_.OnAttached();
    });
  }
  void OnWritten() {
    link_.Do([] {});
  }

  SimulatedLink& link_;
  const std::shared_ptr<Streams> streams_;
  Writer<v1::PermitsUp> permits_;
  Writer<v1::SyncUp> sync_;
  int hellos_written_ = 0;
  bool attached_ = false;
};

SimulatedLink::SimulatedLink(Node& host, Options options)
    : host_(host),
      options_(std::move(options)),
      random_(host.world().Fork()),
      core_({.node = options_.node,
             .boot_id = options_.boot_id,
             .advertise = {},
             .software_version = {},
             .workers = static_cast<uint32_t>(options_.workers.size()),
             .resolve = nullptr}),
      timer_(host) {}

SimulatedLink::~SimulatedLink() = default;

void SimulatedLink::Start() {
  next_usage_ = host_.mono() + kUsageEvery;
  Do([] {});
}

void SimulatedLink::Stop() {
  Do([this] {
    stopping_ = true;
    next_try_ = MonoTime::Max();
    if (attachment_ != nullptr && !core_.attached()) Lose();
  });
}

std::shared_ptr<Connection> SimulatedLink::connection() const {
  return attachment_ == nullptr ? nullptr : attachment_->shared_connection();
}

void SimulatedLink::Submit(uint32_t worker, WorkerMail mail) {
  if (mail.empty()) return;
  mails_.emplace_back(worker, std::move(mail));
  Do(nullptr);
}

void SimulatedLink::Do(World::Act act) {
  if (act) events_.push_back(std::move(act));
  if (std::exchange(turn_due_, true)) return;
  host_.PostIn(Between(random_, kShortestWake, kLongestWake), [this] { Turn(); });
}

void SimulatedLink::Turn() {
  turn_due_ = false;
  now_ = host_.mono();
  for (auto& [worker, mail] : std::exchange(mails_, {})) core_.OnWorkerMail(worker, std::move(mail), now_);
  for (World::Act& event : std::exchange(events_, {})) event();
  OnTime();
  Pump();
  SetTimer();
  options_.turned();
}

void SimulatedLink::SetTimer() {
  MonoTime next = std::min(next_try_, attach_deadline_);
  if (attachment_ != nullptr) next = std::min(next, next_usage_);
  if (next == timer_at_) return;
  timer_at_ = next;
  timer_.Set(next, [this] {
    timer_at_ = MonoTime::Max();
    Turn();
  });
}

void SimulatedLink::OnTime() {
  if (now_ >= next_try_) Try();
  if (now_ >= attach_deadline_) Lose();
  if (now_ >= next_usage_) {
    core_.ReportUsage();
    next_usage_ = now_ + kUsageEvery;
  }
}

void SimulatedLink::Pump() {
  for (LinkCore::Delivery& delivery : core_.TakeDeliveries()) {
    if (!stopping_) options_.workers[delivery.worker]->Deliver(std::move(delivery.mail));
  }
  if (attachment_ == nullptr) return;
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

void SimulatedLink::Try() {
  next_try_ = MonoTime::Max();
  attach_deadline_ = now_ + kAttachTimeout;
  v1::PermitsUp permits_hello;
  v1::SyncUp sync_hello;
  core_.FillPermitsHello(&permits_hello, now_);
  core_.FillSyncHello(&sync_hello);
  const auto streams = std::make_shared<Streams>();
  streams->connection = Connection::Make(options_.road, host_);
  attachment_ = std::make_shared<Attachment>(*this, streams);
  streams->client = attachment_;
  options_.open(
      streams, [attachment = attachment_, permits_hello, sync_hello] { attachment->Begin(permits_hello, sync_hello); });
  streams->connection->set_broken(Connection::kClient, [attachment = std::weak_ptr<Attachment>(attachment_)] {
    if (const auto broken = attachment.lock()) broken->OnBroken();
  });
}

void SimulatedLink::OnAttached() {
  attach_deadline_ = MonoTime::Max();
  core_.OnAttached(now_);
}

void SimulatedLink::OnMessage(const absl::Status& status) {
  backoff_.Reset();
  // An earlier leader's word may still come; what cannot be read must not.
  if (!status.ok() && !absl::IsFailedPrecondition(status))
    host_.world().Fail(absl::StrCat("a proxy ignored a message of the control plane: ", status.message()));
}

void SimulatedLink::Lose() {
  if (attachment_ == nullptr) return;
  attach_deadline_ = MonoTime::Max();
  core_.OnDetached();
  attachment_->connection().Close(Connection::kClient);
  attachment_ = nullptr;
  if (!stopping_) next_try_ = now_ + backoff_.Next(random_);
}

void SimulatedLink::SayGoodbye() {
  if (!attachment_->can_write_permits() || !attachment_->can_write_sync()) return;
  if (std::exchange(said_goodbye_, true)) {
    attachment_->connection().Close(Connection::kClient);
    return;
  }
  v1::SyncUp goodbye;
  goodbye.mutable_goodbye()->set_reason("stopping");
  attachment_->Write(std::move(goodbye));
}

}  // namespace chain429::dst
