#pragma once

#include <coroutine>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/admin/upstream_counters.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/tls.h"
#include "dataplane/upstream/address_order.h"
#include "dataplane/upstream/upstream_host.h"

namespace chain429 {

// Connects to a host that has several addresses (RFC 8305): the next one is begun when one fails, or has not got
// through within kHeadStart. The first whole connection wins (TCP, then the proxy's tunnel, then TLS), the others are
// closed. It is awaited once, and ends at the latest at `until`, or soon after Cancel, in a turn of the loop of its
// own.
class AddressRace final : public Deadline {
 public:
  static constexpr absl::Duration kHeadStart = absl::Milliseconds(250);
  struct Context {
    boost::asio::io_context& io;
    DeadlineQueue& deadlines;
    const Clock& clock;
    const TlsClientContext* tls;
    UpstreamCounters& counters;
  };

  AddressRace(const Context& context, UpstreamHost* host, Addresses addresses, MonoTime until);
  ~AddressRace() override;
  bool await_ready() const { return addresses_.empty(); }
  void await_suspend(std::coroutine_handle<> handle);
  ConnectionPtr await_resume() { return std::move(winner_); }
  void Cancel() { Finish(nullptr); }
  void OnDeadline() override;

  // Where there is no winner: why the last address did not serve, empty if none failed; or that time was over.
  const std::string& error() const { return error_; }
  ConnectFailure failure() const { return failure_; }
  bool timed_out() const { return timed_out_; }

 private:
  struct Lane;
  using LanePtr = std::shared_ptr<Lane>;
  static Detached Run(LanePtr lane);
  void Begin();
  void OnLane(Lane& lane, std::string error, ConnectFailure stage);
  void Finish(ConnectionPtr winner);

  const Context context_;
  UpstreamHost* const host_;
  const Addresses addresses_;
  const MonoTime until_;
  size_t begun_ = 0;
  std::vector<LanePtr> lanes_;  // under way
  ConnectionPtr winner_;
  std::string error_;
  ConnectFailure failure_ = ConnectFailure::kTcp;
  bool timed_out_ = false;
  std::coroutine_handle<> handle_;
};

}  // namespace chain429
