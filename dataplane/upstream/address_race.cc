#include "dataplane/upstream/address_race.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "dataplane/upstream/outbound_tunnel.h"

namespace chain429 {

// One address being tried. Outlives the race when another one wins.
struct AddressRace::Lane {
  AddressRace* race;  // null: over
  UpstreamHost* host;
  const TlsClientContext* tls;
  boost::asio::ip::tcp::endpoint address;
  ConnectionPtr connection;
};

AddressRace::AddressRace(const Context& context, UpstreamHost* host, Addresses addresses, MonoTime until)
    : context_(context), host_(host), addresses_(std::move(addresses)), until_(until) {}

AddressRace::~AddressRace() {
  for (const LanePtr& lane : lanes_) lane->race = nullptr;
}

void AddressRace::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  Begin();
}

void AddressRace::Begin() {
  auto lane = std::make_shared<Lane>();
  lane->race = this;
  lane->host = host_;
  lane->tls = context_.tls;
  lane->address = addresses_[begun_++];
  lane->connection = ConnectionPtr(new Connection(Socket(context_.io.get_executor())));
  lanes_.push_back(lane);
  const MonoTime next = context_.clock.Read().mono + kHeadStart;
  context_.deadlines.Set(*this, begun_ < addresses_.size() ? std::min(until_, next) : until_);
  Run(std::move(lane));
}

Detached AddressRace::Run(LanePtr lane) {
  const Endpoint& endpoint = lane->host->endpoint();
  Connection& connection = *lane->connection;
  ConnectFailure stage = ConnectFailure::kTcp;
  std::string error = co_await connection.Connect(lane->address);
  if (error.empty() && endpoint.tls && lane->host->proxy() != nullptr) {
    stage = ConnectFailure::kProxy;
    Task<std::string> opening = OpenTunnel(lane->connection, lane->host->proxy(), lane->host->authority());
    error = co_await opening;
  } else if (!error.empty() && lane->host->proxy() != nullptr) {
    stage = ConnectFailure::kProxy;
    error = "the proxy " + lane->host->proxy()->name + " cannot be reached: " + error;
  }
  if (error.empty() && endpoint.tls) {
    stage = ConnectFailure::kTls;
    error = co_await connection.StartTls(lane->tls, endpoint.host, &lane->host->tls_sessions());
  }
  if (error.empty() && connection.aborted()) error = "connecting was given up";
  if (lane->race != nullptr) {
    lane->race->OnLane(*lane, std::move(error), stage);
  } else {
    connection.Abort();
  }
}

void AddressRace::OnLane(Lane& lane, std::string error, ConnectFailure stage) {
  const LanePtr keep = *std::find_if(lanes_.begin(), lanes_.end(), [&](const LanePtr& l) { return l.get() == &lane; });
  std::erase(lanes_, keep);
  lane.race = nullptr;
  if (error.empty()) {
    if (host_->endpoint().tls) context_.counters.tls_handshakes[lane.connection->tls_resumed() ? 1 : 0].Add();
    host_->set_served_last(lane.address);
    Finish(std::move(lane.connection));
    return;
  }
  lane.connection->Abort();
  error_ = std::move(error);
  failure_ = stage;
  if (begun_ < addresses_.size()) {
    Begin();
  } else if (lanes_.empty()) {
    Finish(nullptr);
  }
}

void AddressRace::OnDeadline() {
  if (begun_ < addresses_.size() && context_.clock.Read().mono + DeadlineQueue::kSlack < until_) {
    Begin();
    return;
  }
  timed_out_ = true;
  Finish(nullptr);
}

void AddressRace::Finish(ConnectionPtr winner) {
  if (!handle_) return;
  ClearDeadline();
  winner_ = std::move(winner);
  for (const LanePtr& lane : lanes_) {
    lane->race = nullptr;
    lane->connection->Abort();
  }
  lanes_.clear();
  boost::asio::post(context_.io, [handle = std::exchange(handle_, nullptr)] { handle.resume(); });
}

}  // namespace chain429
