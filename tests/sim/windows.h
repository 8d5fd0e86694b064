#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/time/time.h"

namespace chain429::sim {

// Exact accounting of one limited quantity (requests or tokens) over one window. Pure: the time is passed in and must
// not run backwards. Written apart from the product's ledger on purpose: this is what the ledger is measured against.

enum class WindowKind { kSliding, kFixed, kBucket };

std::string_view WindowKindName(WindowKind kind);

struct WindowSpec {
  WindowKind kind = WindowKind::kSliding;
  absl::Duration length = absl::Minutes(1);
  int64_t limit = 0;  // 0: counted, never refused
  int64_t burst = 0;  // bucket: its capacity; 0: the limit
  // Fixed windows begin at `anchor` past midnight in `zone` and every `length` from there (a length of 24 hours follows
  // the zone's calendar, so such a day may last 23 or 25 hours); or, with from_first, at the first use after the last
  // window has ended.
  bool from_first = false;
  absl::Duration anchor = absl::ZeroDuration();
  absl::TimeZone zone = absl::UTCTimeZone();
};

class Window {
 public:
  virtual ~Window() = default;
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // What counts at `now`.
  virtual int64_t Used(absl::Time now) = 0;

  // How long until `amount` more fits: zero when it does now, infinite when it never will.
  absl::Duration WaitFor(absl::Time now, int64_t amount);

  // Counts `amount` at `now`, whether it fits or not.
  void Add(absl::Time now, int64_t amount);

  // Changes by `delta` what was added at `added_at`; nothing happens when that no longer counts.
  void Correct(absl::Time added_at, absl::Time now, int64_t delta);

  // Until everything that counts now has gone: until the last entry has left, the boundary, or the bucket is full.
  virtual absl::Duration UntilReset(absl::Time now) = 0;

  // Takes over a new limit; what was counted stays counted. REQUIRES: same kind, length and anchor.
  void SetLimit(int64_t limit, int64_t burst);

  const WindowSpec& spec() const { return spec_; }
  int64_t capacity() const;  // the largest amount that can ever fit; 0 without a limit
  int64_t max_used() const { return max_used_; }  // the most that ever counted at one time

 protected:
  explicit Window(const WindowSpec& spec) : spec_(spec) {}

  // REQUIRES: the amount does not fit now, but would fit into an empty window.
  virtual absl::Duration WaitUntilItFits(absl::Time now, int64_t amount) = 0;
  virtual bool Fits(absl::Time now, int64_t amount) { return Used(now) + amount <= capacity(); }
  virtual void AddEntry(absl::Time now, int64_t amount) = 0;
  virtual void CorrectEntry(absl::Time added_at, absl::Time now, int64_t delta) = 0;

 private:
  WindowSpec spec_;
  int64_t max_used_ = 0;
};

std::unique_ptr<Window> MakeWindow(const WindowSpec& spec);

}  // namespace chain429::sim
