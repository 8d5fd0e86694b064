#include "common/io/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr int kPollMillis = 100;

}  // namespace

LogWriter::LogWriter(int fallback_fd) : fallback_fd_(fallback_fd) {
  struct stat file{};
  in_pieces_ = fstat(fallback_fd_, &file) == 0 && !S_ISREG(file.st_mode);
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "log");
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    stop_at_ = Steady::now() + absl::ToChronoNanoseconds(kFarewell);
  }
  filled_.notify_all();
  thread_.join();
}

void LogWriter::set_trouble(Trouble trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

void LogWriter::Write(std::string lines, uint64_t count, LogFormat format) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (queued_bytes_ + lines.size() > kMostQueued) {
      dropped_.fetch_add(count, std::memory_order_relaxed);
      return;
    }
    first = queue_.empty();
    queued_bytes_ += lines.size();
    queue_.push_back({std::move(lines), count, format});
  }
  if (first) filled_.notify_one();
}

void LogWriter::SetFile(std::optional<RotatingFile::Options> file, LogFormat format) {
  {
    const std::lock_guard lock(mutex_);
    new_file_ = std::move(file);
    new_format_ = format;
    file_changed_ = true;
  }
  filled_.notify_one();
}

void LogWriter::Reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  filled_.notify_one();
}

void LogWriter::Flush() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && !file_changed_ && !reopen_ && !writing_; });
}

void LogWriter::Run() {
  std::vector<Batch> batches;
  while (true) {
    bool reopen = false;
    bool changed = false;
    std::optional<RotatingFile::Options> file;
    {
      std::unique_lock lock(mutex_);
      writing_ = false;
      if (queue_.empty()) idle_.notify_all();
      filled_.wait(lock, [this] { return stop_ || reopen_ || file_changed_ || !queue_.empty(); });
      if (stop_ && queue_.empty()) return;
      writing_ = true;
      batches.swap(queue_);
      queued_bytes_ = 0;
      reopen = std::exchange(reopen_, false);
      changed = std::exchange(file_changed_, false);
      if (changed) {
        file = std::move(new_file_);
        format_ = new_format_;
      }
    }
    // What was logged before a change of the file goes to the old one only if it was written by then: a reload has no
    // order with the requests that run beside it.
    if (changed) ChangeFile(std::move(file));
    if (reopen && wanted_) OpenFile("the log file cannot be opened again; the log goes to stderr");
    for (const Batch& batch : batches) Put(batch);
    batches.clear();
    if (const uint64_t lost = dropped(); lost > drops_told_) {
      Tell("lines of the log were dropped: nothing takes them as fast as they come",
           {{"lines", static_cast<int64_t>(lost - drops_told_)}});
      drops_told_ = lost;
    }
  }
}

void LogWriter::ChangeFile(std::optional<RotatingFile::Options> options) {
  wanted_ = std::move(options);
  file_ = nullptr;
  if (wanted_) OpenFile("the log file cannot be opened; the log goes to stderr");
}

void LogWriter::OpenFile(std::string_view message) {
  auto opened = RotatingFile::Open(*wanted_);
  if (opened.ok()) {
    file_ = *std::move(opened);
    return;
  }
  file_ = nullptr;
  next_try_ = Steady::now() + absl::ToChronoNanoseconds(kRetry);
  if (!message.empty()) Tell(message, {{"error", FromAbsl(opened.status().message())}});
}

void LogWriter::Put(const Batch& batch) {
  std::string_view lines = batch.lines;
  if (file_ == nullptr && wanted_ && Steady::now() >= next_try_) OpenFile({});
  if (file_ != nullptr && batch.format == format_) {
    const absl::Status appended = file_->Append(lines);
    if (appended.ok()) {
      written_.fetch_add(batch.count, std::memory_order_relaxed);
      return;
    }
    file_ = nullptr;
    next_try_ = Steady::now() + absl::ToChronoNanoseconds(kRetry);
    Tell("the log file cannot be written; the log goes to stderr", {{"error", FromAbsl(appended.message())}});
  }
  (PutToStderr(lines) ? written_ : dropped_).fetch_add(batch.count, std::memory_order_relaxed);
}

bool LogWriter::stop_overdue() const {
  const std::lock_guard lock(mutex_);
  return stop_ && Steady::now() >= stop_at_;
}

// A pipe takes up to PIPE_BUF bytes as one piece, so that lines of several programs on one stderr stay whole, and
// polling first makes sure that it does not block.
bool LogWriter::PutToStderr(std::string_view lines) {
  while (!lines.empty()) {
    size_t size = lines.size();
    if (in_pieces_ && size > PIPE_BUF) {
      const size_t end = lines.substr(0, PIPE_BUF).rfind('\n');
      size = end == std::string_view::npos ? PIPE_BUF : end + 1;
    }
    if (in_pieces_) {
      pollfd waiting{fallback_fd_, POLLOUT, 0};
      if (poll(&waiting, 1, kPollMillis) == 0) {
        if (stop_overdue()) return false;
        continue;
      }
    }
    const ssize_t written = write(fallback_fd_, lines.data(), size);
    if (written > 0) {
      lines.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return false;  // closed, or full: there is nobody to tell
    }
  }
  return true;
}

void LogWriter::Tell(std::string_view message, std::initializer_list<LogField> fields) const {
  Trouble trouble;
  {
    const std::lock_guard lock(mutex_);
    trouble = trouble_;
  }
  if (trouble) trouble(message, fields);
}

}  // namespace chain429
