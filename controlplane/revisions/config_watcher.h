#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controlplane/revisions/config_source.h"

namespace chain429 {

// Notices that the configuration's file, or a file with a secret that it names, holds something else than what was
// loaded: written in place, renamed over, or behind a symbolic link that was swapped, as Kubernetes does. It compares
// contents, not times: a few kilobytes each second cost nothing, and times miss changes within one tick. Same loop as
// the source.
class ConfigWatcher {
 public:
  explicit ConfigWatcher(ConfigSource& source) : source_(source) {}

  // To be called every second or so. Reloads once a change has been the same twice in a row, since a file may be seen
  // half written. Returns whether it reloaded; `report` then says what came of it.
  bool Poll();
  const LoadReport& report() const { return report_; }

 private:
  ConfigSource& source_;
  std::map<std::string, uint64_t> pending_;
  LoadReport report_;
};

}  // namespace chain429
