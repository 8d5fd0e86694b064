#include "dataplane/upstream/idle_time.h"

#include <algorithm>
#include <charconv>

#include "common/base/text.h"
#include "dataplane/upstream/upstream_pool.h"

namespace chain429 {
namespace {

constexpr absl::Duration kMargin = absl::Seconds(1);

}  // namespace

absl::Duration IdleTime(std::string_view keep_alive) {
  while (!keep_alive.empty()) {
    const std::string_view parameter = TrimSpace(keep_alive.substr(0, keep_alive.find(',')));
    keep_alive.remove_prefix(std::min(keep_alive.size(), keep_alive.find(',')));
    if (!keep_alive.empty()) keep_alive.remove_prefix(1);
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || !EqualsIgnoreCase(TrimSpace(parameter.substr(0, equals)), "timeout"))
      continue;
    std::string_view digits = TrimSpace(parameter.substr(equals + 1));
    if (digits.starts_with('"') && digits.ends_with('"') && digits.size() > 1)
      digits = digits.substr(1, digits.size() - 2);
    uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc() || end != digits.data() + digits.size()) continue;
    return std::clamp(absl::Seconds(seconds) - kMargin, absl::ZeroDuration(), UpstreamPool::kIdleTime);
  }
  return UpstreamPool::kIdleTime;
}

}  // namespace chain429
