#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/ctl/init/found_keys.h"
#include "controlplane/ctl/init/local_servers.h"

namespace chain429 {

// A model of a provider as a chain may name it.
struct Candidate {
  std::string provider;
  Plan plan = Plan::kFree;
  SetupModel model;
  int64_t longest = 0;  // tokens that one request can have: its context, or its tokens a minute where these are fewer
};

// Every model of the providers and servers, in the order in which `auto` tries them: what is free before local servers,
// these before a credit, what is paid for last; the best first within each.
std::vector<Candidate> Candidates(const std::vector<FoundProvider>& providers, const std::vector<LocalServer>& servers);

// Those of them that suit a purpose, the most suitable first within each plan; what is paid for only if `paid`.
std::vector<Candidate> FastOnes(const std::vector<Candidate>& all, bool paid);
std::vector<Candidate> SmartOnes(const std::vector<Candidate>& all, bool paid);
std::vector<Candidate> LongOnes(const std::vector<Candidate>& all, bool paid);

}  // namespace chain429
