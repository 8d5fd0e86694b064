#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "absl/time/time.h"
#include "common/http/chunk_scan.h"
#include "common/http/head.h"
#include "common/io/http_message.h"
#include "common/io/http_server.h"
#include "common/io/http_stream.h"

namespace chain429 {

class HttpSession;

// The connections of one server and what they share.
struct HttpSessions {
  // Ends the one that has been idle longest; false: none is.
  bool EndIdlest();
  void EndAll();

  boost::asio::io_context& context;
  HttpServerOptions options;
  HttpServer::AsyncHandler handler;
  std::unordered_set<std::shared_ptr<HttpSession>> open;  // what keeps them alive while a handler works
  bool stopping = false;                                  // no connection outlives its present request
};

// One connection of the small server: reads a request, has it answered, writes, begins again. Belongs to the server's
// thread.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using Clock = std::chrono::steady_clock;

  HttpSession(std::shared_ptr<HttpSessions> server, boost::asio::ip::tcp::socket socket);
  void Start();

  // Waiting for the first byte of a further request.
  bool idle() const { return idle_; }
  Clock::time_point idle_since() const { return idle_since_; }

  // The connection is gone, whatever was under way. After it the session does nothing more.
  void Close();
  // To the request that the handler has; ignored if it has none.
  void Answer(HttpResponse response);

 private:
  void SetDeadline(absl::Duration from_now);
  void ClearDeadline();
  // Reads once into `input_`, then goes on with `next`. At the connection's end nobody is left to be told.
  void ReadMore(void (HttpSession::*next)());
  void ReadHead();
  void OnHeadBytes();
  // Copies what the handler gets out of it; false: it was refused.
  bool TakeHead(const RequestHead& head);
  void Continue();
  void ReadBody();
  // What `input_` has of the body, by its framing.
  ChunkScan::State TakeChunks();
  ChunkScan::State TakeLength();
  void Dispatch();
  void Refuse(int status, std::string_view why);
  void Write(HttpResponse response, bool keep_alive);
  void OnWritten(bool keep_alive);
  void Drain();

  const std::shared_ptr<HttpSessions> server_;
  HttpStream stream_;
  boost::asio::steady_timer deadline_;
  std::string peer_;
  std::array<char, size_t{16} << 10> piece_;  // what one read brings
  std::string input_;                         // read and not yet used
  HttpRequest request_;
  std::optional<ChunkScan> chunks_;  // of a chunked body
  uint64_t left_ = 0;                // of a body with a length
  std::string out_head_;
  std::string out_body_;
  size_t drained_ = 0;
  bool is_head_ = false;
  bool keep_alive_ = false;  // the client would have it so
  bool idle_ = false;
  Clock::time_point idle_since_;
  bool awaiting_answer_ = false;
  bool closed_ = false;
};

}  // namespace chain429
