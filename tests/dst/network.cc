#include "tests/dst/network.h"

#include <algorithm>
#include <utility>

namespace chain429::dst {
namespace {

// A lost packet is sent again after this at first, then after twice as long each time.
constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Seconds(60);
constexpr absl::Duration kKeepaliveEvery = absl::Seconds(2);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(2);
constexpr size_t kSmall = 64;  // bytes of a packet without data worth mentioning

}  // namespace

void Road::Cut() {
  cut_ = true;
  Watch();
}

void Road::Watch() {
  for (const std::weak_ptr<Connection>& weak : connections_) {
    if (const auto connection = weak.lock()) connection->Watch();
  }
}

absl::Duration Road::Delay(Random& random) const {
  return std::max(absl::Microseconds(1),
                  Between(random, quality_.delay - quality_.jitter, quality_.delay + quality_.jitter));
}

void Road::Add(const std::shared_ptr<Connection>& connection) {
  std::erase_if(connections_, [](const std::weak_ptr<Connection>& weak) { return weak.expired(); });
  connections_.push_back(connection);
}

void Way::Send(size_t bytes, World::Act arrive) {
  waiting_bytes_ += bytes;
  queue_.push_back({bytes, std::move(arrive)});
  if (!retrying_) Transmit(owner_.lock());
}

void Way::Transmit(const std::shared_ptr<Connection>& keep) {
  if (keep == nullptr) return;
  while (!queue_.empty() && !stopped_) {
    if (road_.cut() || Chance(random_, road_.quality().loss)) {
      pause_ = retrying_ ? std::min(pause_ * 2, kLongestPause) : kFirstPause + road_.quality().delay * 2;
      retrying_ = true;
      world_.In(pause_, [this, keep] { Transmit(keep); });
      return;
    }
    retrying_ = false;
    Segment segment = std::move(queue_.front());
    queue_.pop_front();
    last_arrival_ = std::max(last_arrival_, world_.now() + road_.Delay(random_));
    world_.At(last_arrival_, [this, keep, bytes = segment.bytes, arrive = std::move(segment.arrive)] {
      waiting_bytes_ -= bytes;
      for (auto& [limit, act] : std::exchange(below_, {})) WhenBelow(limit, std::move(act));
      if (!stopped_) arrive();
    });
  }
}

void Way::WhenBelow(size_t bytes, World::Act act) {
  if (waiting_bytes_ < bytes) {
    act();
  } else {
    below_.emplace_back(bytes, std::move(act));
  }
}

std::shared_ptr<Connection> Connection::Make(Road& road, Node& client) {
  const std::shared_ptr<Connection> connection(new Connection(road, client));
  for (End& end : connection->ends_) {
    end.way = std::make_unique<Way>(connection->world_, road);
    end.way->owner_ = connection;
  }
  road.Add(connection);
  return connection;
}

Connection::Connection(Road& road, Node& client) : world_(client.world()), road_(road), random_(world_.Fork()) {
  ends_[kClient].node = &client;
  ends_[kClient].open = true;
}

void Connection::Open(std::function<Node*()> server, World::Act accept, World::Act opened) {
  way(kClient).Send(kSmall, [self = shared_from_this(), server = std::move(server), accept = std::move(accept),
                             opened = std::move(opened)] {
    Node* node = server();
    if (node == nullptr) {
      self->way(kServer).Send(kSmall, [self] { self->Break(kClient); });
      return;
    }
    End& end = self->ends_[kServer];
    end.node = node;
    end.open = true;
    node->Run([self, accept, opened] {
      if (!self->open(kServer)) return;
      accept();
      self->Send(kServer, kSmall, opened);
    });
    if (self->road_.troubled()) self->Watch();
  });
}

void Connection::Send(Side from, size_t bytes, World::Act deliver) {
  if (!ends_[from].open) return;
  way(from).Send(bytes, [self = shared_from_this(), to = Other(from), deliver = std::move(deliver)] {
    self->Arrive(to, deliver);
  });
}

void Connection::Arrive(Side to, const World::Act& deliver) {
  End& end = ends_[to];
  if (end.vanished) return;
  if (!end.open) {
    const Side from = Other(to);
    way(to).Send(kSmall, [self = shared_from_this(), from] { self->Break(from); });
    return;
  }
  end.node->Run([self = shared_from_this(), to, deliver] {
    if (self->ends_[to].open) deliver();
  });
}

void Connection::Close(Side side) {
  if (!std::exchange(ends_[side].open, false)) return;
  way(side).Send(kSmall, [self = shared_from_this(), other = Other(side)] { self->Break(other); });
}

void Connection::Reset() {
  for (const Side side : {kClient, kServer}) {
    way(side).Stop();
    world_.In(kKeepaliveTimeout * 2 * random_.Uniform(), [self = shared_from_this(), side] { self->Break(side); });
  }
}

void Connection::Vanish(Side side) {
  ends_[side].open = false;
  ends_[side].vanished = true;
  way(side).Stop();
  Watch();
}

// What has arrived before is read first.
void Connection::Break(Side side) {
  End& end = ends_[side];
  if (!end.open || end.node == nullptr) return;
  end.node->Run([self = shared_from_this(), side] {
    End& broken = self->ends_[side];
    if (!std::exchange(broken.open, false)) return;
    if (broken.broken) broken.broken();
  });
}

bool Connection::Troubled(Side side) const {
  const End& peer = ends_[Other(side)];
  return road_.troubled() || peer.vanished || peer.node == nullptr || peer.node->stopped();
}

void Connection::Watch() {
  for (const Side side : {kClient, kServer}) {
    if (!ends_[side].open || std::exchange(ends_[side].watching, true)) continue;
    WatchIn(side, kKeepaliveEvery * random_.Uniform());
  }
}

void Connection::WatchIn(Side side, absl::Duration wait) {
  ends_[side].node->PostIn(wait, [self = shared_from_this(), side] { self->Ping(side); });
}

void Connection::Ping(Side side) {
  End& end = ends_[side];
  if (!end.open) return;
  end.acknowledged = false;
  Send(side, kSmall, [self = shared_from_this(), side] {
    self->Send(Other(side), kSmall, [self, side] { self->ends_[side].acknowledged = true; });
  });
  end.node->PostIn(kKeepaliveTimeout, [self = shared_from_this(), side] {
    End& asking = self->ends_[side];
    if (!asking.open) return;
    if (!asking.acknowledged) {
      self->Close(side);
      if (asking.broken) asking.broken();
    } else if (self->Troubled(side)) {
      self->WatchIn(side, kKeepaliveEvery);
    } else {
      asking.watching = false;
    }
  });
}

}  // namespace chain429::dst
