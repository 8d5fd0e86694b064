#include "tests/sim/request_log.h"

#include <algorithm>
#include <cmath>

#include "tests/sim/bytes.h"

namespace chain429::sim {
namespace {

// Microseconds are enough, and read better than the binary fraction's 17 digits.
double RoundedSeconds(absl::Duration duration) { return std::round(absl::ToDoubleSeconds(duration) * 1e6) / 1e6; }

Json SecondsOrNull(const std::optional<absl::Time>& time, absl::Time start) {
  return time ? Json(RoundedSeconds(*time - start)) : Json(nullptr);
}

Json Describe(const LogEntry& entry, bool bodies, absl::Time start) {
  Json json = {{"seq", entry.sequence},
               {"at", RoundedSeconds(entry.at - start)},
               {"time", RoundedSeconds(entry.at - absl::UnixEpoch())},
               {"method", entry.method},
               {"target", entry.target},
               {"model", entry.model},
               {"key", entry.key_end},
               {"account", entry.account},
               {"stream", entry.stream},
               {"verdict", entry.verdict},
               {"modifiers", entry.modifiers},
               {"status", entry.status == 0 ? Json(nullptr) : Json(entry.status)},
               {"limit", entry.limit ? Json(LimitKey(*entry.limit)) : Json(nullptr)},
               {"wait", nullptr},
               {"prompt_tokens", entry.prompt_tokens},
               {"completion_tokens", entry.completion_tokens},
               {"chunks_sent", entry.chunks_sent},
               {"bytes_sent", entry.bytes_sent},
               {"first_byte_at", SecondsOrNull(entry.first_byte_at, start)},
               {"finished", entry.finished_at.has_value()},
               {"finished_at", SecondsOrNull(entry.finished_at, start)},
               {"disconnected", entry.disconnected_at.has_value()},
               {"disconnected_at", SecondsOrNull(entry.disconnected_at, start)},
               {"connection", entry.connection},
               {"reused", entry.reused},
               {"body_bytes", entry.body_size}};
  bool known = entry.limit && *entry.limit != LimitName::kConcurrency && entry.wait != absl::InfiniteDuration();
  if (known) json["wait"] = RoundedSeconds(entry.wait);
  if (bodies) {
    json["head"] = entry.head;
    json["body"] = entry.body_kept ? Json(Base64(entry.body)) : Json(nullptr);
  }
  return json;
}

}  // namespace

std::shared_ptr<LogEntry> RequestLog::Add(LogEntry entry) {
  auto added = std::make_shared<LogEntry>(std::move(entry));
  added->sequence = ++last_sequence_;
  added->body_size = added->body.size();
  entries_.push_back(added);
  with_bodies_.push_back(added);
  body_bytes_ += added->body.size();
  while (body_bytes_ > most_body_bytes_) {
    if (std::shared_ptr<LogEntry> oldest = with_bodies_.front().lock()) {
      oldest->body_kept = false;
      oldest->body = std::string();
      body_bytes_ -= oldest->body_size;
    }
    with_bodies_.pop_front();
  }
  if (entries_.size() > most_entries_) {
    if (entries_.front()->body_kept) {
      body_bytes_ -= entries_.front()->body_size;
      with_bodies_.pop_front();
    }
    entries_.pop_front();
    ++forgotten_;
  }
  return added;
}

void RequestLog::Clear() {
  entries_.clear();
  with_bodies_.clear();
  body_bytes_ = 0;
  last_sequence_ = 0;
  forgotten_ = 0;
}

Json RequestLog::Since(int64_t sequence, bool bodies, absl::Time start) const {
  Json list = Json::array();
  for (const auto& entry : entries_) {
    if (entry->sequence > sequence) list.push_back(Describe(*entry, bodies, start));
  }
  return list;
}

int64_t RequestLog::Count(int64_t sequence, const std::string& verdict, bool finished) const {
  return std::count_if(entries_.begin(), entries_.end(), [&](const std::shared_ptr<LogEntry>& entry) {
    return entry->sequence > sequence && (verdict.empty() || entry->verdict == verdict) &&
           (!finished || entry->finished_at.has_value());
  });
}

}  // namespace chain429::sim
