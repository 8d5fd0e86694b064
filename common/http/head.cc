#include "common/http/head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = MakeTokenTable();

bool IsToken(std::string_view text) {
  for (const char c : text) {
    if (!kToken[static_cast<unsigned char>(c)]) return false;
  }
  return !text.empty();
}

// Field values: visible characters, space, tab and bytes above ASCII.
bool IsFieldValue(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return false;
  }
  return true;
}

bool IsVisibleAscii(std::string_view text) {
  for (const char c : text) {
    if (c < 0x21 || c > 0x7E) return false;
  }
  return !text.empty();
}

std::string_view TrimBlank(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

ParseResult Bad(int status, std::string_view reason) { return {ParseState::kBad, 0, status, reason}; }

// The next line without its CRLF; sets `result` and returns false when there is none or it does not end in CRLF.
bool TakeLine(std::string_view bytes, size_t& at, std::string_view& line, ParseResult& result) {
  const size_t end = bytes.find('\n', at);
  // The same verdict whether the line's end has come yet or not.
  if ((end == std::string_view::npos ? bytes.size() : end + 1) > kHeadBytesLimit) {
    result = Bad(431, "the head is longer than 64 KiB");
    return false;
  }
  if (end == std::string_view::npos) {
    result = ParseResult{};
    return false;
  }
  if (end == at || bytes[end - 1] != '\r') {
    result = Bad(400, "a line ends without CR");
    return false;
  }
  line = bytes.substr(at, end - 1 - at);
  at = end + 1;
  return true;
}

// Each comma-separated member of a field.
template <typename F>
void ForEachMember(std::string_view list, F f) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    f(TrimBlank(list.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
}

// Framing and connection fields; an empty reason means good.
std::string_view TakeFraming(MessageHead& head, const HeaderField& field) {
  switch (field.name.size()) {
    case 10:
      if (EqualsIgnoreCase(field.name, "connection")) {
        head.connection = field.value;
        ForEachMember(field.value, [&](std::string_view member) {
          if (EqualsIgnoreCase(member, "close")) head.close = true;
          if (EqualsIgnoreCase(member, "keep-alive")) head.keep_alive = true;
        });
      }
      break;
    case 14:
      if (EqualsIgnoreCase(field.name, "content-length")) {
        uint64_t length = 0;
        const char* begin = field.value.data();
        const char* end = begin + field.value.size();
        const auto parsed = std::from_chars(begin, end, length);
        if (parsed.ec != std::errc() || parsed.ptr != end) return "Content-Length is not a number";
        if (head.content_length) return "Content-Length is there twice";
        head.content_length = length;
      }
      break;
    case 17:
      if (EqualsIgnoreCase(field.name, "transfer-encoding")) {
        if (head.chunked) return "Transfer-Encoding is there twice";
        if (!EqualsIgnoreCase(field.value, "chunked")) return "only the transfer coding \"chunked\" is understood";
        head.chunked = true;
      }
      break;
    default:
      break;
  }
  return {};
}

// Everything behind the first line, the blank line included.
ParseResult ParseFields(std::string_view bytes, size_t at, MessageHead& head) {
  ParseResult result;
  std::string_view line;
  while (TakeLine(bytes, at, line, result)) {
    if (line.empty()) {
      if (head.chunked && head.content_length) return Bad(400, "Content-Length beside Transfer-Encoding");
      if (head.chunked && head.minor_version == 0) return Bad(400, "Transfer-Encoding in HTTP/1.0");
      return {ParseState::kDone, at, 0, {}};
    }
    if (line.front() == ' ' || line.front() == '\t') return Bad(400, "a header line is folded");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Bad(400, "a header line has no colon");
    HeaderField field{line.substr(0, colon), TrimBlank(line.substr(colon + 1))};
    if (!IsToken(field.name)) return Bad(400, "a header name has a character that is not allowed");
    if (!IsFieldValue(field.value)) return Bad(400, "a header value has a control character");
    if (head.fields.size() == kFieldsLimit) return Bad(431, "more than 128 header fields");
    if (const std::string_view wrong = TakeFraming(head, field); !wrong.empty()) {
      return Bad(EqualsIgnoreCase(field.name, "transfer-encoding") && !head.chunked ? 501 : 400, wrong);
    }
    head.fields.push_back(field);
  }
  return result;
}

// A path, or the "*" of OPTIONS. Who answers "GET http://host/path" is taken for a forward proxy, and nobody here can
// know whether a name is ours.
std::string_view CheckTarget(const RequestHead& head) {
  if (head.target.front() == '/') return {};
  if (head.target == "*") return head.method == "OPTIONS" ? std::string_view{} : "the target \"*\" belongs to OPTIONS";
  return "the request target is not a path, and this is no forward proxy";
}

// Host, Expect: what only requests have.
ParseResult CheckRequest(RequestHead& head, ParseResult result) {
  bool host_seen = false;
  for (const HeaderField& field : head.fields) {
    if (field.name.size() == 4 && EqualsIgnoreCase(field.name, "host")) {
      if (host_seen) return Bad(400, "Host is there twice");
      if (field.value.find_first_of(" \t,/@?#") != std::string_view::npos) return Bad(400, "Host is malformed");
      // A port is digits; the colons of an IPv6 address stand in brackets.
      if (const size_t colon = field.value.rfind(':');
          colon != std::string_view::npos && field.value.find(']', colon) == std::string_view::npos &&
          field.value.find_first_not_of("0123456789", colon + 1) != std::string_view::npos)
        return Bad(400, "Host is malformed");
      host_seen = true;
      head.host = field.value;
    } else if (field.name.size() == 6 && EqualsIgnoreCase(field.name, "expect")) {
      if (!EqualsIgnoreCase(field.value, "100-continue")) return Bad(417, "only Expect: 100-continue is understood");
      head.expect_continue = head.minor_version >= 1;
    }
  }
  if (!host_seen && head.minor_version >= 1) return Bad(400, "Host is missing");
  if (head.method == "CONNECT") return Bad(501, "this is no proxy for CONNECT");
  if (const std::string_view wrong = CheckTarget(head); !wrong.empty()) return Bad(400, wrong);
  return result;
}

}  // namespace

std::string_view MessageHead::Find(std::string_view lower_name) const {
  for (const HeaderField& field : fields) {
    if (EqualsIgnoreCase(field.name, lower_name)) return field.value;
  }
  return {};
}

ParseResult ParseRequestHead(std::string_view bytes, RequestHead& head) {
  head.Clear();
  size_t at = bytes.starts_with("\r\n") ? 2 : 0;  // RFC 9112 §2.2: one empty line before a request is forgiven
  // A method that cannot be one (a TLS hello, say) is refused before a line end comes that may never come.
  for (size_t i = at; i < bytes.size() && bytes[i] != ' '; ++i) {
    if (i == at && bytes[i] == '\r') break;
    const bool may_go_on = kToken[static_cast<unsigned char>(bytes[i])] && i - at <= 32;
    if (!may_go_on) return Bad(400, "the request line does not begin with a method");
  }
  constexpr size_t kLongestLine = kTargetBytesLimit + 64;  // with a method and a version beside the target
  const size_t line_end = std::min(bytes.find('\n', at), bytes.size());
  if (line_end > at + kLongestLine) return Bad(414, "the request target is longer than 8 KiB");
  ParseResult result;
  std::string_view line;
  if (!TakeLine(bytes, at, line, result)) return result;
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == last) return Bad(400, "the request line is not METHOD TARGET VERSION");  // or neither is there
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version == "HTTP/1.1") {
    head.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head.minor_version = 0;
  } else {
    return version.starts_with("HTTP/") ? Bad(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
                                        : Bad(400, "the request line has no HTTP version");
  }
  if (head.target.size() > kTargetBytesLimit) return Bad(414, "the request target is longer than 8 KiB");
  const bool plain = IsToken(head.method) && IsVisibleAscii(head.target);
  if (!plain) return Bad(400, "the request line has a character that is not allowed");
  result = ParseFields(bytes, at, head);
  return result.state == ParseState::kDone ? CheckRequest(head, result) : result;
}

ParseResult ParseResponseHead(std::string_view bytes, ResponseHead& head) {
  head.Clear();
  constexpr std::string_view kVersion = "HTTP/1.";
  // Garbage instead of HTTP is noticed at its first byte.
  if (bytes.substr(0, kVersion.size()) != kVersion.substr(0, bytes.size())) return Bad(502, "the answer is not HTTP/1");
  size_t at = 0;
  ParseResult result;
  std::string_view line;
  if (!TakeLine(bytes, at, line, result)) return result;
  // "HTTP/1.1 200 OK"; the reason and the space before it may be missing.
  if (line.size() < 12 || line[8] != ' ' || (line[7] != '0' && line[7] != '1')) {
    return Bad(502, "the status line is malformed");
  }
  head.minor_version = line[7] - '0';
  const auto parsed = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  if (parsed.ec != std::errc() || parsed.ptr != line.data() + 12 || head.status < 100 || head.status > 599) {
    return Bad(502, "the status is not a number from 100 to 599");
  }
  if (line.size() > 12 && line[12] != ' ') return Bad(502, "the status line is malformed");
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view{};
  if (!IsFieldValue(head.reason)) return Bad(502, "the status line has a control character");
  return ParseFields(bytes, at, head);
}

bool IsKnownMethod(std::string_view method) {
  constexpr std::string_view kMethods[] = {"GET",   "HEAD",    "POST",  "PUT",    "DELETE",
                                           "PATCH", "OPTIONS", "TRACE", "CONNECT"};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

bool IsHopByHop(std::string_view name) {
  switch (name.size()) {
    case 2:
      return EqualsIgnoreCase(name, "te");
    case 7:
      return EqualsIgnoreCase(name, "trailer") || EqualsIgnoreCase(name, "upgrade");
    case 10:
      return EqualsIgnoreCase(name, "connection") || EqualsIgnoreCase(name, "keep-alive");
    case 16:
      return EqualsIgnoreCase(name, "proxy-connection");
    case 17:
      return EqualsIgnoreCase(name, "transfer-encoding");
    case 18:
      return EqualsIgnoreCase(name, "proxy-authenticate");
    case 19:
      return EqualsIgnoreCase(name, "proxy-authorization");
    default:
      return false;
  }
}

bool ListedInConnection(std::string_view connection, std::string_view name) {
  bool listed = false;
  ForEachMember(connection, [&](std::string_view member) { listed = listed || EqualsIgnoreCase(member, name); });
  return listed;
}

}  // namespace chain429
