#include "common/config/problem.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr size_t kMostProblems = 1000;
constexpr size_t kLongestText = 500;

// A path's keys and a message's words may come from the file.
std::string Harmless(std::string_view text) {
  std::string out = Truncate(text, kLongestText);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  // The C1 controls as UTF-8 (0xC2 0x80 to 0xC2 0x9F): some terminals obey them.
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    if (static_cast<unsigned char>(out[i]) == 0xC2 && static_cast<unsigned char>(out[i + 1]) < 0xA0)
      out[i] = out[i + 1] = '?';
  }
  return out;
}

bool IsPlainKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

void ConfigProblems::Error(Position at, std::string_view path, std::string_view message, std::string_view suggestion) {
  ++errors_;
  Add({Severity::kError, at, std::string(path), std::string(message), std::string(suggestion)});
}

void ConfigProblems::Warning(Position at, std::string_view path, std::string_view message) {
  Add({Severity::kWarning, at, std::string(path), std::string(message), {}});
}

void ConfigProblems::Add(ConfigProblem problem) {
  if (problems_.size() >= kMostProblems) {
    ++left_out_;
    return;
  }
  problems_.push_back(std::move(problem));
}

std::vector<ConfigProblem> ConfigProblems::Sorted() const {
  std::vector<ConfigProblem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ConfigProblem& a, const ConfigProblem& b) { return a.at < b.at; });
  if (left_out_ > 0) {
    const Severity severity = ok() ? Severity::kWarning : Severity::kError;
    sorted.push_back({severity, sorted.back().at, "", absl::StrCat("and ", left_out_, " more problems"), ""});
  }
  return sorted;
}

std::string FormatProblem(std::string_view file, const ConfigProblem& problem) {
  std::string out = Harmless(file);
  if (problem.at.line > 0) absl::StrAppend(&out, ":", problem.at.line, ":", problem.at.column);
  out.append(problem.severity == Severity::kError ? ": error: " : ": warning: ");
  if (!problem.path.empty()) absl::StrAppend(&out, Harmless(problem.path), ": ");
  out.append(Harmless(problem.message));
  if (!problem.suggestion.empty()) absl::StrAppend(&out, " (did you mean \"", Harmless(problem.suggestion), "\"?)");
  return out;
}

std::string FormatProblems(std::string_view file, const std::vector<ConfigProblem>& problems) {
  std::string out;
  for (const ConfigProblem& problem : problems) absl::StrAppend(&out, FormatProblem(file, problem), "\n");
  return out;
}

std::string PathOfKey(std::string_view parent, std::string_view key) {
  if (!IsPlainKey(key)) return absl::StrCat(ToAbsl(parent), "[\"", ToAbsl(key), "\"]");
  return parent.empty() ? std::string(key) : absl::StrCat(ToAbsl(parent), ".", ToAbsl(key));
}

std::string PathOfIndex(std::string_view parent, size_t index) { return absl::StrCat(ToAbsl(parent), "[", index, "]"); }

}  // namespace chain429
