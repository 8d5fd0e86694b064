#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chain429 {

enum class Colour { kNone, kBold, kDim, kRed, kGreen, kYellow, kBlue, kMagenta, kCyan };

// `text` in a colour, or as it is where `enabled` is false.
std::string Paint(std::string_view text, Colour colour, bool enabled);

// Whether colours suit the file descriptor: it is a terminal that knows them, and NO_COLOR is not set.
bool WantsColour(int fd);

// Rows of cells with aligned columns, each cell made Printable. Widths count characters, so that "…" does not shift a
// column.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  // As many cells as the header has.
  void Add(std::vector<std::string> cells, Colour colour = Colour::kNone);
  std::string Render(bool colour) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Colour colour;
  };
  std::vector<std::string> header_;
  std::vector<Row> rows_;
};

// `text` with control characters (what a provider or a configuration may hold) made harmless for a terminal.
std::string Printable(std::string_view text);

}  // namespace chain429
