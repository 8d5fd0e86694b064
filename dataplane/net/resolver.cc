#include "dataplane/net/resolver.h"

#include <coroutine>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using AsioResolver = asio::ip::basic_resolver<asio::ip::tcp, asio::io_context::executor_type>;

constexpr size_t kMaxEntries = 1024;

struct LookUp {
  AsioResolver& resolver;
  const std::string& host;
  std::string service;
  error_code error;
  AsioResolver::results_type results;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    resolver.async_resolve(host, service, AsioResolver::numeric_service, [this, handle](const error_code& failed, AsioResolver::results_type found) {
      error = failed;
      results = std::move(found);
      handle.resume();
    });
  }
  void await_resume() const {}
};

}  // namespace

Task<Resolved> Resolver::Resolve(std::string host, uint16_t port) {
  Resolved resolved;
  error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    resolved.addresses.emplace_back(address, port);
    co_return resolved;
  }
  std::string key = absl::StrCat(host, ":", port);
  if (const auto known = cache_.find(key); known != cache_.end() && clock_.Read().mono < known->second.until) co_return known->second.resolved;
  LookUp look_up{resolver_, host, absl::StrCat(port), {}, {}};
  co_await look_up;
  for (const auto& entry : look_up.results) resolved.addresses.push_back(entry.endpoint());
  if (look_up.error) resolved.error = absl::StrCat("\"", host, "\" cannot be resolved: ", look_up.error.message());
  if (!resolved.addresses.empty()) {
    if (cache_.size() >= kMaxEntries) cache_.clear();
    cache_[key] = Entry{resolved, clock_.Read().mono + kTimeToLive};
  }
  co_return resolved;
}

}  // namespace chain429
