#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chain429 {

// A place in a file, both counted from 1; columns count characters, not bytes. 0: not known.
struct Position {
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

enum class Severity { kError, kWarning };

// Something wrong with a configuration. No text here ever holds a value that could be a secret.
struct ConfigProblem {
  Severity severity = Severity::kError;
  Position at;
  std::string path;        // "chains.coding.targets[1].model"; empty: the whole file
  std::string message;
  std::string suggestion;  // what was probably meant; empty: no idea
};

// Collects what is wrong, so that one run names everything. Bounded: a file of rubbish does not fill the memory with
// complaints.
class ConfigProblems {
 public:
  void Error(Position at, std::string_view path, std::string_view message, std::string_view suggestion = {});
  void Warning(Position at, std::string_view path, std::string_view message);

  bool ok() const { return errors_ == 0; }
  size_t errors() const { return errors_; }
  // In the order of the file.
  std::vector<ConfigProblem> Sorted() const;

 private:
  void Add(ConfigProblem problem);

  std::vector<ConfigProblem> problems_;
  size_t errors_ = 0;
  size_t left_out_ = 0;
};

// "FILE:LINE:COL: error: path: message (did you mean "x"?)", without a newline. Control characters are made harmless,
// so that a file cannot drive the terminal.
std::string FormatProblem(std::string_view file, const ConfigProblem& problem);
// One problem a line.
std::string FormatProblems(std::string_view file, const std::vector<ConfigProblem>& problems);

// "a.b", "a[\"strange/key\"]" and "a[3]".
std::string PathOfKey(std::string_view parent, std::string_view key);
std::string PathOfIndex(std::string_view parent, size_t index);

}  // namespace chain429
