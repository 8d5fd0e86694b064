#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "common/http/header_field.h"

namespace chain429 {

// Limits of a message's head; beyond them a request is refused with 431 or 414 and a response counts as broken.
inline constexpr size_t kHeadBytesLimit = size_t{64} << 10;
inline constexpr size_t kFieldsLimit = 128;
inline constexpr size_t kTargetBytesLimit = size_t{8} << 10;

using HeaderFields = absl::InlinedVector<HeaderField, 24>;

// What both kinds of head share. Views point into the bytes that were parsed.
struct MessageHead {
  HeaderFields fields;
  int minor_version = 1;  // HTTP/1.x
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool close = false;      // "Connection: close"
  bool keep_alive = false;  // "Connection: keep-alive"
  std::string_view connection;  // the whole Connection field: names further hop-by-hop fields

  std::string_view Find(std::string_view lower_name) const;  // first value; empty if absent

 protected:
  void ClearMessage() {
    fields.clear();
    minor_version = 1;
    content_length.reset();
    chunked = close = keep_alive = false;
    connection = {};
  }
};

struct RequestHead : MessageHead {
  std::string_view method;
  std::string_view target;  // a path, query included; "*" of OPTIONS
  std::string_view host;
  bool expect_continue = false;
  void Clear() {
    ClearMessage();
    method = target = host = {};
    expect_continue = false;
  }
  bool KeepsAlive() const { return !close && (minor_version >= 1 || keep_alive); }
};

struct ResponseHead : MessageHead {
  int status = 0;
  std::string_view reason;
  void Clear() {
    ClearMessage();
    status = 0;
    reason = {};
  }
  bool KeepsAlive() const { return !close && (minor_version >= 1 || keep_alive); }
};

enum class ParseState : uint8_t { kDone, kIncomplete, kBad };

struct ParseResult {
  ParseState state = ParseState::kIncomplete;
  size_t consumed = 0;          // kDone: the head's bytes, blank line included
  int status = 400;             // kBad, requests: how to refuse
  std::string_view reason = {};  // kBad: static text
};

// Strict by intention: whatever two implementations could read differently is refused (bare LF, folded lines, space
// before a colon, NUL, doubled or non-digit lengths, length beside chunked, several Hosts …), because nothing of it may
// reach a provider.
ParseResult ParseRequestHead(std::string_view bytes, RequestHead& head);
// As strict about framing; a response with a bad head is a broken attempt.
ParseResult ParseResponseHead(std::string_view bytes, ResponseHead& head);

// The methods that HTTP itself and PATCH define; any other is to be refused with 501.
bool IsKnownMethod(std::string_view method);

// Fields that concern one connection only and are never handed on, in either direction.
bool IsHopByHop(std::string_view name);
// `name` is listed in a Connection field.
bool ListedInConnection(std::string_view connection, std::string_view name);

}  // namespace chain429
