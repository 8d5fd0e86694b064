#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/model/snapshot.h"
#include "dataplane/net/connection.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/tls_sessions.h"
#include "dataplane/upstream/outbound_proxy.h"

namespace chain429 {

class SlotWait;
class UpstreamHost;
class UpstreamPool;

// The right to have one connection to a host: being made, in use or idle. Given back when it goes.
class UpstreamSlot {
 public:
  UpstreamSlot() = default;
  UpstreamSlot(UpstreamSlot&& other) noexcept : host_(std::exchange(other.host_, nullptr)) {}
  UpstreamSlot& operator=(UpstreamSlot&& other) noexcept {
    std::swap(host_, other.host_);
    return *this;
  }
  ~UpstreamSlot() { Free(); }
  explicit operator bool() const { return host_ != nullptr; }
  void Free();

 private:
  friend class UpstreamPool;
  explicit UpstreamSlot(UpstreamHost* host) : host_(host) {}
  UpstreamHost* host_ = nullptr;
};

using WaitsInOrder = boost::intrusive::list_base_hook<boost::intrusive::tag<class WaitsInOrderTag>,
                                                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// An attempt's wait for a connection, or for the right to make one; those who wait for a host are served in order. It
// is awaited once, and ends with a slot, at `until`, or soon after Cancel, always in a turn of the loop of its own.
class SlotWait final : public Deadline, public WaitsInOrder {
 public:
  SlotWait(UpstreamPool& pool, UpstreamHost* host, MonoTime until) : pool_(pool), host_(host), until_(until) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  // What there is: an idle connection with its slot, a slot for a new one, or neither.
  bool await_resume() const { return static_cast<bool>(slot); }
  void Cancel() { Wake(); }
  void OnDeadline() override { Wake(); }

  ConnectionPtr connection;
  UpstreamSlot slot;

 private:
  friend class UpstreamPool;
  void Wake();
  UpstreamPool& pool_;
  UpstreamHost* host_;
  MonoTime until_;
  std::coroutine_handle<> handle_;
};

// One host and port that providers are reached at: its connections, and what was learnt in making them.
class UpstreamHost {
 public:
  // `proxy`: what stands between; null: nothing. Outlives this.
  UpstreamHost(UpstreamPool& pool, const Endpoint& endpoint, const OutboundProxy* proxy);
  ~UpstreamHost();
  const Endpoint& endpoint() const { return endpoint_; }
  const OutboundProxy* proxy() const { return proxy_; }
  const std::string& authority() const { return authority_; }  // host:port
  UpstreamPool& pool() { return pool_; }

  TlsSessions& tls_sessions() { return tls_sessions_; }
  // The address of the newest connection that was made.
  const std::optional<boost::asio::ip::tcp::endpoint>& served_last() const { return served_last_; }
  void set_served_last(const boost::asio::ip::tcp::endpoint& address) { served_last_ = address; }
  // True once in a while: a host that stays away does not fill the log.
  bool MayLogFailure(MonoTime now);

 private:
  friend class SlotWait;
  friend class UpstreamPool;
  friend class UpstreamSlot;
  struct Idle;
  struct IdleList;
  UpstreamPool& pool_;
  const Endpoint endpoint_;
  const OutboundProxy* const proxy_;
  const std::string authority_;
  TlsSessions tls_sessions_;
  std::optional<boost::asio::ip::tcp::endpoint> served_last_;
  MonoTime log_again_;
  std::unique_ptr<IdleList> idle_;  // the youngest last
  boost::intrusive::list<SlotWait, boost::intrusive::base_hook<WaitsInOrder>,
                         boost::intrusive::constant_time_size<false>>
      waiting_;
  size_t open_ = 0;                 // slots given out
};

}  // namespace chain429
