#pragma once

#include <string>
#include <vector>

#include "tests/sim/completion.h"
#include "tests/sim/faults.h"
#include "tests/sim/http_text.h"
#include "tests/sim/script.h"

namespace chain429::sim {

// Turns a decided answer into a script, its faults included. Pure.

// How the client's request wants to be answered.
struct Manners {
  bool keep_alive = true;
  bool http_1_0 = false;
  absl::Time now;
};

struct AnswerInput {
  const AnswerSpec* spec = nullptr;
  Style style = Style::kOpenAi;
  Manners manners;
  ChatRequest request;
  Completion completion;
  std::vector<Header> headers;  // rate limits and the like
  std::string key;              // what the client sent
  ChosenFaults faults;
};

Script ChatScript(const AnswerInput& input, Random& random);

// An answer without the chat's timing: errors, models, control.
Script PlainScript(const HttpAnswer& answer, const Manners& manners);

}  // namespace chain429::sim
