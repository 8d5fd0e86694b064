#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/document.h"
#include "tests/sim/limits.h"

namespace chain429::sim {

// One request as the provider saw it. It is changed while the answer is under way.
struct LogEntry {
  int64_t sequence = 0;
  absl::Time at;  // the whole request was there
  std::string method;
  std::string target;
  std::string model;
  std::string key_end;  // the last 4 characters
  std::string account;
  bool stream = false;
  std::string verdict;
  std::vector<std::string> modifiers;
  int status = 0;
  std::optional<LimitName> limit;  // that refused
  absl::Duration wait;             // until it would have fitted
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;   // sent so far
  int64_t chunks_sent = 0;
  int64_t bytes_sent = 0;
  std::optional<absl::Time> first_byte_at;
  std::optional<absl::Time> finished_at;
  std::optional<absl::Time> disconnected_at;  // the client went before the answer was whole
  int64_t connection = 0;
  bool reused = false;
  std::string head;
  std::string body;
  bool body_kept = true;
  size_t body_size = 0;
};

// What came, in order. The oldest entries and, earlier, the oldest bodies are given up.
class RequestLog {
 public:
  RequestLog(int64_t most_entries, int64_t most_body_bytes)
      : most_entries_(static_cast<size_t>(most_entries)), most_body_bytes_(static_cast<size_t>(most_body_bytes)) {}

  // Numbers the entry.
  std::shared_ptr<LogEntry> Add(LogEntry entry);
  void Clear();

  Json Since(int64_t sequence, bool bodies, absl::Time start) const;
  // How many entries after `sequence` there are; only those with this verdict, if it is not empty, and, if told so,
  // only those that are finished.
  int64_t Count(int64_t sequence, const std::string& verdict, bool finished) const;
  int64_t forgotten() const { return forgotten_; }

 private:
  size_t most_entries_;
  size_t most_body_bytes_;
  std::deque<std::shared_ptr<LogEntry>> entries_;
  std::deque<std::weak_ptr<LogEntry>> with_bodies_;
  size_t body_bytes_ = 0;
  int64_t last_sequence_ = 0;
  int64_t forgotten_ = 0;
};

}  // namespace chain429::sim
