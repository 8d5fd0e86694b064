#pragma once

#include <functional>
#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "chain429/v1/fleet.grpc.pb.h"
#include "dataplane/link/stream.h"

namespace chain429 {

// One try at one control plane: a channel and both streams, from the hellos until both have ended. Belongs to the
// link's thread, as do all handlers but `post`.
class Attachment {
 public:
  struct Handlers {
    std::function<void(std::function<void()>)> post;
    std::function<void(const v1::PermitsDown&)> permits;
    std::function<void(const v1::SyncDown&)> sync;
    std::function<void()> attached;                 // both hellos are on their way over a connection that works
    std::function<void(std::string reason)> lost;   // once, unless Abandon was called before
    std::function<void(const Attachment*)> gone;    // the last call: it may be deleted, though not from within
  };

  Attachment(std::shared_ptr<grpc::Channel> channel, std::string address, Handlers handlers);

  void Begin(v1::PermitsUp permits_hello, v1::SyncUp sync_hello);
  bool can_write_permits() const { return attached_ && permits_.can_write(); }
  bool can_write_sync() const { return attached_ && sync_.can_write(); }
  void Write(v1::PermitsUp message) { permits_.Write(std::move(message)); }
  void Write(v1::SyncUp message) { sync_.Write(std::move(message)); }
  // Nothing more will be written; `gone` follows when the server has ended both streams too. REQUIRES: both can be
  // written to.
  void HalfClose();
  // `gone` follows soon, and nothing else.
  void Abandon();

  const std::string& address() const { return address_; }

 private:
  template <typename Up, typename Down>
  typename Stream<Up, Down>::Handlers HandlersFor(Stream<Up, Down>* stream, bool* hello_written,
                                                  std::function<void(const Down&)> read);
  void OnWritten(bool* hello_written);
  void OnDone(const grpc::Status& status);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string address_;
  const Handlers handlers_;
  const std::unique_ptr<v1::Fleet::Stub> stub_;
  bool abandoned_ = false;
  bool attached_ = false;
  bool half_closed_ = false;
  bool permits_hello_written_ = false;
  bool sync_hello_written_ = false;
  int streams_open_ = 2;
  Stream<v1::PermitsUp, v1::PermitsDown> permits_;
  Stream<v1::SyncUp, v1::SyncDown> sync_;
};

}  // namespace chain429
