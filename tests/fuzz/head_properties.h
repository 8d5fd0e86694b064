#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/text.h"
#include "common/http/head.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

// What holds for the heads of requests and of responses alike.
namespace chain429::fuzz {

inline size_t CountNamed(const MessageHead& head, std::string_view name) {
  return static_cast<size_t>(std::count_if(head.fields.begin(), head.fields.end(), [&](const HeaderField& field) {
    return EqualsIgnoreCase(field.name, name);
  }));
}

inline std::string_view Version(const MessageHead& head) { return head.minor_version == 0 ? " HTTP/1.0" : " HTTP/1.1"; }

// The fields as they would be sent on, with the blank line.
inline std::string Fields(const MessageHead& head) {
  std::string text;
  for (const HeaderField& field : head.fields) text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text + "\r\n";
}

// `bytes` is the head that was taken, and no more.
inline void CheckMessage(const MessageHead& head, std::string_view bytes) {
  FUZZ_ASSERT(bytes.size() <= kHeadBytesLimit && bytes.ends_with("\r\n\r\n"));
  FUZZ_ASSERT(bytes.find("\r\n\r\n", 1) == bytes.size() - 4);
  // Every CR has its LF, and every LF its CR.
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') FUZZ_ASSERT(i > 0 && bytes[i - 1] == '\r');
    if (bytes[i] == '\r') FUZZ_ASSERT(i + 1 < bytes.size() && bytes[i + 1] == '\n');
    FUZZ_ASSERT(bytes[i] != '\0');
  }
  FUZZ_ASSERT(head.fields.size() <= kFieldsLimit);
  for (const HeaderField& field : head.fields) {
    FUZZ_ASSERT(!field.name.empty() && field.name.find_first_of(" \t\r\n:,;\"") == std::string_view::npos);
    FUZZ_ASSERT(field.value.find_first_of(std::string_view("\r\n\0\x7F", 4)) == std::string_view::npos);
    FUZZ_ASSERT(field.value == TrimSpace(field.value));
  }
  FUZZ_ASSERT(CountNamed(head, "content-length") == (head.content_length ? 1 : 0));
  FUZZ_ASSERT(CountNamed(head, "transfer-encoding") == (head.chunked ? 1 : 0));
  FUZZ_ASSERT(!(head.chunked && head.content_length));
  FUZZ_ASSERT(!(head.chunked && head.minor_version == 0));
  if (head.content_length) {
    const std::string_view text = head.Find("content-length");
    FUZZ_ASSERT(!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos);
  }
}

inline void CheckSameMessage(const MessageHead& a, const MessageHead& b) {
  FUZZ_ASSERT(a.minor_version == b.minor_version && a.content_length == b.content_length && a.chunked == b.chunked);
  FUZZ_ASSERT(a.close == b.close && a.keep_alive == b.keep_alive && a.connection == b.connection);
  FUZZ_ASSERT(a.fields.size() == b.fields.size());
  for (size_t i = 0; i < a.fields.size(); ++i) {
    FUZZ_ASSERT(a.fields[i].name == b.fields[i].name && a.fields[i].value == b.fields[i].value);
    FUZZ_ASSERT(ListedInConnection(a.connection, a.fields[i].name) ==
                ListedInConnection(b.connection, b.fields[i].name));
  }
}

// Parses a copy that lives as long as the process's next call, so that views into it may be looked at.
template <typename Head, typename Parse>
ParseResult ParseExact(std::string_view bytes, Head& head, Parse parse) {
  static std::unique_ptr<ExactBytes> kept;
  kept = std::make_unique<ExactBytes>(bytes);
  const ParseResult result = parse(kept->view(), head);
  FUZZ_ASSERT(result.state == ParseState::kDone ? result.consumed > 0 && result.consumed <= bytes.size()
                                                : result.consumed == 0);
  return result;
}

// The first part that is not incomplete decides, and later bytes do not change it: with a done head they are its body.
template <typename Head, typename Parse>
void CheckEveryCutAgrees(std::string_view bytes, const ParseResult& whole, Parse parse) {
  constexpr size_t kEveryCutUpTo = 600;
  constexpr size_t kCuts = 60;
  std::vector<size_t> cuts;
  Random choices = ChoicesFor(bytes);
  if (bytes.size() <= kEveryCutUpTo) {
    for (size_t size = 0; size < bytes.size(); ++size) cuts.push_back(size);
  } else {
    for (size_t i = 0; i < kCuts; ++i) cuts.push_back(choices.Below(bytes.size()));
    if (whole.state == ParseState::kDone) cuts.insert(cuts.end(), {whole.consumed - 1, whole.consumed});
  }
  for (const size_t size : cuts) {
    const ExactBytes part(bytes.substr(0, size));
    Head head;
    const ParseResult result = parse(part.view(), head);
    if (whole.state == ParseState::kDone && size >= whole.consumed) FUZZ_ASSERT(result.state == ParseState::kDone);
    if (whole.state == ParseState::kDone && size < whole.consumed) FUZZ_ASSERT(result.state == ParseState::kIncomplete);
    if (whole.state == ParseState::kIncomplete) FUZZ_ASSERT(result.state == ParseState::kIncomplete);
    if (result.state == ParseState::kIncomplete) continue;
    FUZZ_ASSERT(result.state == whole.state && result.consumed == whole.consumed);
    if (whole.state == ParseState::kBad) FUZZ_ASSERT(result.status == whole.status);
  }
}

}  // namespace chain429::fuzz
