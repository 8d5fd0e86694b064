#include "tests/sim/request_reader.h"

#include "boost/asio/buffer.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/string_body.hpp"

namespace chain429::sim {

namespace http = boost::beast::http;

namespace {

constexpr uint32_t kHeadLimit = 64 * 1024;
constexpr uint64_t kBodyLimit = uint64_t{1} << 30;

std::string Text(boost::beast::string_view text) { return std::string(text.data(), text.size()); }

std::string KeyOf(const http::request<http::string_body>& request) {
  std::string value = Text(request[http::field::authorization]);
  constexpr std::string_view kBearer = "Bearer ";
  if (value.starts_with(kBearer)) return value.substr(kBearer.size());
  return value.empty() ? Text(request["x-api-key"]) : value;
}

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body> http;
};

RequestReader::RequestReader() : parser_(std::make_unique<Parser>()) {
  parser_->http.header_limit(kHeadLimit);
  parser_->http.body_limit(kBodyLimit);
}

RequestReader::~RequestReader() = default;

size_t RequestReader::Feed(std::string_view bytes) {
  if (bytes.empty() || done()) return 0;
  auto& http = parser_->http;
  bool in_head = !http.is_header_done();
  boost::system::error_code error;
  size_t used = http.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (in_head) head_.append(bytes.substr(0, used));
  if (error && error != http::error::need_more) {
    malformed_ = true;
    return bytes.size();
  }
  if (in_head && http.is_header_done()) {
    expects_ = boost::beast::iequals(http.get()[http::field::expect], "100-continue");
  }
  whole_ = http.is_done();
  return used;
}

bool RequestReader::TakeExpectation() {
  bool expects = expects_ && !done();
  expects_ = false;
  return expects;
}

IncomingRequest RequestReader::Take() {
  IncomingRequest incoming;
  incoming.malformed = malformed_;
  incoming.head = std::move(head_);
  incoming.manners.keep_alive = false;
  if (malformed_) return incoming;
  incoming.manners.keep_alive = parser_->http.keep_alive();
  http::request<http::string_body> request = parser_->http.release();
  incoming.method = Text(request.method_string());
  incoming.target = Text(request.target());
  incoming.key = KeyOf(request);
  incoming.manners.http_1_0 = request.version() < 11;
  incoming.body = std::move(request.body());
  return incoming;
}

}  // namespace chain429::sim
