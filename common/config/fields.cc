#include "common/config/fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"
#include "common/config/suggest.h"
#include "common/model/charging.h"

namespace chain429 {
namespace {

// `value` in quotes, where it may be shown.
std::string Shown(std::string_view value, const ConfigPlace& place) {
  return place.secret || LooksLikeKey(value) ? "this" : absl::StrCat("\"", Truncate(value, 80), "\"");
}

std::string Listed(std::span<const std::string_view> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : (i + 1 == words.size() ? " or " : ", "), ToAbsl(words[i]));
  }
  return out;
}

}  // namespace

std::string NotSupportedYet(std::string_view what) { return absl::StrCat(ToAbsl(what), ": not supported yet"); }

void ValueReader::WrongType(const ConfigNode& node, const ConfigPlace& place, std::string_view expected) const {
  std::string message = absl::StrCat("expected ", ToAbsl(expected), ", found ", ToAbsl(KindName(node.kind)));
  const bool scalar = node.kind == NodeKind::kInteger || node.kind == NodeKind::kFloat || node.kind == NodeKind::kBool;
  if (expected == "a string" && scalar) message += " (put it in quotes)";
  if (node.kind == NodeKind::kString && PlainKind(node.text) != NodeKind::kString && expected != "a string")
    message += " (remove the quotes)";
  problems_.Error(node.at, place.path, message);
}

std::optional<std::string> ValueReader::String(const ConfigNode& node, const ConfigPlace& place) const {
  if (node.kind == NodeKind::kString) return node.text;
  WrongType(node, place, "a string");
  return std::nullopt;
}

std::optional<std::string> ValueReader::Name(const ConfigNode& node, const ConfigPlace& place) const {
  std::optional<std::string> text = String(node, place);
  if (!text || IsName(*text)) return text;
  Error(node.at, place,
        absl::StrCat(Shown(*text, place),
                     " is not a name: at most 63 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first"));
  return std::nullopt;
}

std::optional<bool> ValueReader::Bool(const ConfigNode& node, const ConfigPlace& place) const {
  if (node.kind == NodeKind::kBool) return LowerAscii(node.text) == "true";
  WrongType(node, place, "true or false");
  return std::nullopt;
}

std::optional<int64_t> ValueReader::Integer(const ConfigNode& node, const ConfigPlace& place, int64_t least,
                                            int64_t most) const {
  if (node.kind != NodeKind::kInteger) {
    WrongType(node, place, "a whole number");
    return std::nullopt;
  }
  std::string_view digits = node.text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0o")) {
    base = digits[1] == 'x' ? 16 : 8;
    digits.remove_prefix(2);
  } else if (digits.starts_with("+")) {
    digits.remove_prefix(1);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most) return value;
  const bool small = digits.starts_with("-") || (error == std::errc() && value < least);
  Error(node.at, place, small ? absl::StrCat("must be at least ", least) : absl::StrCat("must be at most ", most));
  return std::nullopt;
}

std::optional<int64_t> ValueReader::Credits(const ConfigNode& node, const ConfigPlace& place, bool zero_allowed) const {
  if (node.kind != NodeKind::kInteger && node.kind != NodeKind::kFloat) {
    WrongType(node, place, "a number");
    return std::nullopt;
  }
  const std::optional<int64_t> micros = ParseCredits(node.text);
  if (micros && (*micros > 0 || zero_allowed)) return micros;
  Error(node.at, place,
        micros ? "must be more than 0"
               : "must be a plain number such as 0.05, at most 1000000000, with at most six digits after its point");
  return std::nullopt;
}

std::optional<absl::Duration> ValueReader::Duration(const ConfigNode& node, const ConfigPlace& place,
                                                    bool zero_allowed) const {
  if (node.kind == NodeKind::kInteger || node.kind == NodeKind::kFloat) {
    Error(node.at, place, "a duration needs a unit: 500ms, 3s, 10m, 1h");
    return std::nullopt;
  }
  if (node.kind != NodeKind::kString) {
    WrongType(node, place, "a duration such as 3s");
    return std::nullopt;
  }
  const absl::StatusOr<absl::Duration> parsed = ParseConfigDuration(node.text);
  if (!parsed.ok()) {
    Error(node.at, place, LooksLikeKey(node.text) ? "not a duration" : FromAbsl(parsed.status().message()));
    return std::nullopt;
  }
  if (*parsed == absl::ZeroDuration() && !zero_allowed) {
    Error(node.at, place, "must be longer than 0s");
    return std::nullopt;
  }
  return *parsed;
}

std::optional<size_t> ValueReader::Choice(const ConfigNode& node, const ConfigPlace& place,
                                          std::span<const std::string_view> words) const {
  if (node.kind != NodeKind::kString) {
    WrongType(node, place, Listed(words));
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  const std::vector<std::string> candidates(words.begin(), words.end());
  Error(node.at, place, absl::StrCat(Shown(node.text, place), " is not known here: write ", Listed(words)),
        Suggest(node.text, candidates));
  return std::nullopt;
}

bool ValueReader::IsMapping(const ConfigNode& node, const ConfigPlace& place) const {
  if (node.kind == NodeKind::kMapping) return true;
  WrongType(node, place, "a mapping");
  return false;
}

bool ValueReader::IsSequence(const ConfigNode& node, const ConfigPlace& place) const {
  if (node.kind == NodeKind::kSequence) return true;
  WrongType(node, place, "a list");
  return false;
}

ConfigFields::ConfigFields(const ConfigNode& node, ConfigPlace place, const ValueReader& read)
    : node_(node), place_(std::move(place)), read_(read), valid_(read.IsMapping(node, place_)) {}

const ConfigMember* ConfigFields::Take(std::string_view key) {
  known_.emplace_back(key);
  const ConfigMember* member = node_.Find(key);
  return member != nullptr && member->value.kind != NodeKind::kNull ? member : nullptr;
}

const ConfigMember* ConfigFields::TakeValue(std::string_view key) {
  known_.emplace_back(key);
  return node_.Find(key);
}

const ConfigMember* ConfigFields::Require(std::string_view key) {
  const ConfigMember* member = TakeValue(key);
  if (member == nullptr && valid_) read_.Error(place_.at, place_, absl::StrCat("\"", ToAbsl(key), "\" is missing"));
  return member;
}

bool ConfigFields::NotYet(std::string_view key, std::string_view what) {
  const ConfigMember* member = Take(key);
  if (member == nullptr) return false;
  read_.Error(member->key_at, place_.Key(*member), NotSupportedYet(what));
  return true;
}

std::optional<std::string> ConfigFields::String(std::string_view key) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.String(member->value, place_.Key(*member));
}

std::optional<std::string> ConfigFields::Name(std::string_view key) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Name(member->value, place_.Key(*member));
}

std::optional<bool> ConfigFields::Bool(std::string_view key) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Bool(member->value, place_.Key(*member));
}

std::optional<int64_t> ConfigFields::Integer(std::string_view key, int64_t least, int64_t most) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Integer(member->value, place_.Key(*member), least, most);
}

std::optional<int64_t> ConfigFields::Credits(std::string_view key, bool zero_allowed) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Credits(member->value, place_.Key(*member), zero_allowed);
}

std::optional<absl::Duration> ConfigFields::Duration(std::string_view key, bool zero_allowed) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Duration(member->value, place_.Key(*member), zero_allowed);
}

std::optional<size_t> ConfigFields::Choice(std::string_view key, std::span<const std::string_view> words) {
  const ConfigMember* member = TakeValue(key);
  return member == nullptr ? std::nullopt : read_.Choice(member->value, place_.Key(*member), words);
}

void ConfigFields::Finish() const {
  for (const ConfigMember& member : node_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    const std::string meant = Suggest(member.key, known_);
    const bool shown = place_.secret ? !meant.empty() || IsHarmlessKey(member.key) : !LooksLikeKey(member.key);
    if (shown) {
      const std::string message = absl::StrCat("unknown key \"", Truncate(member.key, 80), "\"");
      read_.problems().Error(member.key_at, PathOfKey(place_.path, member.key), message, meant);
    } else {
      read_.problems().Error(member.key_at, place_.path, "unknown key");
    }
  }
}

}  // namespace chain429
