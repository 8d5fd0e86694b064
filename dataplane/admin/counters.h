#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace chain429 {

// A number with one writer (its worker) that a scrape on another thread may read. No read-modify-write: a relaxed load
// and store compile to a plain add.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  // For gauges: what goes up comes down.
  void Sub(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Upper bounds of the histograms' buckets, in microseconds; a further bucket takes the rest. From a permit out of the
// desk (well below 1 ms) to a slow model's first token (minutes).
inline constexpr std::array<uint64_t, 16> kLatencyBoundsMicros = {
    100,    250,     500,     1'000,     2'500,     5'000,      10'000,     25'000,
    50'000, 100'000, 250'000, 1'000'000, 2'500'000, 10'000'000, 30'000'000, 120'000'000};

class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = kLatencyBoundsMicros.size() + 1;

  void Observe(absl::Duration latency) {
    const int64_t micros = absl::ToInt64Microseconds(latency);
    const uint64_t value = micros > 0 ? static_cast<uint64_t>(micros) : 0;
    size_t bucket = 0;
    while (bucket < kLatencyBoundsMicros.size() && value > kLatencyBoundsMicros[bucket]) ++bucket;
    buckets_[bucket].Add();
    sum_micros_.Add(value);
  }
  uint64_t bucket(size_t i) const { return buckets_[i].value(); }
  uint64_t sum_micros() const { return sum_micros_.value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_micros_;
};

}  // namespace chain429
