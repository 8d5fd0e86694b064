#include "common/io/http_head.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace chain429 {
namespace {

constexpr std::array<std::string_view, 7> kKnownMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

bool IsTokenChar(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar); }

bool IsVisible(char c) { return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F; }

// Tab, space, visible, and bytes above ASCII, which old software sends.
bool IsValueChar(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); }

// scheme://AUTHORITY/…; empty for other forms.
std::string_view AuthorityOf(std::string_view target) {
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos || target.front() == '/') return {};
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

std::optional<HeadRefusal> CheckRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HeadRefusal{400, "the request line is malformed"};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method)) return HeadRefusal{400, "the method is malformed"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? HeadRefusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
                                        : HeadRefusal{400, "the request line is malformed"};
  }
  if (method == "TRACE" || method == "CONNECT") return HeadRefusal{405, "TRACE and CONNECT are not allowed"};
  if (std::find(kKnownMethods.begin(), kKnownMethods.end(), method) == kKnownMethods.end()) return HeadRefusal{501, "unknown method"};
  if (target.size() > kMaxTargetBytes) return HeadRefusal{414, "the request target is longer than 8 KiB"};
  if (target.empty() || !std::all_of(target.begin(), target.end(), IsVisible)) return HeadRefusal{400, "the request target is malformed"};
  if (target.front() != '/' && AuthorityOf(target).empty()) return HeadRefusal{400, "the request target must begin with '/'"};
  return std::nullopt;
}

// What the fields say about framing and host, gathered over the whole head.
struct Framing {
  int hosts = 0;
  std::string_view host;
  int content_lengths = 0;
  int transfer_encodings = 0;
  size_t fields = 0;
};

std::optional<HeadRefusal> CheckKnownField(std::string_view name, std::string_view value, Framing& seen) {
  if (EqualsIgnoreCase(name, "host")) {
    ++seen.hosts;
    seen.host = value;
    const bool plain = std::all_of(value.begin(), value.end(), [](char c) { return IsVisible(c) && c != '/' && c != '@' && c != ','; });
    if (!plain) return HeadRefusal{400, "the Host field is malformed"};
  } else if (EqualsIgnoreCase(name, "content-length")) {
    ++seen.content_lengths;
    const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits || value.size() > 18) return HeadRefusal{400, "Content-Length is not a plain number"};
  } else if (EqualsIgnoreCase(name, "transfer-encoding")) {
    ++seen.transfer_encodings;
    if (!EqualsIgnoreCase(value, "chunked")) return HeadRefusal{501, "the only transfer encoding taken is chunked"};
  } else if (EqualsIgnoreCase(name, "expect")) {
    if (!EqualsIgnoreCase(value, "100-continue")) return HeadRefusal{417, "the only expectation met is 100-continue"};
  }
  return std::nullopt;
}

std::optional<HeadRefusal> CheckField(std::string_view line, Framing& seen) {
  if (++seen.fields > kMaxHeadFields) return HeadRefusal{431, "more than 128 header fields"};
  if (line.front() == ' ' || line.front() == '\t') return HeadRefusal{400, "folded header lines are not taken"};
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return HeadRefusal{400, "a header field's name is malformed"};
  const std::string_view value = line.substr(colon + 1);
  if (!std::all_of(value.begin(), value.end(), IsValueChar)) return HeadRefusal{400, "a header field holds a control character"};
  return CheckKnownField(line.substr(0, colon), TrimSpace(value), seen);
}

std::optional<HeadRefusal> CheckFraming(std::string_view request_line, const Framing& seen) {
  const bool old = request_line.ends_with("HTTP/1.0");
  if (seen.hosts > 1 || (seen.hosts == 0 && !old)) return HeadRefusal{400, "exactly one Host field is needed"};
  if (seen.content_lengths > 1 || seen.transfer_encodings > 1 || (seen.content_lengths == 1 && seen.transfer_encodings == 1)) {
    return HeadRefusal{400, "the body's length is stated more than once"};
  }
  if (old && seen.transfer_encodings > 0) return HeadRefusal{400, "HTTP/1.0 has no Transfer-Encoding"};
  const std::string_view target = request_line.substr(request_line.find(' ') + 1);
  const std::string_view authority = AuthorityOf(target.substr(0, target.find(' ')));
  if (!authority.empty() && !EqualsIgnoreCase(authority, seen.host)) return HeadRefusal{400, "this is not a forward proxy"};
  return std::nullopt;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      const int value = high * 16 + low;
      if (value < 0x20 || value == 0x7F) return std::nullopt;
      out.push_back(static_cast<char>(value));
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::optional<HeadRefusal> CheckPartialHead(std::string_view bytes, size_t from) {
  if (!bytes.empty() && !IsTokenChar(bytes.front())) return HeadRefusal{400, "this is not an HTTP/1.1 request"};
  for (size_t i = from; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return HeadRefusal{400, "a NUL stands in the head"};
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return HeadRefusal{400, "a line ends without CR"};
  }
  constexpr size_t kRestOfLine = 64;  // method, spaces and version around the longest target
  if (bytes.size() > kMaxTargetBytes + kRestOfLine && bytes.substr(0, kMaxTargetBytes + kRestOfLine).find("\r\n") == std::string_view::npos) {
    return HeadRefusal{414, "the request target is longer than 8 KiB"};
  }
  if (bytes.size() > kMaxHeadBytes) return HeadRefusal{431, "the head is longer than 64 KiB"};
  return std::nullopt;
}

std::optional<HeadRefusal> CheckHead(std::string_view head) {
  if (auto refusal = CheckPartialHead(head, 0)) return refusal;
  const size_t line_end = head.find("\r\n");
  const std::string_view request_line = head.substr(0, line_end);
  if (auto refusal = CheckRequestLine(request_line)) return refusal;
  Framing seen;
  std::string_view rest = head.substr(line_end + 2);
  while (!rest.starts_with("\r\n")) {
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return HeadRefusal{400, "the head does not end"};
    if (auto refusal = CheckField(rest.substr(0, end), seen)) return refusal;
    rest.remove_prefix(end + 2);
  }
  return CheckFraming(request_line, seen);
}

std::optional<DecodedTarget> DecodeTarget(std::string_view target) {
  if (const std::string_view authority = AuthorityOf(target); !authority.empty()) {
    target.remove_prefix(static_cast<size_t>(authority.data() + authority.size() - target.data()));
  }
  DecodedTarget out;
  const size_t mark = target.find('?');
  const std::optional<std::string> path = PercentDecode(target.substr(0, mark), /*plus_is_space=*/false);
  if (!path) return std::nullopt;
  out.path = path->empty() ? "/" : *path;
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    auto key = PercentDecode(item.substr(0, equals), /*plus_is_space=*/true);
    auto value = PercentDecode(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1), /*plus_is_space=*/true);
    if (!key || !value) return std::nullopt;
    out.query.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

}  // namespace chain429
