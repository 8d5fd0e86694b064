#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "tests/dst/network.h"
#include "tests/dst/node.h"

namespace chain429::v1 {
class PermitsDown;
class PermitsUp;
class SyncDown;
class SyncUp;
}  // namespace chain429::v1

namespace chain429::dst {

// Where the control plane's messages go to, and those of the proxy.
class DownSink {
 public:
  virtual ~DownSink() = default;
  virtual void OnPermits(const v1::PermitsDown& down) = 0;
  virtual void OnSync(const v1::SyncDown& down) = 0;
};
class UpSink {
 public:
  virtual ~UpSink() = default;
  virtual void OnPermits(const v1::PermitsUp& up) = 0;
  virtual void OnSync(const v1::SyncUp& up) = 0;
};

// Both streams of an attachment, which share a connection. Each side keeps its own sink.
struct Streams {
  std::shared_ptr<Connection> connection;
  std::weak_ptr<DownSink> client;
  std::weak_ptr<UpSink> server;
};

// The writing side of one stream, as gRPC has it: one message under way; it counts as written when the transport has
// taken it, which a full window puts off.
template <typename Message>
class Writer {
 public:
  using Deliver = std::function<void(const Message&)>;

  Writer(std::shared_ptr<Connection> connection, Connection::Side side, Node& node)
      : connection_(std::move(connection)), side_(side), node_(node) {}

  bool writing() const { return *writing_; }
  bool can_write() const { return connection_->open(side_) && !*writing_; }
  // REQUIRES: can_write().
  void Write(Message message, Deliver deliver, std::function<void()> written) {
    *writing_ = true;
    const size_t bytes = message.ByteSizeLong() + kFraming;
    connection_->Send(side_, bytes,
                      [message = std::make_shared<const Message>(std::move(message)), deliver = std::move(deliver)] {
                        deliver(*message);
                      });
    World::Act done = [&node = node_, connection = connection_, side = side_, writing = writing_,
                       written = std::move(written)] {
      node.PostIn(kTransportTime, [connection, side, writing, written] {
        *writing = false;
        if (connection->open(side)) written();
      });
    };
    connection_->way(side_).WhenBelow(kWindow, std::move(done));
  }

 private:
  static constexpr size_t kFraming = 50;
  static constexpr size_t kWindow = 65535;
  static constexpr absl::Duration kTransportTime = absl::Microseconds(10);

  const std::shared_ptr<Connection> connection_;
  const Connection::Side side_;
  Node& node_;
  const std::shared_ptr<bool> writing_ = std::make_shared<bool>(false);
};

}  // namespace chain429::dst
