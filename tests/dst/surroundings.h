#pragma once

#include <memory>
#include <string>

#include "common/provider/rules.h"
#include "tests/dst/call.h"
#include "tests/dst/observer.h"
#include "tests/dst/streams.h"
#include "tests/dst/world.h"

namespace chain429::dst {

// What a proxy finds around it.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // Asks whoever is the control plane when the wish arrives.
  virtual void Open(const std::shared_ptr<Streams>& streams, World::Act opened) = 0;
  virtual Upstream& UpstreamOf(const std::string& provider) = 0;
  virtual const ProviderRules& RulesOf(const std::string& catalogue_entry) = 0;
  virtual std::shared_ptr<Call> NewCall() = 0;
  virtual const Observers& observers() const = 0;
};

}  // namespace chain429::dst
