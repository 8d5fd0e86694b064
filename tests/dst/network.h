#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/dst/node.h"
#include "tests/dst/world.h"

namespace chain429::dst {

class Connection;

// How packets travel between two hosts, the same both ways.
struct Quality {
  absl::Duration delay = absl::Microseconds(200);
  absl::Duration jitter = absl::Microseconds(100);  // up to so much more, or less
  double loss = 0;                                  // share of the packets
};

// The network between two hosts. While it is cut nothing arrives, and nobody is told.
class Road {
 public:
  explicit Road(const Quality& quality) : quality_(quality) {}
  const Quality& quality() const { return quality_; }
  bool cut() const { return cut_; }
  void Cut();
  void Mend() { cut_ = false; }
  // Its connections look for signs of life from now on, as they always do: it is only now that it matters.
  void Watch();
  bool troubled() const { return cut_ || quality_.loss > 0; }
  absl::Duration Delay(Random& random) const;
  void Add(const std::shared_ptr<Connection>& connection);

 private:
  const Quality quality_;
  bool cut_ = false;
  std::vector<std::weak_ptr<Connection>> connections_;
};

// One direction of a TCP connection: it keeps the order; what is lost is sent again after a pause that grows, and
// everything behind it waits.
class Way {
 public:
  Way(World& world, const Road& road) : world_(world), road_(road), random_(world.Fork()) {}
  void Send(size_t bytes, World::Act arrive);
  size_t waiting_bytes() const { return waiting_bytes_; }
  // Once fewer than `bytes` wait.
  void WhenBelow(size_t bytes, World::Act act);
  // Nothing of it arrives any more.
  void Stop() { stopped_ = true; }

 private:
  struct Segment {
    size_t bytes = 0;
    World::Act arrive;
  };
  void Transmit(const std::shared_ptr<Connection>& keep);
  friend class Connection;

  World& world_;
  const Road& road_;
  Random random_;
  std::deque<Segment> queue_;
  size_t waiting_bytes_ = 0;
  bool retrying_ = false;
  absl::Duration pause_;
  MonoTime last_arrival_;
  bool stopped_ = false;
  std::vector<std::pair<size_t, World::Act>> below_;
  std::weak_ptr<Connection> owner_;
};

// A TCP connection with gRPC's keep-alive on it: each side asks for a sign of life every 2 s and gives up after another
// 2 s without any. Data that arrives where nobody listens is answered with a reset, as by a kernel.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  enum Side : size_t { kClient = 0, kServer = 1 };

  static std::shared_ptr<Connection> Make(Road& road, Node& client);

  // Asks for the connection. `server` is asked when the wish arrives; null: nobody listens, and the client is told that
  // it is broken. Then `accept` happens in the server's process, and `opened` in the client's.
  void Open(std::function<Node*()> server, World::Act accept, World::Act opened);
  void set_broken(Side side, World::Act act) { ends_[side].broken = std::move(act); }

  // `deliver` happens within the other side's process, if that has not closed before.
  void Send(Side from, size_t bytes, World::Act deliver);
  // What was sent before arrives; then the other side is told.
  void Close(Side side);
  // Something between the hosts breaks it: both are told, each at its time; what is under way is lost.
  void Reset();
  // The host is gone without a word.
  void Vanish(Side side);
  bool open(Side side) const { return ends_[side].open; }
  Way& way(Side from) { return *ends_[from].way; }

  // Something is wrong from now on: both sides begin to look for signs of life.
  void Watch();

 private:
  struct End {
    Node* node = nullptr;
    std::unique_ptr<Way> way;  // from here
    World::Act broken;
    bool open = false;
    bool vanished = false;
    bool watching = false;
    bool acknowledged = false;
  };
  Connection(Road& road, Node& client);
  static Side Other(Side side) { return side == kClient ? kServer : kClient; }
  void Arrive(Side to, const World::Act& deliver);
  void Break(Side side);
  void WatchIn(Side side, absl::Duration wait);
  void Ping(Side side);
  bool Troubled(Side side) const;

  World& world_;
  Road& road_;
  Random random_;
  std::array<End, 2> ends_;
};

}  // namespace chain429::dst
