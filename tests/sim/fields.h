#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "tests/sim/distribution.h"
#include "tests/sim/document.h"

namespace chain429::sim {

// All that is wrong with a document, each with its place.
class Problems {
 public:
  explicit Problems(const Document& document) : document_(document) {}
  void Add(const std::string& path, const std::string& what);
  absl::Status status() const;

 private:
  const Document& document_;
  std::vector<std::string> lines_;
};

// Reads one object's fields into what they describe. A field that is absent leaves its target as it is, so a small
// document can change a few settings of a running provider. What nobody asked for is reported by the destructor.
class Fields {
 public:
  Fields(const Json& object, std::string path, Problems* problems);
  ~Fields();
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  bool Has(const std::string& key);
  const Json* Find(const std::string& key);  // null when absent
  std::string Path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  void Wrong(const std::string& key, const std::string& what) { problems_->Add(Path(key), what); }
  Problems* problems() { return problems_; }

  void Text(const std::string& key, std::string* target);
  void Flag(const std::string& key, bool* target);
  void Whole(const std::string& key, int64_t least, int64_t* target);
  void Share(const std::string& key, double* target);  // 0 to 1
  void Time(const std::string& key, absl::Duration* target);
  void Delay(const std::string& key, Distribution* target);
  void Amount(const std::string& key, Distribution* target);
  void Texts(const std::string& key, std::vector<std::string>* target);
  void Pairs(const std::string& key, std::vector<std::pair<std::string, std::string>>* target);

  template <typename Enum>
  struct Choice {
    std::string_view word;
    Enum value;
  };
  template <typename Enum>
  void OneOf(const std::string& key, const std::vector<Choice<Enum>>& choices, Enum* target) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    std::string words;
    for (const auto& choice : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == choice.word) {
        *target = choice.value;
        return;
      }
      words += words.empty() ? "" : ", ";
      words += choice.word;
    }
    Wrong(key, "must be one of " + words);
  }

 private:
  const Json& object_;
  std::string path_;
  Problems* problems_;
  std::set<std::string> known_;
};

}  // namespace chain429::sim
