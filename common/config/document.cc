#include "common/config/document.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/document_builder.h"

namespace chain429 {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The length of the UTF-8 sequence at the front of `text`; 0 when there is none that RFC 3629 allows.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

// What no document may hold, found before any parser sees it.
bool CheckBytes(std::string_view text, const LineTable& lines, ConfigProblems& problems) {
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == 0) {
      problems.Error(lines.OfOffset(i), "", "a NUL byte is not allowed");
      return false;
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
      problems.Error(lines.OfOffset(i), "", "a control character is not allowed");
      return false;
    }
    const size_t length = SequenceLength(text.substr(i));
    if (length == 0) {
      problems.Error(lines.OfOffset(i), "", "not valid UTF-8");
      return false;
    }
    i += length;
  }
  return true;
}

// YAML forbids tabs as indentation, but parsers differ in what they make of them.
bool CheckTabs(std::string_view text, const LineTable& lines, ConfigProblems& problems) {
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    const size_t content = std::min(text.find_first_not_of(" \t\r", line), end);
    const size_t tab = text.find('\t', line);
    if (content < end && text[content] != '#' && tab < content) {
      problems.Error(lines.OfOffset(tab), "", "a tab in the indentation: use spaces");
      return false;
    }
    line = end + 1;
  }
  return true;
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool AllOf(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  if (IsOneOf(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) return true;
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (!exponent.empty() && (exponent.front() == '-' || exponent.front() == '+')) exponent.remove_prefix(1);
    if (!AllOf(exponent, kDigits)) return false;
    text = text.substr(0, e);
  }
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (whole.empty()) return AllOf(fraction, kDigits);
  return AllOf(whole, kDigits) && (fraction.empty() || AllOf(fraction, kDigits));
}

}  // namespace

const ConfigMember* ConfigNode::Find(std::string_view key) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const ConfigMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

NodeKind PlainKind(std::string_view text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return NodeKind::kNull;
  if (IsOneOf(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return NodeKind::kBool;
  const bool has_sign = text.front() == '-' || text.front() == '+';
  if (AllOf(text.substr(has_sign ? 1 : 0), kDigits)) return NodeKind::kInteger;
  if (text.starts_with("0o") && AllOf(text.substr(2), "01234567")) return NodeKind::kInteger;
  if (text.starts_with("0x") && AllOf(text.substr(2), "0123456789abcdefABCDEF")) return NodeKind::kInteger;
  return IsFloat(text) ? NodeKind::kFloat : NodeKind::kString;
}

std::string_view KindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kBool:
      return "true or false";
    case NodeKind::kInteger:
      return "a number";
    case NodeKind::kFloat:
      return "a fractional number";
    case NodeKind::kString:
      return "a string";
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMapping:
      return "a mapping";
  }
  return "";
}

DocumentFormat FormatOf(std::string_view name, std::string_view text) {
  const std::string lower = LowerAscii(name);
  if (lower.ends_with(".json")) return DocumentFormat::kJson;
  if (lower.ends_with(".yaml") || lower.ends_with(".yml")) return DocumentFormat::kYaml;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return TrimSpace(text).starts_with("{") ? DocumentFormat::kJson : DocumentFormat::kYaml;
}

std::optional<ConfigNode> ParseDocument(std::string_view text, DocumentFormat format, ConfigProblems& problems) {
  if (text.size() > kLargestDocument) {
    problems.Error({1, 1}, "", absl::StrCat("larger than ", kLargestDocument >> 20, " MiB"));
    return std::nullopt;
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const LineTable lines(text);
  if (!CheckBytes(text, lines, problems)) return std::nullopt;
  if (format == DocumentFormat::kYaml && !CheckTabs(text, lines, problems)) return std::nullopt;
  DocumentBuilder builder(problems);
  if (format == DocumentFormat::kYaml) {
    ParseYaml(text, lines, builder);
  } else {
    ParseJson(text, lines, builder);
  }
  std::optional<ConfigNode> root = builder.Take();
  if (!root && problems.ok())
    problems.Error({1, 1}, "", "the file is empty: `version: 1` is the least that it must hold");
  return root;
}

}  // namespace chain429
