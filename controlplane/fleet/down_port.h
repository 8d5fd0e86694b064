#pragma once

#include <utility>

namespace chain429 {

// The sending side of a proxy's stream, as seen from the fleet's thread: over gRPC, or a test's. It knows of one
// message under way at most; what waits behind it stays in an outbox, where it can still be merged.
template <typename Message>
class DownPort {
 public:
  virtual ~DownPort() = default;
  // True: Write may be called, once. False: OnWritable will come on the fleet's thread.
  virtual bool Ready() = 0;
  virtual void Write(Message message) = 0;
  // Ends the stream. `reason` is for the other side's log.
  virtual void End(const char* reason) = 0;
  // Provider keys may be sent here: loopback, a Unix socket, or a peer that showed a certificate.
  virtual bool trusted() const = 0;
};

}  // namespace chain429
