// The spelling of limits in scenarios and in POST /__sim/limits.
#include <algorithm>

#include "tests/sim/scenario.h"

namespace chain429::sim {
namespace {

constexpr char kKindWords[] = "must be one of sliding, fixed, bucket";

const std::vector<Fields::Choice<WindowKind>>& Kinds() {
  static const auto* kinds = new std::vector<Fields::Choice<WindowKind>>{
      {"sliding", WindowKind::kSliding}, {"fixed", WindowKind::kFixed}, {"bucket", WindowKind::kBucket}};
  return *kinds;
}

// "08:30", or "first": a window begins with the first use.
void ReadAnchor(Fields& fields, WindowSpec* window) {
  std::string anchor;
  fields.Text("anchor", &anchor);
  if (anchor.empty()) return;
  if (anchor == "first") {
    window->from_first = true;
    return;
  }
  bool shaped = anchor.size() == 5 && anchor[2] == ':' &&
                anchor.find_first_not_of("0123456789:") == std::string::npos &&
                std::count(anchor.begin(), anchor.end(), ':') == 1;
  int hours = shaped ? std::stoi(anchor.substr(0, 2)) : 24;
  int minutes = shaped ? std::stoi(anchor.substr(3)) : 60;
  if (hours > 23 || minutes > 59) return fields.Wrong("anchor", "must be HH:MM or first");
  window->from_first = false;
  window->anchor = absl::Hours(hours) + absl::Minutes(minutes);
}

void ReadWindow(const Json& value, const std::string& path, Problems* problems, WindowSpec* window) {
  if (value.is_string()) {
    auto kind = std::find_if(Kinds().begin(), Kinds().end(),
                             [&](const auto& choice) { return choice.word == value.get_ref<const std::string&>(); });
    if (kind == Kinds().end()) return problems->Add(path, kKindWords);
    window->kind = kind->value;
    return;
  }
  Fields fields(value, path, problems);
  fields.OneOf("kind", Kinds(), &window->kind);
  fields.Time("length", &window->length);
  if (window->length <= absl::ZeroDuration()) fields.Wrong("length", "must be above zero");
  fields.Whole("burst", 1, &window->burst);
  ReadAnchor(fields, window);
  std::string zone;
  fields.Text("zone", &zone);
  if (!zone.empty() && !absl::LoadTimeZone(zone, &window->zone)) {
    fields.Wrong("zone", "is not a known time zone (is tzdata installed?)");
  }
}

LimitSetSpec ReadLimitSet(const Json& object, const std::string& path, Problems* problems) {
  LimitSetSpec set;
  Fields fields(object, path, problems);
  enum class Scope { kAccount, kModel };
  Scope scope = Scope::kAccount;
  fields.OneOf<Scope>("scope", {{"account", Scope::kAccount}, {"model", Scope::kModel}}, &scope);
  set.per_model = scope == Scope::kModel;
  fields.Text("model", &set.model);
  fields.Whole("concurrency", 0, &set.concurrency);
  fields.OneOf<Charge>(
      "charge", {{"on_use", Charge::kOnUse}, {"up_front", Charge::kUpFront}, {"up_front_kept", Charge::kUpFrontKept}},
      &set.charge);
  fields.Whole("default_max_tokens", 0, &set.default_max_tokens);
  fields.Flag("count_refused", &set.count_refused);

  const Json* all = fields.Find("window");
  const Json* each = fields.Find("windows");
  static const Json* none = new Json(Json::object());
  Fields per_limit(each == nullptr ? *none : *each, fields.Path("windows"), problems);
  for (LimitName name : kWindowLimits) {
    std::string key(LimitKey(name));
    int64_t limit = 0;
    fields.Whole(key, 1, &limit);
    const Json* special = per_limit.Find(key);
    WindowSpec window;
    window.length = UsualLength(name);
    if (all != nullptr) ReadWindow(*all, fields.Path("window"), problems, &window);
    if (special != nullptr) ReadWindow(*special, per_limit.Path(key), problems, &window);
    if (special != nullptr && limit == 0) per_limit.Wrong(key, "has a window but no limit");
    window.limit = limit;
    if (limit > 0) set.windows[static_cast<size_t>(name)] = window;
  }
  return set;
}

}  // namespace

std::vector<LimitSetSpec> ReadLimitSets(const Json& value, const std::string& path, Problems* problems) {
  if (!value.is_array()) return {ReadLimitSet(value, path, problems)};
  std::vector<LimitSetSpec> sets;
  for (size_t i = 0; i < value.size(); ++i) {
    sets.push_back(ReadLimitSet(value[i], path + "[" + std::to_string(i) + "]", problems));
  }
  return sets;
}

}  // namespace chain429::sim
