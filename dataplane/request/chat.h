#pragma once

#include <string_view>

#include "dataplane/request/attempt.h"

namespace chain429 {

// POST /v1/chat/completions: scans the body, resolves its model, and executes the walk's steps until the client is
// answered. Every decision about targets is the walk's. `head` and `body` must outlive the task, `body` with padding
// behind it.
Task<bool> AnswerChat(WorkerContext& worker, Responder& client, const RequestHead& head, std::string_view body,
                      const ClientKey* key, std::shared_ptr<RouteTable> routes);

}  // namespace chain429
