#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/pool.h"

namespace chain429 {

// What it costs to use a kind of provider.
enum class Plan : uint8_t {
  kFree,
  kTrial,
  kCredit,  // free until it is used up
  kPaid,
  kLocal,   // a server on this host
};

// A model that the plan gives. Quality and speed, from 1 to 9, are a judgement that orders chains and nothing else.
struct SetupModel {
  std::string id;
  int64_t quality = 0;
  int64_t speed = 0;
  int64_t context = 0;  // tokens; 0: unknown
};

// What is needed to begin with a kind of provider: where its keys are by convention and what they give.
struct CatalogueSetup {
  std::vector<std::string> keys;  // environment variables; one is enough
  std::string keys_url;           // where to get a key
  std::string title;              // for people, where it is not the entry's
  std::string base_url;           // where the kind has none of its own
  Plan plan = Plan::kFree;
  std::string as_of;              // date of what the plan gives; empty: undated
  std::string note;
  std::vector<Limit> limits;      // said of the plan where the entry has none that are kept to
  std::vector<SetupModel> models;  // by id
};

// "free", "trial", "credit", "paid", "local".
std::string_view PlanWord(Plan plan);

}  // namespace chain429
