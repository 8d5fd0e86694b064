#include <gtest/gtest.h>

#include <string>

#include "common/http/head.h"

namespace chain429 {
namespace {

struct Refused {
  std::string what;
  std::string bytes;
  int status;
};

std::string Fields(std::string_view fields) {
  return std::string("POST /v1 HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n\r\n");
}
std::string Line(std::string_view line) { return std::string(line).append("\r\nHost: a\r\n\r\n"); }

const Refused kRefused[] = {
    {"length beside chunked", Fields("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400},
    {"chunked beside length", Fields("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400},
    {"two lengths", Fields("Content-Length: 5\r\nContent-Length: 6"), 400},
    {"the same length twice", Fields("Content-Length: 5\r\nContent-Length: 5"), 400},
    {"a list of lengths", Fields("Content-Length: 5, 5"), 400},
    {"a signed length", Fields("Content-Length: +5"), 400},
    {"a negative length", Fields("Content-Length: -5"), 400},
    {"a hexadecimal length", Fields("Content-Length: 0x5"), 400},
    {"a fractional length", Fields("Content-Length: 5.0"), 400},
    {"an exponent as length", Fields("Content-Length: 5e1"), 400},
    {"an empty length", Fields("Content-Length:"), 400},
    {"a quoted length", Fields("Content-Length: \"5\""), 400},
    {"a length with a blank inside", Fields("Content-Length: 5 5"), 400},
    {"a length beyond 64 bits", Fields("Content-Length: 18446744073709551616"), 400},
    {"chunked twice", Fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400},
    {"chunked, then another coding", Fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"), 400},
    {"another coding before chunked", Fields("Transfer-Encoding: gzip, chunked"), 501},
    {"chunked before another coding", Fields("Transfer-Encoding: chunked, identity"), 501},
    {"an unknown coding", Fields("Transfer-Encoding: xchunked"), 501},
    {"identity", Fields("Transfer-Encoding: identity"), 501},
    {"chunked with a parameter", Fields("Transfer-Encoding: chunked;q=1"), 501},
    {"chunked with a vertical tab",
     Fields("Transfer-Encoding: \x0B"
            "chunked"),
     400},
    {"no coding", Fields("Transfer-Encoding:"), 501},
    {"a folded line", Fields("x: a\r\n b"), 400},
    {"a line folded with a tab", Fields("x: a\r\n\tb"), 400},
    {"a folded first line", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"a bare LF in the fields", Fields("x: a\nContent-Length: 5"), 400},
    {"a bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"bare LFs everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"a bare CR in a value", Fields("x: a\rb"), 400},
    {"a bare CR in a name", Fields("x\ry: b"), 400},
    {"two CRs", Fields("x: a\r"), 400},
    {"a blank before a colon", Fields("Content-Length : 5"), 400},
    {"a tab before a colon", Fields("Transfer-Encoding\t: chunked"), 400},
    {"a name with a blank inside", Fields("a b: c"), 400},
    {"a name with a letter beyond ASCII", Fields("\xC3\xA9: c"), 400},
    {"an empty name", Fields(": c"), 400},
    {"a line without a colon", Fields("nothing"), 400},
    {"NUL in a value", Fields(std::string_view("x: a\0b", 6)), 400},
    {"NUL in a name", Fields(std::string_view("x\0y: b", 6)), 400},
    {"an escape in a value", Fields("x: \x1B[2J"), 400},
    {"DEL in a value", Fields("x: \x7F"), 400},
    {"no Host", "GET / HTTP/1.1\r\nx: y\r\n\r\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400},
    {"the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"a Host whose port is no number", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
    {"a Host whose port is no number behind brackets", "GET / HTTP/1.1\r\nHost: [::1]:8o\r\n\r\n", 400},
    {"a Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"a Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"an absolute target of the same host", Line("GET http://a/ HTTP/1.1"), 400},
    {"an absolute target that is only a host", Line("GET http://a HTTP/1.1"), 400},
    {"an absolute target in capitals", Line("GET HTTP://A/ HTTP/1.1"), 400},
    {"an absolute target with the port that goes without saying", Line("GET http://a:80/ HTTP/1.1"), 400},
    {"an absolute target without Host", "GET http://a/ HTTP/1.0\r\n\r\n", 400},
    {"an absolute target of another host", Line("GET http://b/ HTTP/1.1"), 400},
    {"an absolute target with a user", Line("GET http://u@a/ HTTP/1.1"), 400},
    {"an absolute target with another port", Line("GET http://a:81/ HTTP/1.1"), 400},
    {"an absolute target of another scheme", Line("GET https://a/ HTTP/1.1"), 400},
    {"an absolute target without a host", Line("GET http:// HTTP/1.1"), 400},
    {"a target that is no path", Line("GET v1 HTTP/1.1"), 400},
    {"a target that is a query", Line("GET ?a HTTP/1.1"), 400},
    {"CONNECT to a host", Line("CONNECT 10.0.0.1:443 HTTP/1.1"), 501},
    {"CONNECT to a path", Line("CONNECT / HTTP/1.1"), 501},
    {"no version", Line("GET /"), 400},
    {"HTTP/0.9", "GET /\r\n", 400},
    {"another protocol", Line("GET / RTSP/1.0"), 400},
    {"HTTP/1.2", Line("GET / HTTP/1.2"), 505},
    {"HTTP/2 in a line of HTTP/1", Line("GET / HTTP/2"), 505},
    {"a version in small letters", Line("GET / http/1.1"), 400},
    {"a version with more digits", Line("GET / HTTP/1.10"), 505},
    {"a blank behind the version", Line("GET / HTTP/1.1 "), 400},
    {"two blanks before the target", Line("GET  / HTTP/1.1"), 400},
    {"two blanks behind the target", Line("GET /  HTTP/1.1"), 400},
    {"a tab in the line", Line("GET\t/ HTTP/1.1"), 400},
    {"a blank in the target", Line("GET /a b HTTP/1.1"), 400},
    {"a control character in the target", Line("GET /\x01 HTTP/1.1"), 400},
    {"NUL in the target", Line(std::string_view("GET /\0 HTTP/1.1", 15)), 400},
    {"a letter beyond ASCII in the target", Line("GET /\xC3\xA9 HTTP/1.1"), 400},
    {"an empty target", Line("GET  HTTP/1.1"), 400},
    {"an empty method", Line(" / HTTP/1.1"), 400},
    {"a method that is no token", Line("G(T / HTTP/1.1"), 400},
    {"an endless method", std::string(40, 'A'), 400},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"a TLS hello", std::string("\x16\x03\x01\x00", 4), 400},
    {"an SSLv2 hello", std::string("\x80\x2E\x01", 3), 400},
    {"an expectation nobody knows", Fields("Expect: 200-ok"), 417},
    {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
};

TEST(HostileHead, IsRefused) {
  for (const Refused& c : kRefused) {
    RequestHead head;
    const ParseResult result = ParseRequestHead(c.bytes, head);
    EXPECT_EQ(result.state, ParseState::kBad) << c.what;
    EXPECT_EQ(result.status, c.status) << c.what << ": " << result.reason;
    EXPECT_FALSE(result.reason.empty()) << c.what;
  }
}

TEST(HostileHead, IsRefusedBeforeAByteOfABodyIsLookedAt) {
  for (const Refused& c : kRefused) {
    RequestHead head;
    const ParseResult result = ParseRequestHead(c.bytes + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", head);
    EXPECT_EQ(result.state, ParseState::kBad) << c.what;
  }
}

// Byte by byte nothing is taken that is refused as a whole, and the refusal comes no later than the last byte.
TEST(HostileHead, IsRefusedByteByByteToo) {
  for (const Refused& c : kRefused) {
    RequestHead head;
    ParseResult result;
    for (size_t size = 0; size <= c.bytes.size() && result.state == ParseState::kIncomplete; ++size) {
      result = ParseRequestHead(std::string_view(c.bytes).substr(0, size), head);
    }
    EXPECT_EQ(result.state, ParseState::kBad) << c.what;
    EXPECT_EQ(result.status, c.status) << c.what;
  }
}

TEST(HostileHead, BinaryIsRefusedAtItsFirstByte) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool may_begin_a_line = byte == '\r' || (byte >= 0x20 && byte < 0x7F);
    if (may_begin_a_line) continue;
    RequestHead head;
    const ParseResult result = ParseRequestHead(std::string_view(&byte, 1), head);
    EXPECT_EQ(result.state, ParseState::kBad) << c;
  }
}

}  // namespace
}  // namespace chain429
