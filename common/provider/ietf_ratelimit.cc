#include "common/provider/ietf_ratelimit.h"

#include <array>
#include <cstddef>
#include <span>

#include "common/base/text.h"
#include "common/provider/durations.h"

namespace chain429 {
namespace {

constexpr size_t kMaxItems = 8;
constexpr size_t kMaxNames = 3;

// One list item: its quoted strings, its parameters, and the bare number that older policies begin with.
struct Item {
  std::array<std::string_view, kMaxNames> names;
  size_t name_count = 0;
  std::string_view r, t, q, w, unit;
};

// Cuts what stands before the next `separator` outside quotes off the front of `text`.
std::string_view TakeUntil(std::string_view& text, char separator) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      const std::string_view piece = text.substr(0, i);
      text.remove_prefix(i + 1);
      return TrimSpace(piece);
    }
  }
  const std::string_view piece = text;
  text = {};
  return TrimSpace(piece);
}

std::string_view Unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

Item ParseItem(std::string_view text) {
  Item item;
  while (!text.empty()) {
    const std::string_view part = TakeUntil(text, ';');
    if (part.empty()) continue;
    const size_t equals = part.front() == '"' ? std::string_view::npos : part.find('=');
    if (equals == std::string_view::npos) {
      if (ParseCount(part)) {
        item.q = part;
      } else if (item.name_count < kMaxNames) {
        item.names[item.name_count++] = Unquoted(part);
      }
      continue;
    }
    const std::string_view key = TrimSpace(part.substr(0, equals));
    const std::string_view value = Unquoted(TrimSpace(part.substr(equals + 1)));
    if (key == "r" || key == "remaining") item.r = value;
    if (key == "t" || key == "reset") item.t = value;
    if (key == "q" || key == "limit") item.q = value;
    if (key == "w") item.w = value;
    if (key == "qu") item.unit = value;
  }
  return item;
}

size_t ParseList(std::string_view text, std::array<Item, kMaxItems>& items) {
  size_t count = 0;
  while (!text.empty() && count < kMaxItems) {
    const std::string_view piece = TakeUntil(text, ',');
    if (!piece.empty()) items[count++] = ParseItem(piece);
  }
  return count;
}

// Draft 07 spreads one state over list items ("limit=100, remaining=50, reset=30"): without names they are one.
size_t JoinNameless(std::array<Item, kMaxItems>& items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (items[i].name_count != 0) return count;
  }
  for (size_t i = 1; i < count; ++i) {
    if (!items[i].r.empty()) items[0].r = items[i].r;
    if (!items[i].t.empty()) items[0].t = items[i].t;
    if (!items[i].q.empty()) items[0].q = items[i].q;
  }
  return count == 0 ? 0 : 1;
}

bool SharesName(const Item& a, const Item& b) {
  if (a.name_count == 0 && b.name_count == 0) return true;
  for (size_t i = 0; i < a.name_count; ++i) {
    for (size_t j = 0; j < b.name_count; ++j) {
      if (a.names[i] == b.names[j]) return true;
    }
  }
  return false;
}

bool CountsUnit(std::string_view unit, Unit& out) {
  if (unit.empty() || unit == "requests" || unit == "request") {
    out = Unit::kRequests;
    return true;
  }
  if (unit == "tokens" || unit == "token") {
    out = Unit::kTokens;
    return true;
  }
  return false;
}

void Emit(const Item& state, const Item& policy, std::vector<Reading>& out) {
  Reading reading;
  if (!CountsUnit(policy.unit.empty() ? state.unit : policy.unit, reading.unit)) return;
  if (const auto limit = ParseCount(policy.q.empty() ? state.q : policy.q)) reading.limit = *limit;
  if (const auto remaining = ParseCount(state.r)) reading.remaining = *remaining;
  if (const auto reset = ParseSeconds(state.t)) reading.reset_after = *reset;
  if (const auto window = ParseSeconds(policy.w.empty() ? state.w : policy.w)) reading.window = *window;
  if (reading.limit >= 0 || reading.remaining >= 0) out.push_back(reading);
}

}  // namespace

void ReadIetfRateLimit(std::string_view state_text, std::string_view policy_text, std::vector<Reading>& out) {
  std::array<Item, kMaxItems> states;
  std::array<Item, kMaxItems> policies;
  const size_t state_count = JoinNameless(states, ParseList(state_text, states));
  const size_t policy_count = ParseList(policy_text, policies);
  std::array<bool, kMaxItems> used{};
  const Item none;
  for (size_t i = 0; i < state_count; ++i) {
    size_t match = policy_count;
    for (size_t j = 0; j < policy_count && match == policy_count; ++j) {
      if (!used[j] && SharesName(states[i], policies[j])) match = j;
    }
    if (match == policy_count && state_count == 1 && policy_count == 1) match = 0;
    if (match < policy_count) used[match] = true;
    Emit(states[i], match < policy_count ? policies[match] : none, out);
  }
  for (size_t j = 0; j < policy_count; ++j) {
    if (!used[j]) Emit(none, policies[j], out);
  }
}

}  // namespace chain429
