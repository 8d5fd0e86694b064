#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/clock.h"
#include "dataplane/net/deadline.h"
#include "dataplane/net/task.h"

namespace chain429 {

struct Resolved {
  std::vector<boost::asio::ip::tcp::endpoint> addresses;  // in the order of getaddrinfo (RFC 6724)
  std::string error;                                      // why there are none
  bool timed_out = false;
};

// Names to addresses, kept for kTimeToLive. Belongs to one loop; getaddrinfo itself runs on Asio's resolver thread. An
// address needs no look-up.
class Resolver {
 public:
  static constexpr absl::Duration kTimeToLive = absl::Seconds(30);
  Resolver(boost::asio::io_context& io, DeadlineQueue& deadlines, const Clock& clock)
      : clock_(clock), deadlines_(deadlines), resolver_(io.get_executor()) {}
  // Gives up at `until`; the look-up itself goes on unheard.
  Task<Resolved> Resolve(std::string host, uint16_t port, MonoTime until);

 private:
  struct Entry {
    Resolved resolved;
    MonoTime until;
  };
  const Clock& clock_;
  DeadlineQueue& deadlines_;
  boost::asio::ip::basic_resolver<boost::asio::ip::tcp, boost::asio::io_context::executor_type> resolver_;
  absl::flat_hash_map<std::string, Entry> cache_;
};

}  // namespace chain429
