#include "common/config/diff.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"

namespace chain429 {
namespace {

constexpr size_t kMostLines = 200;
constexpr size_t kLongestValue = 120;

bool IsScalar(const ConfigNode& node) { return node.kind != NodeKind::kSequence && node.kind != NodeKind::kMapping; }

bool HoldsSecrets(std::string_view key) {
  constexpr std::array<std::string_view, 6> kKeys = {"auth",        "base_url", "client_keys",
                                                     "credentials", "headers",  "webhooks"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool Equal(const ConfigNode& a, const ConfigNode& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() || a.members.size() != b.members.size())
    return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!Equal(a.items[i], b.items[i])) return false;
  }
  // The order of members matters: it is the order of providers.
  for (size_t i = 0; i < a.members.size(); ++i) {
    if (a.members[i].key != b.members[i].key || !Equal(a.members[i].value, b.members[i].value)) return false;
  }
  return true;
}

void AppendValue(const ConfigNode& node, std::string& out) {
  if (out.size() > kLongestValue) return;
  if (IsScalar(node)) {
    out += node.kind == NodeKind::kNull ? "null" : LooksLikeKey(node.text) ? "(hidden)" : node.text;
    return;
  }
  const bool mapping = node.kind == NodeKind::kMapping;
  out += mapping ? '{' : '[';
  const char* separator = "";
  for (const ConfigMember& member : node.members) {
    absl::StrAppend(&out, separator, member.key, ": ");
    separator = ", ";
    if (HoldsSecrets(member.key)) {
      out += "(hidden)";
    } else {
      AppendValue(member.value, out);
    }
  }
  for (const ConfigNode& item : node.items) {
    out += separator;
    separator = ", ";
    AppendValue(item, out);
  }
  out += mapping ? '}' : ']';
}

std::string Value(const ConfigNode& node) {
  std::string out;
  AppendValue(node, out);
  return Truncate(out, kLongestValue);
}

// The `name` of every item; empty where one has none or two share one: then items are matched by their index.
std::map<std::string, const ConfigNode*> ByName(const ConfigNode& sequence) {
  std::map<std::string, const ConfigNode*> names;
  for (const ConfigNode& item : sequence.items) {
    const ConfigMember* name = item.Find("name");
    if (name == nullptr || name->value.kind != NodeKind::kString || !names.emplace(name->value.text, &item).second)
      return {};
  }
  return names;
}

std::vector<std::string_view> NamesInOrder(const ConfigNode& sequence) {
  std::vector<std::string_view> names;
  for (const ConfigNode& item : sequence.items) names.push_back(item.Find("name")->value.text);
  return names;
}

std::string Named(std::string_view path, const std::string& name) {
  return absl::StrCat(ToAbsl(path), "[", LooksLikeKey(name) ? "(hidden)" : name, "]");
}

class Differ {
 public:
  void Compare(const ConfigNode& before, const ConfigNode& after, const std::string& path, bool secret) {
    if (before.kind == NodeKind::kMapping && after.kind == NodeKind::kMapping) {
      CompareMappings(before, after, path, secret);
    } else if (before.kind == NodeKind::kSequence && after.kind == NodeKind::kSequence) {
      CompareSequences(before, after, path, secret);
    } else if (!Equal(before, after)) {
      Add("changed ", path, secret ? "" : absl::StrCat(": ", Value(before), " -> ", Value(after)));
    }
  }

  std::vector<std::string> Take() {
    if (left_out_ > 0) lines_.push_back(absl::StrCat("and ", left_out_, " more changes"));
    return std::move(lines_);
  }

 private:
  void CompareMappings(const ConfigNode& before, const ConfigNode& after, const std::string& path, bool secret) {
    std::map<std::string_view, const ConfigMember*> old_members;
    std::map<std::string_view, const ConfigMember*> new_members;
    for (const ConfigMember& member : before.members) old_members.emplace(member.key, &member);
    for (const ConfigMember& member : after.members) new_members.emplace(member.key, &member);
    for (const ConfigMember& member : before.members) {
      if (!new_members.contains(member.key))
        One("removed ", member.value, PathOfKey(path, member.key), secret || HoldsSecrets(member.key));
    }
    for (const ConfigMember& member : after.members) {
      const bool hidden = secret || HoldsSecrets(member.key);
      const std::string member_path = PathOfKey(path, member.key);
      if (const auto old = old_members.find(member.key); old != old_members.end()) {
        Compare(old->second->value, member.value, member_path, hidden);
      } else {
        One("added ", member.value, member_path, hidden);
      }
    }
    // Only where order means something, and where nothing else tells of it.
    if (path != "providers" && !path.ends_with(".models")) return;
    std::vector<std::string_view> old_order;
    std::vector<std::string_view> new_order;
    for (const ConfigMember& member : before.members) old_order.push_back(member.key);
    for (const ConfigMember& member : after.members) new_order.push_back(member.key);
    CompareOrder(old_order, new_order, path);
  }

  void CompareOrder(std::vector<std::string_view> before, std::vector<std::string_view> after,
                    const std::string& path) {
    if (before == after) return;
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    if (before == after) Add("reordered ", path, "");
  }

  void CompareSequences(const ConfigNode& before, const ConfigNode& after, const std::string& path, bool secret) {
    const std::map<std::string, const ConfigNode*> old_names = ByName(before);
    const std::map<std::string, const ConfigNode*> new_names = ByName(after);
    if (old_names.size() == before.items.size() && new_names.size() == after.items.size() &&
        old_names.size() + new_names.size() > 0) {
      for (const auto& [name, node] : old_names) {
        if (!new_names.contains(name)) One("removed ", *node, Named(path, name), secret);
      }
      for (const auto& [name, node] : new_names) {
        if (const auto old = old_names.find(name); old != old_names.end()) {
          Compare(*old->second, *node, Named(path, name), secret);
        } else {
          One("added ", *node, Named(path, name), secret);
        }
      }
      CompareOrder(NamesInOrder(before), NamesInOrder(after), path);
      return;
    }
    const size_t both = std::min(before.items.size(), after.items.size());
    for (size_t i = 0; i < both; ++i) Compare(before.items[i], after.items[i], PathOfIndex(path, i), secret);
    for (size_t i = both; i < before.items.size(); ++i) One("removed ", before.items[i], PathOfIndex(path, i), secret);
    for (size_t i = both; i < after.items.size(); ++i) One("added ", after.items[i], PathOfIndex(path, i), secret);
  }

  void One(std::string_view what, const ConfigNode& node, const std::string& path, bool secret) {
    Add(what, path, secret ? "" : absl::StrCat(": ", Value(node)));
  }

  void Add(std::string_view what, const std::string& path, const std::string& detail) {
    if (lines_.size() >= kMostLines) {
      ++left_out_;
      return;
    }
    lines_.push_back(absl::StrCat(ToAbsl(what), path.empty() ? "everything" : path, detail));
  }

  std::vector<std::string> lines_;
  size_t left_out_ = 0;
};

}  // namespace

std::vector<std::string> DiffConfig(const ConfigNode& before, const ConfigNode& after) {
  Differ differ;
  differ.Compare(before, after, "", false);
  return differ.Take();
}

}  // namespace chain429
