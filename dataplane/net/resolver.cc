#include "dataplane/net/resolver.h"

#include <coroutine>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using AsioResolver = asio::ip::basic_resolver<asio::ip::tcp, asio::io_context::executor_type>;

constexpr size_t kMaxEntries = 1024;

// Shared by the waiting coroutine and getaddrinfo's completion, whichever ends first.
struct LookUpState {
  std::coroutine_handle<> waiter;
  error_code error;
  AsioResolver::results_type results;
};

struct LookUp final : Deadline {
  explicit LookUp(std::shared_ptr<LookUpState> s) : state(std::move(s)) {}
  void OnDeadline() override {
    timed_out = true;
    std::exchange(state->waiter, nullptr).resume();
  }
  std::shared_ptr<LookUpState> state;
  bool timed_out = false;
};

struct LookUpAwaiter {
  LookUp& look_up;
  DeadlineQueue& deadlines;
  AsioResolver& resolver;
  const std::string& host;
  const std::string& service;
  MonoTime until;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    look_up.state->waiter = handle;
    deadlines.Set(look_up, until);
    resolver.async_resolve(host, service, AsioResolver::numeric_service,
                           [state = look_up.state](const error_code& failed, AsioResolver::results_type found) {
                             state->error = failed;
                             state->results = std::move(found);
                             if (state->waiter) std::exchange(state->waiter, nullptr).resume();
                           });
  }
  void await_resume() const { look_up.ClearDeadline(); }
};

}  // namespace

Task<Resolved> Resolver::Resolve(std::string host, uint16_t port, MonoTime until) {
  Resolved resolved;
  error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    resolved.addresses.emplace_back(address, port);
    co_return resolved;
  }
  std::string key = absl::StrCat(host, ":", port);
  if (const auto known = cache_.find(key); known != cache_.end() && clock_.Read().mono < known->second.until)
    co_return known->second.resolved;
  const std::string service = absl::StrCat(port);
  LookUp look_up(std::make_shared<LookUpState>());
  LookUpAwaiter answer{look_up, deadlines_, resolver_, host, service, until};
  co_await answer;
  if (look_up.timed_out) {
    resolved.timed_out = true;
    resolved.error = absl::StrCat("\"", host, "\" was not resolved in time");
    co_return resolved;
  }
  for (const auto& entry : look_up.state->results) resolved.addresses.push_back(entry.endpoint());
  if (look_up.state->error)
    resolved.error = absl::StrCat("\"", host, "\" cannot be resolved: ", look_up.state->error.message());
  if (!resolved.addresses.empty()) {
    if (cache_.size() >= kMaxEntries) cache_.clear();
    cache_[key] = Entry{resolved, clock_.Read().mono + kTimeToLive};
  }
  co_return resolved;
}

}  // namespace chain429
