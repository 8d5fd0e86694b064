#include "dataplane/request/responder.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "dataplane/http/response.h"

namespace chain429 {
namespace {

constexpr size_t kMaxRequestId = 128;

// What can stand in a log, a header and a page without escaping.
bool IsRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
  });
}

void AppendHex(std::string& out, uint64_t value) {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<char, 16> digits;
  for (size_t i = digits.size(); i-- > 0; value >>= 4) digits[i] = kHex[value & 15];
  out.append(digits.data(), digits.size());
}

}  // namespace

void Responder::Begin(const RequestHead& head) {
  http10_ = head.minor_version == 0;
  no_body_ = head.method == "HEAD";
  close_ = !head.KeepsAlive() || worker_.draining || worker_.stopping;
  started_ = answered_ = false;
  const RouteTable* routes = worker_.routes.get();
  facts_.Begin(worker_.now(), head, routes == nullptr ? LogBodies::kOff : routes->snapshot().log.bodies);
  const std::string_view given = head.Find("x-request-id");
  request_id_.clear();
  if (IsRequestId(given)) {
    request_id_.assign(given);
  } else {
    request_id_.assign("req_");
    AppendHex(request_id_, worker_.id_prefix);
    AppendHex(request_id_, ++worker_.requests);
  }
}

std::string& Responder::StartHead(int status, std::string_view reason) {
  head_.clear();
  AppendStatusLine(head_, status, reason);
  worker_.counters.CountAnswer(status);
  facts_.status = status;
  started_ = true;
  return head_;
}

void Responder::FinishHead(Framing framing, size_t length) {
  if (!request_id_.empty()) AppendField(head_, "x-request-id", request_id_);
  switch (framing) {
    case Framing::kLength:
      AppendNumberField(head_, "content-length", length);
      break;
    case Framing::kChunked:
      head_.append("transfer-encoding: chunked\r\n");
      break;
    case Framing::kUntilClose:
      close_ = true;
      break;
  }
  if (close_) {
    head_.append("connection: close\r\n");
  } else if (http10_) {
    head_.append("connection: keep-alive\r\n");
  }
  head_.append("\r\n");
}

void Responder::AppendBody(std::string_view piece) {
  facts_.TakeAnswerBody(piece);
  if (http10_) {
    head_.append(piece);
  } else {
    absl::StrAppend(&head_, absl::Hex(piece.size()), "\r\n");
    head_.append(piece).append("\r\n");
  }
}

void Responder::AppendBodyEnd() {
  if (!http10_) head_.append("0\r\n\r\n");
}

bool Responder::SendSome() {
  const std::optional<size_t> sent = connection_.WriteSome(head_);
  if (sent) {
    head_.erase(0, *sent);
    return true;
  }
  connection_.Abort();
  if (!connection_.reading()) OnGone();  // else the read that ends now tells
  return false;
}

Task<bool> Responder::Send(int status, std::string_view content_type, std::string body, std::string extra_fields) {
  StartHead(status);
  AppendField(head_, "content-type", content_type);
  head_.append(extra_fields);
  FinishHead(Framing::kLength, body.size());
  if (!no_body_) facts_.TakeAnswerBody(body);
  auto write = connection_.Write(head_, no_body_ ? std::string_view() : std::string_view(body));
  const bool sent = co_await write;
  co_return sent;
}

Task<bool> Responder::SendError(int status, std::string message, std::string_view param, std::string_view code,
                                std::string extra_fields) {
  std::string body = ErrorBody(message, ErrorType(status), param, code);
  facts_.code.assign(code);
  Task<bool> sending = Send(status, "application/json", std::move(body), std::move(extra_fields));
  const bool sent = co_await sending;
  co_return sent;
}

void Responder::OnGone() {
  if (answered_) return;
  gone_ = true;
  if (waiting_ != nullptr) waiting_->Interrupt();
}

}  // namespace chain429
