#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "common/base/clock.h"
#include "common/waterfall/walk.h"

namespace chain429 {

// How a walk is told to the client: header, message and data. `name_of` gives a candidate's display name.
using NameOf = absl::FunctionRef<std::string_view(uint32_t candidate)>;

// "groq/m;o=rate_limited;s=429;ms=12;retry=42, cerebras/m;o=ok;s=200;ms=310", cut at an item's end before 2 KB with
// "…+N".
void AppendTrail(std::string& out, const Hops& hops, NameOf name_of, MonoTime now);

// "Tried 2 targets: groq/m 429, resets in 42 s; …" with those that were passed over and why.
std::string ExhaustionMessage(const Hops& hops, std::string_view chain, NameOf name_of, MonoTime now);

// A JSON array, one object a hop: target, outcome, and where known status, retry_after_s, latency_ms, message.
std::string AttemptsJson(const Hops& hops, NameOf name_of, MonoTime now);

// The answer's x-429chain fields, each with CRLF: chain, target (`target` < 0: none answered), attempts, trail.
void AppendChainHead(std::string& out, std::string_view chain, const Hops& hops, int target, int attempts,
                     NameOf name_of, MonoTime now);

// The first of them, where no more is known yet.
void AppendChainField(std::string& out, std::string_view chain);

}  // namespace chain429
