#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/chunk_scan.h"
#include "common/http/head.h"
#include "common/model/settlement.h"
#include "common/waterfall/walk.h"
#include "dataplane/http/body_scan.h"
#include "dataplane/request/context.h"
#include "dataplane/request/keep_alive.h"
#include "dataplane/request/responder.h"
#include "dataplane/request/route_table.h"
#include "dataplane/upstream/dial.h"

namespace chain429 {

// One chat request as its attempts see it; lives as long as the request.
struct ChatRequest {
  WorkerContext& worker;
  Responder& client;
  const RequestHead& head;
  std::string_view body;          // followed by padding
  const BodyScan& scan;
  const ResolvedChain& chain;
  const Walk& walk;
  MonoTime started;
  MonoTime deadline;
  KeepAlive* keep_alive = nullptr;  // null: nothing goes out before the first content
};

// A provider's refusal, kept in case the walk ends with handing it to the client.
struct HeldAnswer {
  uint32_t candidate = 0;
  int status = 0;
  std::string fields;             // filtered, one a line
  std::string body;
  std::string message;            // as read from it
  bool tells_limits = false;      // with the provider's own words on its limits
};

// What became of an attempt.
struct AttemptResult {
  AttemptEnd end;
  bool replied = false;           // the client has been answered, well or with a broken stream
  bool stream_broken = false;
  bool too_late = false;          // its permit's time was over before the request could be written: ask again
  std::unique_ptr<HeldAnswer> held;
  MonoTime first_content;         // zero: none came
  Usage usage;
};

// One call to one target: connect, write, read, judge, and on success answer the client. Settles its grant. Its
// deadline bounds the phase it is in.
class Attempt final : public Deadline, public Interruptible {
 public:
  Attempt(ChatRequest& request, const Route& route, uint32_t candidate, int credential, Grant grant);
  ~Attempt() override;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  Task<AttemptResult> Run();
  void OnDeadline() override;
  void Interrupt() override;

 private:
  friend class Relay;
  bool wants_usage() const;
  uint64_t NewSpan();
  void BuildHead();
  Task<bool> Exchange();           // connection, request written, final head parsed
  Task<bool> Connect();
  void NoteSent();
  Task<bool> ReadHead();
  Task<bool> ReadEarlyHead();
  Task<bool> ReadBody();           // the whole body behind the head, framing taken out
  Task<bool> AnswerPlain();
  void JudgeRefusal(bool read);  // `read`: the body came whole
  void Fail(Outcome outcome, std::string message);
  void TakeVerdict(const Verdict& verdict);
  void CloseScope(const Verdict& verdict);
  void Hold();
  void AppendAnswerFields(std::string& out, bool redact);
  void AppendChainFields(std::string& out);
  std::string WithoutKeys(std::string_view text) const;
  void TellBegun();
  void Settle();
  void ReleaseConnection();
  bool Decode();                   // false: the body's coding cannot be read
  std::string_view body() const {
    return decoded_ ? std::string_view(*decoded_) : upstream_->input().substr(head_size_, body_size_);
  }

  ChatRequest& request_;
  WorkerContext& worker_;
  const Route& route_;
  const uint32_t candidate_;
  const int credential_;
  Grant grant_;
  MonoTime started_;
  MonoTime sent_at_;
  MonoTime first_content_;
  std::unique_ptr<Dial> dial_;
  UpstreamSlot slot_;              // of `upstream_`, or of the connection that is being made
  ConnectionPtr upstream_;
  bool reused_ = false;
  bool timed_out_ = false;
  bool interrupted_ = false;
  bool writing_ = false;           // to the client
  bool answer_begun_ = false;      // a byte of an answer has come on this connection
  bool whole_ = false;             // the answer was read to its end: the connection can be used again
  std::string upstream_head_;
  ResponseHead answer_;
  bool keeps_alive_ = false;       // the provider lets the connection live
  absl::Duration idle_time_;       // for so long
  std::string provider_fields_;    // of a stream: for the client's head
  size_t head_size_ = 0;
  size_t body_size_ = 0;
  std::optional<std::string> decoded_;  // the body, where it came compressed
  bool tells_limits_ = false;      // the provider's own words on its limits stand in the client's head
  bool inflates_ = false;          // a stream that comes compressed is passed on as text
  ChunkScan chunks_;
  ReadingList readings_;
  Usage usage_;
  Verdict verdict_;
  PoolId closes_;
  AttemptResult result_;
};

}  // namespace chain429
