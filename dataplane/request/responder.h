#pragma once

#include <string>
#include <string_view>

#include "common/http/head.h"
#include "dataplane/net/connection.h"
#include "dataplane/request/context.h"

namespace chain429 {

// The client's end of one request: its connection, what its answer's head must say, and whether it is still there.
class Responder {
 public:
  Responder(WorkerContext& worker, Connection& connection) : worker_(worker), connection_(connection) {}

  // A new request: takes its id over, or makes one.
  void Begin(const RequestHead& head);

  // A whole answer of ours. False: it did not reach the client.
  Task<bool> Send(int status, std::string_view content_type, std::string body, std::string extra_fields = {});
  // In OpenAI's shape. `close`: the connection cannot be used further.
  Task<bool> SendError(int status, std::string message, std::string_view param, std::string_view code,
                       std::string extra_fields = {});

  // Heads are put together here: status line, then the caller's fields, then FinishHead with the framing.
  std::string& StartHead(int status, std::string_view reason = {});
  enum class Framing : uint8_t { kLength, kChunked, kUntilClose };
  void FinishHead(Framing framing, size_t length = 0);
  std::string_view head() const { return head_; }

  // For a stream that is begun before it is known how it will end: its body is put behind its head, with the framing
  // that the head announced.
  void AppendBody(std::string_view piece);
  void AppendBodyEnd();
  // Sends what the client takes at once; the rest stays in head(). False: the client has gone.
  bool SendSome();

  Connection& connection() { return connection_; }
  const std::string& request_id() const { return request_id_; }
  // What is known of the request, for its line in the log and for metrics.
  RequestFacts& facts() { return facts_; }
  bool http10() const { return http10_; }
  bool no_body() const { return no_body_; }
  void set_close(bool close) { close_ = close; }
  bool close() const { return close_; }
  bool started() const { return started_; }

  // ---- the client's presence ----
  bool gone() const { return gone_; }
  void OnGone();
  // The answer has gone out to its last byte: a client that leaves from now on has not left it.
  void set_answered() { answered_ = true; }
  // Who waits for this client now; null for nobody.
  void set_waiting(Interruptible* waiting) { waiting_ = waiting; }

 private:
  WorkerContext& worker_;
  Connection& connection_;
  std::string head_;
  std::string request_id_;
  RequestFacts facts_;
  bool http10_ = false;
  bool no_body_ = false;
  bool close_ = false;
  bool started_ = false;
  bool answered_ = false;
  bool gone_ = false;
  Interruptible* waiting_ = nullptr;
};

}  // namespace chain429
