#include "dataplane/request/keep_alive.h"

#include "common/waterfall/report.h"

namespace chain429 {
namespace {

constexpr std::string_view kComment = ": keep-alive\n\n";
constexpr std::string_view kStreamFields =
    "content-type: text/event-stream\r\n"
    "cache-control: no-cache\r\n";

}  // namespace

KeepAlive::KeepAlive(WorkerContext& worker, Responder& client, std::string_view chain, absl::Duration every,
                     MonoTime from)
    : worker_(worker), client_(client), chain_(chain), every_(every) {
  worker_.deadlines().Set(*this, from + every_);
}

bool KeepAlive::TakeOver() {
  ClearDeadline();
  return begun_;
}

void KeepAlive::OnDeadline() {
  if (client_.gone()) return;
  if (!begun_) {
    begun_ = true;
    std::string& head = client_.StartHead(200);
    head.append(kStreamFields);
    // Who will answer is not known yet; the rest follows as a comment.
    AppendChainField(head, chain_);
    client_.FinishHead(client_.http10() ? Responder::Framing::kUntilClose : Responder::Framing::kChunked);
    client_.AppendBody(kComment);
  } else if (client_.head().empty()) {
    client_.AppendBody(kComment);
  }
  // Else the client has not taken the last one, and more would only pile up.
  if (client_.SendSome()) worker_.deadlines().Set(*this, worker_.now() + every_);
}

}  // namespace chain429
