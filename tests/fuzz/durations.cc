#include "common/provider/durations.h"

#include "common/base/text.h"
#include "common/provider/prose.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

void CheckWait(std::optional<absl::Duration> wait) {
  if (wait) FUZZ_ASSERT(*wait >= absl::ZeroDuration() && *wait <= kLongestWait);
}

void CheckTime(std::optional<absl::Time> time) {
  if (time) FUZZ_ASSERT(*time > absl::UnixEpoch() - absl::Hours(24) && *time < absl::FromUnixSeconds(253'402'400'000));
}

// What a configuration may say: zero or more, and written out it reads the same, but for fractions of a millisecond.
void CheckConfigDuration(std::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseConfigDuration(text);
  if (!duration.ok()) return;
  FUZZ_ASSERT(*duration >= absl::ZeroDuration() && *duration < absl::InfiniteDuration());
  const absl::StatusOr<absl::Duration> again = ParseConfigDuration(chain429::FormatDuration(*duration));
  FUZZ_ASSERT(again.ok() && *again == absl::Trunc(*duration, absl::Milliseconds(1)));
  FUZZ_ASSERT(!HumanDuration(*duration).empty());
  FUZZ_ASSERT(absl::Seconds(CeilSeconds(*duration)) >= *duration);
}

void CheckOneInput(std::string_view bytes) {
  const ExactBytes exact(bytes);
  const std::string_view text = exact.view();
  const absl::Time now = absl::FromUnixSeconds(1'764'000'000);
  constexpr int64_t kMostCount = 1'000'000'000'000'000'000;
  if (const auto count = ParseCount(text)) FUZZ_ASSERT(*count >= 0 && *count <= kMostCount);
  CheckWait(ParseSeconds(text));
  CheckWait(ParseMilliseconds(text));
  CheckWait(ParseUnitDuration(text));
  CheckWait(ParseResetNumber(text, now));
  CheckWait(ParseReset(text, now));
  CheckWait(ParseRetryAfter(text, now));
  CheckTime(ParseRfc3339(text));
  CheckTime(ParseHttpDate(text));
  // A negative wait is unknown, not none.
  if (TrimSpace(text).starts_with('-')) {
    FUZZ_ASSERT(!ParseSeconds(text) && !ParseMilliseconds(text) && !ParseUnitDuration(text) && !ParseCount(text));
    FUZZ_ASSERT(!ParseResetNumber(text, now));
  }
  if (const auto seconds = ParseSeconds(text)) {
    const auto milliseconds = ParseMilliseconds(text);
    FUZZ_ASSERT(milliseconds && *milliseconds <= *seconds);
  }
  CheckConfigDuration(text);

  CheckWait(FindDelay(text));
  const std::vector<StatedLimit> limits = FindLimits(text);
  constexpr size_t kMostLimits = 8;
  FUZZ_ASSERT(limits.size() <= kMostLimits);
  for (const StatedLimit& limit : limits) {
    FUZZ_ASSERT(limit.window >= absl::ZeroDuration() && limit.window < absl::InfiniteDuration());
    FUZZ_ASSERT(limit.limit >= -1 && limit.used >= -1 && limit.requested >= -1);
  }
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
