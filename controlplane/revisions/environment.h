#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace chain429 {

// The process's surroundings as far as configuration needs them. Passed in, so that tests bring their own.
struct Environment {
  // A variable's value; nothing when it is not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // A file's contents; an error when it is longer than `limit` bytes. The error says why, but not which file.
  std::function<absl::StatusOr<std::string>(const std::string& path, size_t limit)> file;
};

// The real ones.
Environment SystemEnvironment();

}  // namespace chain429
