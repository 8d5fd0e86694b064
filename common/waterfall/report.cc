#include "common/waterfall/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMaxTrailBytes = 2048;
constexpr size_t kMaxReasonBytes = 160;
constexpr size_t kMaxMessageBytes = 300;

// Names may hold any character that a model's name has; in a header only visible ASCII without the grammar's own signs
// may stand.
void AppendName(std::string& out, std::string_view name) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != ',' && c != ';' && c != '%') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

// Unknown, or never: there is no time to tell.
bool HasTime(const Hop& hop) { return hop.opens != MonoTime() && hop.opens != MonoTime::Max(); }

int64_t RetrySeconds(const Hop& hop, MonoTime now) { return std::max<int64_t>(1, CeilSeconds(hop.opens - now)); }

void AppendItem(std::string& out, const Hop& hop, std::string_view name, MonoTime now) {
  AppendName(out, name);
  out.append(";o=").append(OutcomeName(hop.outcome));
  if (hop.status != 0) absl::StrAppend(&out, ";s=", hop.status);
  if (hop.called) absl::StrAppend(&out, ";ms=", absl::ToInt64Milliseconds(hop.latency));
  if (hop.outcome != Outcome::kOk && HasTime(hop)) absl::StrAppend(&out, ";retry=", RetrySeconds(hop, now));
}

std::string Why(const Hop& hop, MonoTime now) {
  std::string why;
  if (hop.outcome == Outcome::kSkippedCooldown) {
    why = "on cooldown";
  } else if (hop.outcome == Outcome::kSkippedQuota) {
    why = "no quota left";
  } else if (!hop.called && !hop.message.empty()) {
    why = hop.message;
  } else if (hop.status != 0) {
    why = absl::StrCat(hop.status);
    if (hop.status < 400) absl::StrAppend(&why, " ", ToAbsl(OutcomeName(hop.outcome)));
  } else {
    why = std::string(OutcomeName(hop.outcome));
    // Whether a name, a certificate or a proxy is at fault is for the reader to mend, so it is said here.
    if (hop.outcome == Outcome::kConnect && !hop.message.empty())
      absl::StrAppend(&why, ": ", Truncate(hop.message, kMaxReasonBytes));
  }
  if (HasTime(hop)) absl::StrAppend(&why, ", resets in ", HumanDuration(std::max(hop.opens - now, absl::Seconds(1))));
  return why;
}

}  // namespace

void AppendTrail(std::string& out, const Hops& hops, NameOf name_of, MonoTime now) {
  const size_t limit = out.size() + kMaxTrailBytes;
  for (size_t i = 0; i < hops.size(); ++i) {
    const size_t before = out.size();
    if (i > 0) out.append(", ");
    AppendItem(out, hops[i], name_of(hops[i].candidate), now);
    const size_t room_for_count = i + 1 < hops.size() ? 12 : 0;
    if (out.size() + room_for_count > limit) {
      out.resize(before);
      absl::StrAppend(&out, i > 0 ? ", " : "", "…+", hops.size() - i);
      return;
    }
  }
}

std::string ExhaustionMessage(const Hops& hops, std::string_view chain, NameOf name_of, MonoTime now) {
  if (hops.empty()) return absl::StrCat("No target of \"", ToAbsl(chain), "\" could be tried in time.");
  const auto called = std::count_if(hops.begin(), hops.end(), [](const Hop& hop) { return hop.called; });
  std::string out = called == 0 ? absl::StrCat("None of the ", hops.size(), hops.size() == 1 ? " target" : " targets",
                                               " of \"", ToAbsl(chain), "\" can take a request now: ")
                                : absl::StrCat("Tried ", hops.size(), hops.size() == 1 ? " target" : " targets",
                                               " of \"", ToAbsl(chain), "\": ");
  for (size_t i = 0; i < hops.size(); ++i) {
    absl::StrAppend(&out, i > 0 ? "; " : "", ToAbsl(name_of(hops[i].candidate)), " ", Why(hops[i], now));
  }
  out.push_back('.');
  return out;
}

std::string AttemptsJson(const Hops& hops, NameOf name_of, MonoTime now) {
  std::string out = "[";
  for (const Hop& hop : hops) {
    if (out.size() > 1) out.push_back(',');
    out.append(R"({"target":")");
    AppendJsonEscaped(out, name_of(hop.candidate));
    absl::StrAppend(&out, R"(","outcome":")", ToAbsl(OutcomeName(hop.outcome)), "\"");
    if (hop.status != 0) absl::StrAppend(&out, R"(,"status":)", hop.status);
    if (HasTime(hop)) absl::StrAppend(&out, R"(,"retry_after_s":)", RetrySeconds(hop, now));
    if (hop.called) absl::StrAppend(&out, R"(,"latency_ms":)", absl::ToInt64Milliseconds(hop.latency));
    if (!hop.message.empty()) {
      out.append(R"(,"message":")");
      AppendJsonEscaped(out, Truncate(hop.message, kMaxMessageBytes));
      out.push_back('"');
    }
    out.push_back('}');
  }
  return out.append("]");
}

void AppendChainField(std::string& out, std::string_view chain) {
  out.append("x-429chain-chain: ");
  AppendName(out, chain);
  out.append("\r\n");
}

void AppendChainHead(std::string& out, std::string_view chain, const Hops& hops, int target, int attempts,
                     NameOf name_of, MonoTime now) {
  AppendChainField(out, chain);
  if (target >= 0) {
    out.append("x-429chain-target: ");
    AppendName(out, name_of(static_cast<uint32_t>(target)));
    out.append("\r\n");
  }
  absl::StrAppend(&out, "x-429chain-attempts: ", attempts, "\r\nx-429chain-trail: ");
  AppendTrail(out, hops, name_of, now);
  out.append("\r\n");
}

}  // namespace chain429
