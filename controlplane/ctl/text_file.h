#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace chain429 {

// The whole of a file, or of standard input for "-". Directories, and what is larger than 16 MiB, are errors.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

// Writes a file that only its owner can read, whole or not at all: beside `path`, then renamed over it. `path`'s folder
// must be there.
absl::Status WriteTextFile(const std::string& path, const std::string& text);

}  // namespace chain429
