#pragma once

#include <functional>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

namespace chain429 {

// The client's side of one bidirectional stream. gRPC's threads call the reactions, which only post; all else, and
// everything that is posted, runs on the link's thread. It must live until `done` was called, after which nothing is
// posted any more.
template <typename Up, typename Down>
class Stream final : public grpc::ClientBidiReactor<Up, Down> {
 public:
  struct Handlers {
    std::function<void(std::function<void()>)> post;  // any thread
    std::function<void(const Down&)> read;
    std::function<void()> written;
    std::function<void()> broken;  // no more reads or writes succeed; may come twice
    std::function<void(const grpc::Status&)> done;
  };
  explicit Stream(Handlers handlers) : handlers_(std::move(handlers)) {}

  grpc::ClientContext* context() { return &context_; }
  // REQUIRES: bound to a call. Sends `first` as the first message.
  void Begin(Up first) {
    // The link's thread starts reads and writes outside of reactions; the hold keeps the stream until End.
    this->AddHold();
    held_ = true;
    this->StartRead(&in_);
    Write(std::move(first));
    this->StartCall();
  }
  bool can_write() const { return held_ && !writing_ && !broken_; }
  // REQUIRES: can_write().
  void Write(Up message) {
    out_ = std::move(message);
    writing_ = true;
    this->StartWrite(&out_);
  }
  // REQUIRES: can_write(), and no Write afterwards.
  void HalfClose() {
    writing_ = true;
    this->StartWritesDone();
  }
  // `done` follows soon. `cancel` false: when the server has ended the stream too.
  void End(bool cancel) {
    if (cancel) context_.TryCancel();
    if (!std::exchange(held_, false)) return;
    this->RemoveHold();
  }

 private:
  void OnReadDone(bool ok) override {
    handlers_.post([this, ok] {
      if (!ok) return Break();
      handlers_.read(in_);
      in_.Clear();
      if (held_) this->StartRead(&in_);
    });
  }
  void OnWriteDone(bool ok) override {
    handlers_.post([this, ok] {
      writing_ = false;
      if (!ok) return Break();
      handlers_.written();
    });
  }
  void OnWritesDoneDone(bool) override {}
  void OnDone(const grpc::Status& status) override {
    handlers_.post([this, status] { handlers_.done(status); });
  }
  void Break() {
    broken_ = true;
    handlers_.broken();
  }

  const Handlers handlers_;
  grpc::ClientContext context_;
  Up out_;
  Down in_;
  bool held_ = false;
  bool writing_ = false;
  bool broken_ = false;
};

}  // namespace chain429
