#include "tests/sim/fields.h"

#include <algorithm>

#include "tests/sim/duration_text.h"

namespace chain429::sim {
namespace {

// The least number of letters to insert, drop, replace or swap with their neighbour.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({replaced, d[i - 1][j] + 1, d[i][j - 1] + 1});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

void Problems::Add(const std::string& path, const std::string& what) {
  // A path without a place of its own (a missing key) is reported where its parent stands.
  std::string parent = path;
  auto place = document_.places.find(parent);
  while (place == document_.places.end() && !parent.empty()) {
    size_t end = parent.find_last_of(".[");
    parent.resize(end == std::string::npos ? 0 : end);
    place = document_.places.find(parent);
  }
  std::string line = document_.name;
  if (place != document_.places.end()) line += ":" + place->second;
  if (!line.empty()) line += ": ";
  line += (path.empty() ? "" : path + ": ") + what;
  // A value that several fields are read from is reported once.
  if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(line);
}

absl::Status Problems::status() const {
  if (lines_.empty()) return absl::OkStatus();
  std::string all;
  for (const std::string& line : lines_) all += (all.empty() ? "" : "\n") + line;
  return absl::InvalidArgumentError(all);
}

Fields::Fields(const Json& object, std::string path, Problems* problems)
    : object_(object), path_(std::move(path)), problems_(problems) {
  if (!object_.is_object()) problems_->Add(path_, "must be a mapping");
}

Fields::~Fields() {
  if (!object_.is_object()) return;
  for (const auto& item : object_.items()) {
    if (known_.contains(item.key())) continue;
    auto nearest = std::min_element(known_.begin(), known_.end(), [&](const std::string& a, const std::string& b) {
      return Distance(a, item.key()) < Distance(b, item.key());
    });
    bool near = nearest != known_.end() && Distance(*nearest, item.key()) <= 3;
    Wrong(item.key(), near ? "unknown key; did you mean " + *nearest + "?" : "unknown key");
  }
}

bool Fields::Has(const std::string& key) { return Find(key) != nullptr; }

const Json* Fields::Find(const std::string& key) {
  known_.insert(key);
  if (!object_.is_object()) return nullptr;
  auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void Fields::Text(const std::string& key, std::string* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return Wrong(key, "must be a text");
  *target = value->get<std::string>();
}

void Fields::Flag(const std::string& key, bool* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Wrong(key, "must be true or false");
  *target = value->get<bool>();
}

void Fields::Whole(const std::string& key, int64_t least, int64_t* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_number_integer() || value->get<int64_t>() < least) {
    return Wrong(key, "must be a whole number of at least " + std::to_string(least));
  }
  *target = value->get<int64_t>();
}

void Fields::Share(const std::string& key, double* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_number() || value->get<double>() < 0 || value->get<double>() > 1) {
    return Wrong(key, "must be a number from 0 to 1");
  }
  *target = value->get<double>();
}

void Fields::Time(const std::string& key, absl::Duration* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  std::optional<absl::Duration> duration;
  if (value->is_string()) duration = ParseDuration(value->get_ref<const std::string&>());
  if (!duration) return Wrong(key, "must be a duration like 500ms, 3s or 1m30s");
  *target = *duration;
}

void Fields::Delay(const std::string& key, Distribution* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  std::optional<Distribution> parsed;
  if (value->is_string()) parsed = ParseDelay(value->get_ref<const std::string&>());
  if (!parsed) return Wrong(key, "must be a duration, uniform:LEAST:MOST or lognormal:MEDIAN:SIGMA[:MOST]");
  *target = *parsed;
}

void Fields::Amount(const std::string& key, Distribution* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  std::optional<Distribution> parsed;
  if (value->is_string()) parsed = ParseAmount(value->get_ref<const std::string&>());
  if (value->is_number_integer() && value->get<int64_t>() >= 0) parsed = ParseAmount(value->dump());
  if (!parsed) return Wrong(key, "must be a number, uniform:LEAST:MOST or lognormal:MEDIAN:SIGMA[:MOST]");
  *target = *parsed;
}

void Fields::Texts(const std::string& key, std::vector<std::string>* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  bool texts =
      value->is_array() && std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_string(); });
  if (!texts) return Wrong(key, "must be a list of texts");
  *target = value->get<std::vector<std::string>>();
}

void Fields::Pairs(const std::string& key, std::vector<std::pair<std::string, std::string>>* target) {
  const Json* value = Find(key);
  if (value == nullptr) return;
  if (!value->is_object()) return Wrong(key, "must be a mapping of names to values");
  target->clear();
  for (const auto& item : value->items()) {
    target->emplace_back(item.key(), item.value().is_string() ? item.value().get<std::string>() : item.value().dump());
  }
}

}  // namespace chain429::sim
