#include "dataplane/admin/worker_counters.h"

#include <atomic>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Counters, HistogramPutsEachValueInTheFirstBucketThatTakesIt) {
  LatencyHistogram histogram;
  histogram.Observe(absl::Microseconds(100));
  histogram.Observe(absl::Microseconds(101));
  histogram.Observe(absl::Hours(1));
  histogram.Observe(absl::Seconds(-1));
  EXPECT_EQ(histogram.bucket(0), 2u);
  EXPECT_EQ(histogram.bucket(1), 1u);
  EXPECT_EQ(histogram.bucket(LatencyHistogram::kBuckets - 1), 1u);
  EXPECT_EQ(histogram.sum_micros(), 201u + 3'600'000'000u);
}

TEST(Counters, TargetIsFoundAgain) {
  TargetTable table;
  table.For(TargetId(1), "a").Count(Outcome::kOk);
  table.For(TargetId(2), "b").Count(Outcome::kOk);
  table.For(TargetId(1), "a").Count(Outcome::kOk);
  EXPECT_EQ(table.For(TargetId(1), "a").outcomes[0].value(), 2u);
}

TEST(Counters, TargetsBeyondTheLimitShareOneEntry) {
  TargetTable table;
  for (uint64_t i = 1; i <= TargetTable::kMaxTargets + 50; ++i)
    table.For(TargetId(i), "t" + std::to_string(i)).prompt_tokens.Add(1);
  size_t entries = 0;
  uint64_t other = 0;
  for (const auto* entry = table.first(); entry != nullptr; entry = entry->next) {
    ++entries;
    if (entry->name == "other") other = entry->counters.prompt_tokens.value();
  }
  EXPECT_EQ(entries, TargetTable::kMaxTargets + 1);
  EXPECT_EQ(other, 50u);
}

TEST(Counters, ScrapeMayReadWhileTheWorkerAdds) {
  TargetTable table;
  std::atomic<bool> done{false};
  std::thread scraper([&] {
    uint64_t last = 0;
    while (!done) {
      uint64_t sum = 0;
      for (const auto* entry = table.first(); entry != nullptr; entry = entry->next)
        sum += entry->counters.prompt_tokens.value();
      EXPECT_GE(sum, last);
      last = sum;
    }
  });
  for (uint64_t i = 1; i <= 1000; ++i) table.For(TargetId(i), "t").prompt_tokens.Add(i);
  done = true;
  scraper.join();
}

TEST(Counters, AnswersCountByTheirFirstDigit) {
  WorkerCounters counters;
  for (const int status : {200, 204, 429, 502, 0, 999}) counters.CountAnswer(status);
  EXPECT_EQ(counters.requests[2].value(), 2u);
  EXPECT_EQ(counters.requests[4].value(), 1u);
  EXPECT_EQ(counters.requests[5].value(), 1u);
  EXPECT_EQ(counters.requests[0].value(), 2u);
}

}  // namespace
}  // namespace chain429
