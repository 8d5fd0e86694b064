#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "common/base/clock.h"
#include "common/base/log.h"

namespace chain429 {

// A clock that stands still until it is set.
class FixedClock final : public Clock {
 public:
  Now Read() const override { return now; }
  Now now{MonoTime::FromNanos(1'000'000'000'000), absl::FromUnixSeconds(1'780'000'000)};
};

// A logger whose lines stay in memory.
class CapturedLog {
 public:
  explicit CapturedLog(LogLevel level = LogLevel::kDebug)
      : fd_(memfd_create("log", MFD_CLOEXEC)), logger_(clock_, "test", level, LogFormat::kText, fd_) {}
  ~CapturedLog() { close(fd_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  Logger& logger() { return logger_; }
  // Everything up to now.
  std::string Text() const {
    std::string text(static_cast<size_t>(lseek(fd_, 0, SEEK_CUR)), '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, pread(fd_, text.data(), text.size(), 0))));
    return text;
  }

 private:
  const FixedClock clock_;
  const int fd_;
  Logger logger_;
};

}  // namespace chain429
