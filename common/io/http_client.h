#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/address.h"
#include "common/io/http_message.h"

namespace chain429 {

struct HttpCall {
  SocketAddress address;
  std::string method = "GET";
  std::string target = "/";           // path and query, as sent
  std::vector<HttpField> headers;     // beside host, content-length and connection
  std::string body;
  absl::Duration timeout = absl::Seconds(5);  // for the whole call
  size_t max_body_bytes = size_t{8} << 20;
  // TLS without asking whose certificate it is: a health check of one's own host, which sends nothing secret.
  bool tls = false;
};

// One plain HTTP call on a connection of its own, blocking: for health checks and command-line tools. kUnavailable:
// nobody listens there or the connection broke; kDeadlineExceeded: the timeout passed. A status of 4xx or 5xx is not an
// error here.
absl::StatusOr<HttpResponse> CallHttp(const HttpCall& call);

}  // namespace chain429
