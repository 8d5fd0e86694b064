#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/limits/use_log.h"
#include "common/model/pool.h"

namespace chain429 {

// What a provider said of one limit in one answer.
struct WindowReading {
  MonoTime at;        // when the request was written upstream
  MonoTime answered;  // when its answer had begun to come, at the latest
  int64_t limit = 0;
  int64_t used = -1;  // limit - remaining; -1: not stated
  bool compares = true;  // our own count of the same uses is exact
  bool counted = true;  // the request itself is in it
  absl::Duration reset = absl::InfiniteDuration();  // as stated then
};

// How one limit's window moves, told from what its provider states while we use it.
//
// Two things tell. The reset: an edge stays where it is while time passes, a bucket's reset is its use's share of the
// window, and a sliding window's lies one length after some use. And the count: behind an edge all is forgotten, while
// a sliding window forgets nothing that is younger than its length. Only observations that a single kind explains are
// counted. What one kind cannot explain at all puts it back to nothing.
//
// Confidence is 100 f / (f + 1 + 3 a): f such observations for the kind since it was last contradicted, a
// contradictions of late. From kSureConfidence on a kind is held; else the window is taken to slide, which never allows
// more than the others do.
//
// Readings may come late, repeated or in any order: those older than the newest are passed over.
class WindowInference {
 public:
  static constexpr int kSureConfidence = 80;

  // `own`: our use of what the limit counts, by date. True if Held gives something else than before.
  bool Observe(const WindowReading& reading, absl::Duration length, const UseLog& own, const Now& now);
  // The provider refused what the held window had room for, and a sliding one had not. True as for Observe.
  bool Refuse();
  // As it was held before a restart.
  void Restore(const WindowSpec& held);

  // The window as it is to be counted, of the length that was observed last.
  const WindowSpec& held() const { return held_; }
  int confidence() const { return ConfidenceOf(held_.kind); }
  // The kind for which most speaks; held or not.
  WindowKind seeming() const;
  int ConfidenceOf(WindowKind kind) const;

 private:
  struct Evidence {
    int agreed = 0;
    int contradicted = 0;
  };
  struct Span {
    MonoTime from, to;
    MonoTime middle() const { return from + (to - from) / 2; }
    Span Shifted(absl::Duration by) const { return {from + by, to + by}; }
  };
  enum class Edge : uint8_t { kFirst, kSame, kMoved };

  void WeighReset(const WindowReading& reading, const UseLog& own, const Now& now);
  void WeighCount(const WindowReading& reading, const UseLog& own, const Now& now);
  Edge Follow(const Span& end, const Now& now);
  std::optional<Span> StartBefore(MonoTime at, const Now& now) const;
  bool CountWindow(MonoTime start);
  void Agree(WindowKind kind, int weight, MonoTime at);
  void Doubt(WindowKind kind, int weight);
  void Contradict(WindowKind kind);
  Evidence& Of(WindowKind kind) { return evidence_[static_cast<size_t>(kind)]; }
  const Evidence& Of(WindowKind kind) const { return evidence_[static_cast<size_t>(kind)]; }
  // True if that changes what is held.
  bool Hold(const Now& now);
  std::optional<WindowSpec> FixedWindow(const Now& now) const;

  WindowSpec held_;
  std::array<Evidence, 3> evidence_{};
  MonoTime newest_ = MonoTime::FromNanos(INT64_MIN);
  MonoTime last_agreed_ = MonoTime::FromNanos(INT64_MIN);
  std::optional<Span> end_;  // of the window that was read of last, if it has edges
  int windows_ = 0;          // in how many of them something spoke for edges
  MonoTime last_start_ = MonoTime::FromNanos(INT64_MIN);  // of the last of them
};

// An instant as an edge that people know: a whole minute or hour of the day, a day's beginning in a well-known zone.
// `tolerance`: how far it may lie from one. Absent: none of these, or a length that does not divide the day.
std::optional<WindowSpec> ClockWindowAt(absl::Time edge, absl::Duration length, absl::Duration tolerance);

}  // namespace chain429
