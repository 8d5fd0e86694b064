#include "controlplane/revisions/config_watcher.h"

#include <utility>

namespace chain429 {

bool ConfigWatcher::Poll() {
  std::map<std::string, uint64_t> now = source_.ReadNow();
  if (now == source_.taken()) {
    pending_.clear();
    return false;
  }
  if (now != pending_) {
    pending_ = std::move(now);
    return false;
  }
  pending_.clear();
  report_ = source_.Reload();
  return true;
}

}  // namespace chain429
