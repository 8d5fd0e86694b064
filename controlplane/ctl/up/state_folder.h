#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace chain429 {

// Where `up` keeps what outlives it: the configuration that it wrote, what the control plane remembers. For its owner
// alone. One `up` at a time claims it; a claim ends with this object or with the process.
class StateFolder {
 public:
  // Makes the folder where it is missing.
  static absl::StatusOr<std::unique_ptr<StateFolder>> Open(const std::string& path);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  const std::string& path() const { return path_; }
  // False: another `up` that runs has it.
  bool claimed() const { return claimed_; }
  std::string ConfigFile() const;
  std::string StoreFile() const;

 private:
  StateFolder(std::string path, int lock);

  const std::string path_;
  const int lock_;
  const bool claimed_;
};

// XDG_STATE_HOME's, else that of the home folder; empty: there is neither.
std::string DefaultStateFolder();

}  // namespace chain429
