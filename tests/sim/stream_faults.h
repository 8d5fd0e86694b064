#pragma once

#include <cstddef>
#include <vector>

#include "tests/sim/completion.h"
#include "tests/sim/faults.h"

namespace chain429::sim {

// The body of an error inside a 200, unless the fault brings its own.
inline constexpr char kErrorIn200[] =
    R"({"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}})";

// Faults that are a stream of other events than usual. Pure.
void EditEvents(const AnswerSpec& spec, Style style, const ChosenFaults& faults, std::vector<StreamEvent>* events);

// How many events come before the place where a cut or a stall strikes.
size_t StrikePosition(const std::vector<StreamEvent>& events, CutAt at, int64_t after_chunks);

}  // namespace chain429::sim
