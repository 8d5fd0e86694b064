#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace chain429 {

// A log file that is set aside when it has grown to its size: FILE becomes FILE.1, that FILE.2, and so on; of these the
// newest `keep` stay. Several processes may write to the same path: lines are appended whole, the file is locked
// (flock) while it is written to or set aside, and whoever finds that another process, or logrotate, has moved it goes
// on in the new one. One thread at a time.
class RotatingFile {
 public:
  struct Options {
    std::string path;
    int64_t most_bytes = int64_t{100} << 20;
    int64_t keep = 5;  // 0: what is full is thrown away
  };
  static absl::StatusOr<std::unique_ptr<RotatingFile>> Open(Options options);
  ~RotatingFile();
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;

  // Whole lines. What was written before an error stays; `lines` is then what is left of it.
  absl::Status Append(std::string_view& lines);
  // Opens the path anew, and makes it if it has been moved away.
  absl::Status Reopen();
  const Options& options() const { return options_; }

 private:
  explicit RotatingFile(Options options) : options_(std::move(options)) {}
  bool IsCurrent() const;  // the path still leads to what is open
  int64_t Size() const;
  absl::Status SetAside();

  const Options options_;
  int fd_ = -1;
};

}  // namespace chain429
