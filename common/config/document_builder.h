#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/config/document.h"

namespace chain429 {

// Turns byte offsets or a parser's (line, byte column) into Positions.
class LineTable {
 public:
  explicit LineTable(std::string_view text);
  Position OfOffset(size_t offset) const;
  // Both from 0.
  Position OfLine(int line, int byte_column) const;
  // The text from there on.
  std::string_view From(int line, int byte_column) const;

 private:
  Position At(size_t line, size_t bytes) const;

  std::string_view text_;
  std::vector<size_t> starts_;
};

// Builds the tree from a parser's events, refusing what is too deep or too large. Every call answers whether to go on;
// after a `false` the tree is lost and `problems` has the reason.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(ConfigProblems& problems) : problems_(problems) {}

  // `anchor` names the node for later aliases; 0: none.
  bool Scalar(NodeKind kind, Position at, std::string_view text, size_t anchor = 0);
  bool Start(NodeKind kind, Position at, size_t anchor = 0);
  bool End();
  bool Alias(Position at, size_t anchor);
  bool Fail(Position at, std::string_view message);

  // Where the node under construction is, for messages.
  std::string Path() const;
  std::optional<ConfigNode> Take();

 private:
  struct Frame {
    ConfigNode node;
    size_t anchor = 0;
    size_t nodes_before = 0;
    bool has_key = false;
    bool duplicate = false;  // the value that comes belongs to a key seen before
    std::string key;
    Position key_at;
    std::unordered_map<std::string, Position> seen;
  };
  struct Anchored {
    ConfigNode node;
    size_t nodes = 0;
    size_t depth = 0;
  };

  bool Count(Position at, size_t nodes, size_t bytes);
  bool Place(ConfigNode node);
  bool PlaceKey(Frame& frame, const ConfigNode& node);
  bool Remember(size_t anchor, const ConfigNode& node, size_t nodes);

  ConfigProblems& problems_;
  std::vector<Frame> stack_;
  std::unordered_map<size_t, Anchored> anchors_;
  std::optional<ConfigNode> root_;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
  bool failed_ = false;
};

// The two parsers; the text is valid UTF-8 without NUL, byte order mark removed.
void ParseYaml(std::string_view text, const LineTable& lines, DocumentBuilder& builder);
void ParseJson(std::string_view text, const LineTable& lines, DocumentBuilder& builder);

}  // namespace chain429
