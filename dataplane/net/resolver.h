#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/name_look_ups.h"

namespace chain429 {

struct Resolved {
  std::vector<boost::asio::ip::tcp::endpoint> addresses;
  std::string error;  // why there are none
  bool timed_out = false;
};

// Names to addresses, with a memory. What is known is given at once: beyond kTimeToLive a look-up renews it meanwhile,
// so that a slow name server holds up nobody. Only what is older than kServeStale is waited for, and even that is given
// (up to kKeep) where the look-up fails: an old address that may still work is better than none. Belongs to one loop.
class Resolver {
 public:
  static constexpr absl::Duration kTimeToLive = absl::Seconds(30);
  static constexpr absl::Duration kErrorTimeToLive = absl::Seconds(1);
  static constexpr absl::Duration kServeStale = absl::Minutes(10);
  static constexpr absl::Duration kKeep = absl::Hours(1);

  Resolver(boost::asio::io_context& io, DeadlineQueue& deadlines, const Clock& clock, NameLookUps& look_ups);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

 private:
  friend class Resolve;
  struct Entry;
  struct Inbox;
  // True: `resolved` is the answer. Puts a look-up under way where one is needed.
  bool Know(const std::string& host, uint16_t port, Resolved& resolved, Entry*& entry);
  void LookUp(const std::string& host, Entry& entry);
  void OnAnswer(const std::string& host, const NameAnswer& answer);
  void Forget();

  boost::asio::io_context& io_;
  const Clock& clock_;
  DeadlineQueue& deadlines_;
  NameLookUps& look_ups_;
  const std::shared_ptr<Inbox> inbox_;
  absl::flat_hash_map<std::string, std::unique_ptr<Entry>> entries_;
};

using WaitsForName = boost::intrusive::list_base_hook<boost::intrusive::tag<class WaitsForNameTag>,
                                                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One question to the resolver; an address needs no look-up. It is awaited once, and ends at the latest at `until`, or
// soon after Cancel, in a turn of the loop of its own; a look-up under way goes on for others and for the memory.
class Resolve final : public Deadline, public WaitsForName {
 public:
  Resolve(Resolver& resolver, std::string host, uint16_t port, MonoTime until);
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  Resolved await_resume() { return std::move(resolved_); }
  void Cancel();
  void OnDeadline() override;

 private:
  friend class Resolver;
  void Wake();
  Resolver& resolver_;
  const std::string host_;
  const uint16_t port_;
  const MonoTime until_;
  Resolver::Entry* entry_ = nullptr;
  Resolved resolved_;
  std::coroutine_handle<> handle_;
};

}  // namespace chain429
