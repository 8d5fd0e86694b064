#pragma once

#include <string_view>

#include "dataplane/request/context.h"
#include "dataplane/request/responder.h"

namespace chain429 {

// Keeps the client of a stream, and what stands between, from giving up before the first content: when nothing has gone
// out for a while the head is sent, with a comment behind it, then a comment now and again. Since that commits the
// status, it is off unless a chain asks for it. Nobody else writes to the client until TakeOver.
class KeepAlive final : public Deadline {
 public:
  // Begins to count at `from`. `chain` must outlive it.
  KeepAlive(WorkerContext& worker, Responder& client, std::string_view chain, absl::Duration every, MonoTime from);

  // Called by whoever has an answer, and writes from then on. True: a stream was begun with 200, what of it has not
  // been taken by the client stands in the responder's head(), and a piece of the body is to be put behind that. False:
  // nothing has gone out, and the answer has a head of its own.
  bool TakeOver();
  void OnDeadline() override;

 private:
  WorkerContext& worker_;
  Responder& client_;
  const std::string_view chain_;
  const absl::Duration every_;
  bool begun_ = false;
};

}  // namespace chain429
