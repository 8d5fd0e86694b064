#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "controlplane/fleet/down_port.h"

namespace chain429 {

// Keys may go to this peer: same host, or it showed a certificate of the fleet's.
bool IsTrustedPeer(const grpc::CallbackServerContext& context);

// One bidirectional stream of gRPC's callback API. gRPC's threads only hand over what they read; everything else is
// asked for by the fleet's thread. Keeps itself alive until gRPC is done with it; whoever else holds it may go on
// calling it after its end.
template <typename Up, typename Down>
class ServerStream final : public grpc::ServerBidiReactor<Up, Down>, public DownPort<Down> {
 public:
  struct Handlers {
    // From gRPC's threads, one at a time and in order. `done` is to be called once the message is dealt with: reading
    // goes on up to some messages ahead, so that a proxy cannot fill our memory.
    std::function<void(std::shared_ptr<ServerStream>, Up, std::function<void()> done)> read;
    std::function<void(std::shared_ptr<ServerStream>)> writable;
    // Once, and the last.
    std::function<void(std::shared_ptr<ServerStream>)> ended;
  };

  static ServerStream* Begin(const grpc::CallbackServerContext& context, Handlers handlers) {
    const auto stream = std::shared_ptr<ServerStream>(new ServerStream(context, std::move(handlers)));
    stream->self_ = stream;
    stream->StartRead(&stream->incoming_);
    return stream.get();
  }

  // ---- DownPort ----
  bool Ready() override {
    const std::lock_guard lock(mutex_);
    if (finished_ || ending_) return false;
    if (writing_) waited_for_ = true;
    return !writing_;
  }
  void Write(Down message) override {
    const std::lock_guard lock(mutex_);
    if (finished_ || ending_ || writing_) return;
    outgoing_ = std::move(message);
    writing_ = true;
    this->StartWrite(&outgoing_);
  }
  void End(const char* reason) override { EndWith(grpc::Status(grpc::StatusCode::UNAVAILABLE, reason)); }
  bool trusted() const override { return trusted_; }

  void EndWith(grpc::Status status) {
    const std::lock_guard lock(mutex_);
    if (finished_ || ending_) return;
    ending_ = true;
    status_ = std::move(status);
    FinishIfIdle();
  }

 private:
  static constexpr int kReadAhead = 16;

  ServerStream(const grpc::CallbackServerContext& context, Handlers handlers)
      : handlers_(std::move(handlers)), trusted_(IsTrustedPeer(context)) {}

  void OnReadDone(bool ok) override {
    if (!ok) {
      EndWith(grpc::Status::OK);
      return;
    }
    Up message;
    message.Swap(&incoming_);
    {
      const std::lock_guard lock(mutex_);
      ++unread_;
    }
    handlers_.read(self(), std::move(message), [stream = self()] { stream->OnDealtWith(); });
    const std::lock_guard lock(mutex_);
    reading_ = false;
    ReadOn();
  }

  // On the fleet's thread.
  void OnDealtWith() {
    const std::lock_guard lock(mutex_);
    --unread_;
    ReadOn();
  }

  // REQUIRES: mutex_ is held.
  void ReadOn() {
    if (reading_ || unread_ >= kReadAhead || ending_) return;
    reading_ = true;
    this->StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    bool tell = false;
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      tell = std::exchange(waited_for_, false) && ok && !ending_;
      FinishIfIdle();
    }
    if (tell) handlers_.writable(self());
    if (!ok) EndWith(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke"));
  }

  void OnCancel() override { EndWith(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled")); }

  void OnDone() override {
    handlers_.ended(self());
    std::shared_ptr<ServerStream> last;
    const std::lock_guard lock(done_mutex_);
    last.swap(self_);
  }

  // REQUIRES: mutex_ is held. The status goes behind a write that is under way.
  void FinishIfIdle() {
    if (!ending_ || finished_ || writing_) return;
    finished_ = true;
    this->Finish(status_);
  }

  std::shared_ptr<ServerStream> self() {
    const std::lock_guard lock(done_mutex_);
    return self_;
  }

  const Handlers handlers_;
  const bool trusted_;
  std::mutex done_mutex_;
  std::shared_ptr<ServerStream> self_;  // until OnDone
  Up incoming_;
  std::mutex mutex_;
  Down outgoing_;
  grpc::Status status_;
  int unread_ = 0;  // handed over and not dealt with
  bool reading_ = true;  // a read is under way, or its message is being handed over
  bool writing_ = false;
  bool waited_for_ = false;
  bool ending_ = false;
  bool finished_ = false;
};

}  // namespace chain429
