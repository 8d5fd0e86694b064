#include "dataplane/http/traceparent.h"

#include <algorithm>

namespace chain429 {
namespace {

constexpr size_t kVersion = 2;
constexpr size_t kTraceId = 32;
constexpr size_t kParentId = 16;
constexpr size_t kFlags = 2;
constexpr size_t kLength = kVersion + 1 + kTraceId + 1 + kParentId + 1 + kFlags;

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

int Digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

}  // namespace

std::optional<TraceParent> ParseTraceparent(std::string_view value) {
  if (value.size() < kLength) return std::nullopt;
  const std::string_view version = value.substr(0, kVersion);
  const std::string_view trace_id = value.substr(kVersion + 1, kTraceId);
  const std::string_view parent_id = value.substr(kVersion + 1 + kTraceId + 1, kParentId);
  const std::string_view flags = value.substr(kLength - kFlags, kFlags);
  for (const size_t dash : {kVersion, kVersion + 1 + kTraceId, kLength - kFlags - 1}) {
    if (value[dash] != '-') return std::nullopt;
  }
  if (!IsHex(version) || version == "ff" || !IsHex(trace_id) || !IsHex(parent_id) || !IsHex(flags)) return std::nullopt;
  if (IsZero(trace_id) || IsZero(parent_id)) return std::nullopt;
  // Later versions may say more behind another dash; version 00 has nothing there.
  if (value.size() > kLength && (version == "00" || value[kLength] != '-')) return std::nullopt;
  return TraceParent{trace_id, parent_id, (Digit(flags[1]) & 1) != 0};
}

std::string FormatTraceparent(std::string_view trace_id, uint64_t span, bool sampled) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (span == 0) span = 1;
  std::string value = "00-";
  value.reserve(kLength);
  value.append(trace_id).push_back('-');
  for (int shift = 60; shift >= 0; shift -= 4) value.push_back(kDigits[(span >> shift) & 15]);
  // Of the flags only the one that this version knows goes on.
  value.append(sampled ? "-01" : "-00");
  return value;
}

}  // namespace chain429
