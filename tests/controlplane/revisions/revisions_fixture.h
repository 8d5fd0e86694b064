#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/config/parse.h"
#include "common/config/zones.h"
#include "common/model/snapshot.h"
#include "common/provider/catalogue.h"
#include "controlplane/revisions/environment.h"

namespace chain429 {

// Kinds with round numbers: "openai" and "local" (each credential an account), "groq" and "cerebras" (limits by model),
// "router" (free models share), "account" (one limit for all models, one model with its own), "slow" (three minutes to
// the first token), "pacific" (a day that ends at midnight in Los Angeles).
const Catalogue& KnownKinds();

// Knows UTC and America/Los_Angeles, whatever is installed.
ZoneAnswer KnownZones(std::string_view zone);

// Variables and files that exist only here.
struct FakeWorld {
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
  int reads = 0;

  // Refers to this object.
  Environment environment();
};

// In any order.
using LimitTexts = std::multiset<std::string>;

// What came of one configuration, without anything that lasts.
struct Built {
  std::shared_ptr<const Snapshot> snapshot;  // null: refused
  std::string problems;  // a line each, of the file "c.yaml"

  const Pool* PoolOf(const std::string& key) const;
  const Provider& ProviderOf(const std::string& name) const;
  const Chain& ChainOf(const std::string& name) const;
  const Target& TargetOf(const std::string& chain, size_t index) const;
  // "groq/openai/gpt-oss-120b of default with 0,1": name, group, indexes of credentials.
  std::vector<std::string> Targets(const std::string& chain) const;
  // The keys of a target's pools, wide to narrow.
  std::vector<std::string> PoolKeys(const Target& target) const;
  // The limits of the pool, described; "none" where there is no such pool.
  LimitTexts Limits(const std::string& key) const;
};
Built Build(const std::string& text, FakeWorld& world, Version version = Version(7));
// With K1 to K4 set to keys.
Built Build(const std::string& text);

// "30 requests per 1m sliding, configured", "1000 requests per 24h fixed at 0s America/Los_Angeles, catalogue", "4
// concurrency, configured".
std::string Describe(const Limit& limit);
LimitTexts Describe(const std::vector<Limit>& limits);

}  // namespace chain429
