#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/log.h"
#include "common/io/rotating_file.h"

namespace chain429 {

// The thread that writes logs, so that nobody else ever waits for a disk, a pipe or a terminal. Lines wait in a bounded
// queue; when it is full they are dropped and counted. Without a file, and while the file cannot be written, they go to
// stderr. What is queued when this is destroyed is written, unless nobody takes it for kFarewell.
class LogWriter final : public LogSink {
 public:
  static constexpr size_t kMostQueued = size_t{8} << 20;  // bytes, twice: what waits, and what is being written
  static constexpr absl::Duration kFarewell = absl::Seconds(2);
  static constexpr absl::Duration kRetry = absl::Seconds(10);  // between tries to open a file

  explicit LogWriter(int fallback_fd = 2);
  ~LogWriter() override;

  void Write(std::string lines, uint64_t count, LogFormat format) override;
  // From the lines written next on; nothing: stderr. The file takes lines of `format` alone: those that were made
  // before the change, and come after it, go to stderr. Any thread.
  void SetFile(std::optional<RotatingFile::Options> file, LogFormat format);
  // As SIGHUP asks: the file may have been moved away. Any thread.
  void Reopen();
  // Told, on the writer's thread, what people should know: lines lost, files that cannot be written.
  using Trouble = std::function<void(std::string_view message, std::initializer_list<LogField> fields)>;
  // Before the first SetFile.
  void set_trouble(Trouble trouble);

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  // Waits until everything that was queued before has been written. For tests and for the end of a program.
  void Flush();

 private:
  struct Batch {
    std::string lines;
    uint64_t count = 0;
    LogFormat format = LogFormat::kText;
  };
  using Steady = std::chrono::steady_clock;
  void Run();
  void ChangeFile(std::optional<RotatingFile::Options> options);
  void OpenFile(std::string_view message);
  void Put(const Batch& batch);
  bool PutToStderr(std::string_view lines);
  void Tell(std::string_view message, std::initializer_list<LogField> fields) const;
  bool stop_overdue() const;

  const int fallback_fd_;
  bool in_pieces_ = false;  // a pipe, socket or terminal takes what fits into it

  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable idle_;
  std::vector<Batch> queue_;
  size_t queued_bytes_ = 0;
  bool writing_ = false;
  bool stop_ = false;
  Steady::time_point stop_at_;
  bool reopen_ = false;
  bool file_changed_ = false;
  std::optional<RotatingFile::Options> new_file_;
  LogFormat new_format_ = LogFormat::kText;
  Trouble trouble_;
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> written_{0};

  // The writer's thread alone.
  LogFormat format_ = LogFormat::kText;  // of the file
  std::optional<RotatingFile::Options> wanted_;
  std::unique_ptr<RotatingFile> file_;
  Steady::time_point next_try_;
  uint64_t drops_told_ = 0;

  std::thread thread_;
};

}  // namespace chain429
