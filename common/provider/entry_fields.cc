#include "common/provider/entry_fields.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/model/charging.h"

namespace chain429 {

EntryFields::EntryFields(const nlohmann::json& value, std::string path, std::vector<std::string>& faults)
    : value_(value), path_(std::move(path)), faults_(faults) {
  if (!value_.is_object()) faults_.push_back(absl::StrCat(path_, ": an object is wanted"));
}

const nlohmann::json* EntryFields::Any(std::string_view key) {
  known_.emplace(key);
  if (!value_.is_object()) return nullptr;
  const auto found = value_.find(std::string(key));
  return found == value_.end() ? nullptr : &*found;
}

bool EntryFields::Has(std::string_view key) { return Any(key) != nullptr; }

std::string EntryFields::String(std::string_view key, std::string_view fallback) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr) return std::string(fallback);
  if (const std::string* text = value->get_ptr<const std::string*>()) return *text;
  Fault(key, "a string is wanted");
  return std::string(fallback);
}

bool EntryFields::Bool(std::string_view key, bool fallback) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr) return fallback;
  if (const bool* flag = value->get_ptr<const bool*>()) return *flag;
  Fault(key, "true or false is wanted");
  return fallback;
}

int64_t EntryFields::Count(std::string_view key, int64_t fallback) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr) return fallback;
  const int64_t* number = value->get_ptr<const int64_t*>();
  if (number != nullptr && *number >= 0) return *number;
  Fault(key, "a whole number from 0 on is wanted");
  return fallback;
}

int64_t EntryFields::Credits(std::string_view key, int64_t fallback) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr) return fallback;
  std::string text;
  const std::optional<int64_t> micros = ScalarToText(*value, text) ? ParseCredits(text) : std::nullopt;
  if (micros) return *micros;
  Fault(key, "a number from 0 on such as 0.05, with at most six digits after its point, is wanted");
  return fallback;
}

absl::Duration EntryFields::Duration(std::string_view key, absl::Duration fallback) {
  if (!Has(key)) return fallback;
  const absl::StatusOr<absl::Duration> duration = ParseConfigDuration(String(key));
  if (duration.ok()) return *duration;
  Fault(key, FromAbsl(duration.status().message()));
  return fallback;
}

std::vector<std::string> EntryFields::Strings(std::string_view key) {
  const nlohmann::json* value = Any(key);
  std::vector<std::string> strings;
  if (value == nullptr) return strings;
  std::string text;
  if (ScalarToText(*value, text)) {
    strings.push_back(std::move(text));
    return strings;
  }
  if (!value->is_array() || value->empty()) {
    Fault(key, "a string or a list of strings is wanted");
    return strings;
  }
  for (const nlohmann::json& item : *value) {
    if (ScalarToText(item, text)) {
      strings.push_back(text);
    } else {
      Fault(key, "every item has to be a string or a number");
    }
  }
  return strings;
}

size_t EntryFields::Word(std::string_view key, std::span<const std::string_view> words, size_t fallback) {
  if (!Has(key)) return fallback;
  const std::string word = String(key);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return i;
  }
  std::string all;
  for (const std::string_view known : words) absl::StrAppend(&all, all.empty() ? "" : ", ", ToAbsl(known));
  Fault(key, absl::StrCat("\"", word, "\" is none of ", all));
  return fallback;
}

const nlohmann::json* EntryFields::Object(std::string_view key) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr || value->is_object()) return value;
  Fault(key, "an object is wanted");
  return nullptr;
}

const nlohmann::json* EntryFields::List(std::string_view key) {
  const nlohmann::json* value = Any(key);
  if (value == nullptr || value->is_array()) return value;
  Fault(key, "a list is wanted");
  return nullptr;
}

std::string EntryFields::PathOf(std::string_view key) const { return absl::StrCat(path_, ".", ToAbsl(key)); }

void EntryFields::Fault(std::string_view key, std::string_view what) {
  faults_.push_back(absl::StrCat(PathOf(key), ": ", ToAbsl(what)));
}

void EntryFields::Done() {
  if (!value_.is_object()) return;
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto& [key, unused] : value_.items()) {
    if (known_.contains(key)) continue;
    const std::optional<std::string> meant = DidYouMean(key, names);
    Fault(key, meant ? absl::StrCat("unknown key; did you mean \"", *meant, "\"?") : "unknown key");
  }
}

bool ScalarToText(const nlohmann::json& value, std::string& out) {
  if (const std::string* text = value.get_ptr<const std::string*>()) {
    out = *text;
    return true;
  }
  if (!value.is_number()) return false;
  out = value.dump();
  return true;
}

}  // namespace chain429
