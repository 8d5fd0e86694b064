#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/model/settlement.h"
#include "common/model/snapshot.h"
#include "dataplane/net/deadline.h"
#include "dataplane/request/trace_fields.h"

namespace chain429 {

// A client that left before its answer began gets none; its line says this, as it is known from other proxies' logs.
inline constexpr int kClientGoneStatus = 499;

// What its line will say of one request, gathered on the way. Kept by the connection and used again for its next
// request, so that the strings keep their memory.
struct RequestFacts {
  MonoTime started;
  MonoTime first_content;      // zero: none came
  int status = 0;              // 0: no answer was begun
  int attempts = 0;            // calls to providers
  bool gone = false;           // the client left before the end of its answer
  bool stream = false;
  bool in_chain = false;       // `chain` is configured, rather than a model called directly
  Usage usage;
  uint64_t bytes_in = 0;       // of bodies, without framing
  uint64_t bytes_out = 0;
  std::string method;
  std::string path;            // without its query
  std::string model;           // as asked for
  std::string chain;           // empty: the request came to none
  std::string target;          // that answered, or was being called when the client left
  std::string trail;
  std::string client_key;      // its name
  std::string code;            // of our error
  Trace trace;
  // Only where bodies are logged.
  LogBodies bodies = LogBodies::kOff;
  Secret shown_key;            // that of the client
  std::string request_body;
  std::string response_body;

  void Begin(MonoTime now, const RequestHead& head, LogBodies bodies_logged);
  void TakeRequestBody(std::string_view body);
  // Called for every piece of an answer's body.
  void TakeAnswerBody(std::string_view piece) {
    bytes_out += piece.size();
    if (bodies != LogBodies::kOff) KeepAnswer(piece);
  }

 private:
  void KeepAnswer(std::string_view piece);
};

// One line for each request of a worker. Lines are put together here and handed to the log's thread many at a time:
// when enough have come, or a moment after the first. Belongs to the worker's loop.
class RequestLog {
 public:
  static constexpr absl::Duration kDelay = absl::Milliseconds(40);
  static constexpr size_t kMostBuffered = 32 * 1024;
  static constexpr size_t kMostBody = 64 * 1024;

  RequestLog(DeadlineQueue& deadlines, const Clock& clock, const Logger& logger);
  ~RequestLog();

  // Nothing of a request is worth gathering where its line would not be written.
  bool enabled() const { return logger_.enabled(LogLevel::kWarning); }
  // `snapshot`: whose keys must not be shown; null: there are none yet.
  void Write(const RequestFacts& facts, std::string_view request_id, std::string_view client, const Snapshot* snapshot);
  // Hands over what has gathered.
  void Flush();

 private:
  class Timer;
  DeadlineQueue& deadlines_;
  const Clock& clock_;
  const Logger& logger_;
  LogTime time_;
  std::string lines_;
  LogFormat format_ = LogFormat::kText;  // of these
  uint64_t count_ = 0;
  std::unique_ptr<Timer> timer_;
};

}  // namespace chain429
