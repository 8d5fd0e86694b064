#include "common/config/document_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/secrecy.h"

namespace chain429 {
namespace {

// All scalars together, aliases expanded: a file of the largest size fits, an alias bomb of long texts does not.
constexpr size_t kMostText = 2 * kLargestDocument;

size_t DepthOf(const ConfigNode& node) {
  size_t deepest = 0;
  for (const ConfigNode& item : node.items) deepest = std::max(deepest, DepthOf(item));
  for (const ConfigMember& member : node.members) deepest = std::max(deepest, DepthOf(member.value));
  return deepest + 1;
}

size_t TextOf(const ConfigNode& node) {
  size_t bytes = node.text.size();
  for (const ConfigNode& item : node.items) bytes += TextOf(item);
  for (const ConfigMember& member : node.members) bytes += member.key.size() + TextOf(member.value);
  return bytes;
}

}  // namespace

LineTable::LineTable(std::string_view text) : text_(text), starts_{0} {
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    starts_.push_back(at + 1);
}

Position LineTable::OfOffset(size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const size_t line = static_cast<size_t>(after - starts_.begin()) - 1;
  return At(line, offset - starts_[line]);
}

Position LineTable::OfLine(int line, int byte_column) const {
  const size_t last = starts_.size() - 1;
  return At(std::min(static_cast<size_t>(std::max(line, 0)), last), static_cast<size_t>(std::max(byte_column, 0)));
}

std::string_view LineTable::From(int line, int byte_column) const {
  if (line < 0 || byte_column < 0 || static_cast<size_t>(line) >= starts_.size()) return {};
  return text_.substr(std::min(text_.size(), starts_[static_cast<size_t>(line)] + static_cast<size_t>(byte_column)));
}

Position LineTable::At(size_t line, size_t bytes) const {
  const std::string_view before = text_.substr(starts_[line], bytes);
  const auto characters = std::count_if(before.begin(), before.end(),
                                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  return {static_cast<int>(line) + 1, static_cast<int>(characters) + 1};
}

bool DocumentBuilder::Fail(Position at, std::string_view message) {
  if (!failed_) problems_.Error(at, "", message);
  failed_ = true;
  return false;
}

bool DocumentBuilder::Count(Position at, size_t nodes, size_t bytes) {
  nodes_ += nodes;
  bytes_ += bytes;
  if (nodes_ > kMostNodes)
    return Fail(at, absl::StrCat("too many values: more than ", kMostNodes, " with aliases expanded"));
  if (bytes_ > kMostText) return Fail(at, "too much text with aliases expanded");
  return true;
}

bool DocumentBuilder::Scalar(NodeKind kind, Position at, std::string_view text, size_t anchor) {
  if (failed_ || !Count(at, 1, text.size())) return false;
  if (text.find('\0') != std::string_view::npos) {
    if (!failed_) problems_.Error(at, Path(), "a NUL character is not allowed");
    failed_ = true;
    return false;
  }
  ConfigNode node;
  node.kind = kind;
  node.at = at;
  node.text = std::string(text);
  return Remember(anchor, node, 1) && Place(std::move(node));
}

bool DocumentBuilder::Start(NodeKind kind, Position at, size_t anchor) {
  if (failed_ || !Count(at, 1, 0)) return false;
  if (stack_.size() >= kDeepestDocument)
    return Fail(at, absl::StrCat("nested deeper than ", kDeepestDocument, " levels"));
  if (!stack_.empty() && stack_.back().node.kind == NodeKind::kMapping && !stack_.back().has_key) {
    return Fail(at, absl::StrCat("a key must be a plain word, not ", ToAbsl(KindName(kind))));
  }
  Frame frame;
  frame.node.kind = kind;
  frame.node.at = at;
  frame.anchor = anchor;
  frame.nodes_before = nodes_ - 1;
  stack_.push_back(std::move(frame));
  return true;
}

bool DocumentBuilder::End() {
  if (failed_) return false;
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  return Remember(frame.anchor, frame.node, nodes_ - frame.nodes_before) && Place(std::move(frame.node));
}

bool DocumentBuilder::Remember(size_t anchor, const ConfigNode& node, size_t nodes) {
  if (anchor == 0) return true;
  // The kept copy counts too: nested anchors would otherwise multiply the memory by the depth.
  if (!Count(node.at, nodes, TextOf(node))) return false;
  anchors_[anchor] = Anchored{node, nodes, DepthOf(node)};
  return true;
}

bool DocumentBuilder::Alias(Position at, size_t anchor) {
  if (failed_) return false;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) return Fail(at, "an alias inside the value that it stands for");
  const Anchored& anchored = found->second;
  if (stack_.size() + anchored.depth > kDeepestDocument)
    return Fail(at, absl::StrCat("nested deeper than ", kDeepestDocument, " levels"));
  if (!Count(at, anchored.nodes, TextOf(anchored.node))) return false;
  return Place(anchored.node);
}

bool DocumentBuilder::Place(ConfigNode node) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return true;
  }
  Frame& frame = stack_.back();
  if (frame.node.kind == NodeKind::kSequence) {
    frame.node.items.push_back(std::move(node));
    return true;
  }
  if (!frame.has_key) return PlaceKey(frame, node);
  frame.has_key = false;
  // A value that is not there has no place of its own: yaml-cpp names that of whatever follows.
  if (node.kind == NodeKind::kNull && node.at.line != frame.key_at.line) node.at = frame.key_at;
  if (!frame.duplicate) frame.node.members.push_back({std::move(frame.key), frame.key_at, std::move(node)});
  return true;
}

bool DocumentBuilder::PlaceKey(Frame& frame, const ConfigNode& node) {
  // A key is a word whatever it would be as a value: a chain may be called "null" or "123".
  const bool nothing = node.kind == NodeKind::kNull && (node.text.empty() || node.text == "~");
  if (nothing || node.kind == NodeKind::kSequence || node.kind == NodeKind::kMapping) {
    return Fail(node.at, absl::StrCat("a key must be a plain word, not ", ToAbsl(KindName(node.kind))));
  }
  const auto [first, is_new] = frame.seen.emplace(node.text, node.at);
  frame.duplicate = !is_new;
  frame.has_key = true;
  frame.key = node.text;
  frame.key_at = node.at;
  if (frame.duplicate) {
    problems_.Error(node.at, Path(),
                    absl::StrCat("this key is there twice; the first is at line ", first->second.line));
  }
  return true;
}

std::string DocumentBuilder::Path() const {
  std::string path;
  for (const Frame& frame : stack_) {
    if (frame.node.kind == NodeKind::kSequence) {
      path = PathOfIndex(path, frame.node.items.size());
    } else if (frame.has_key) {
      path = PathOfKey(path, LooksLikeKey(frame.key) ? "(hidden)" : std::string_view(frame.key));
    }
  }
  return path;
}

std::optional<ConfigNode> DocumentBuilder::Take() {
  if (failed_) return std::nullopt;
  return std::move(root_);
}

}  // namespace chain429
