#include "common/http/head.h"

#include "tests/fuzz/head_properties.h"

namespace chain429::fuzz {
namespace {

void CheckRequest(const RequestHead& head, std::string_view bytes) {
  CheckMessage(head, bytes);
  FUZZ_ASSERT(!head.method.empty() && head.method.find(' ') == std::string_view::npos);
  FUZZ_ASSERT(head.method != "CONNECT");
  FUZZ_ASSERT(head.target.starts_with('/') || (head.target == "*" && head.method == "OPTIONS"));
  FUZZ_ASSERT(head.target.size() <= kTargetBytesLimit);
  for (const char c : head.target) FUZZ_ASSERT(c > 0x20 && c < 0x7F);
  FUZZ_ASSERT(CountNamed(head, "host") <= 1);
  FUZZ_ASSERT(head.minor_version == 0 || CountNamed(head, "host") == 1);
  FUZZ_ASSERT(head.host == head.Find("host"));
  if (head.expect_continue)
    FUZZ_ASSERT(head.minor_version == 1 && EqualsIgnoreCase(head.Find("expect"), "100-continue"));
}

std::string Serialized(const RequestHead& head) {
  return std::string(head.method).append(" ").append(head.target).append(Version(head)).append("\r\n") + Fields(head);
}

void CheckOneInput(std::string_view bytes) {
  const auto parse = [](std::string_view text, RequestHead& head) { return ParseRequestHead(text, head); };
  RequestHead head;
  const ParseResult result = ParseExact<RequestHead>(bytes, head, parse);
  CheckEveryCutAgrees<RequestHead>(bytes, result, parse);
  if (result.state == ParseState::kBad) {
    constexpr int kStatuses[] = {400, 414, 417, 431, 501, 505};
    FUZZ_ASSERT(std::find(std::begin(kStatuses), std::end(kStatuses), result.status) != std::end(kStatuses));
    FUZZ_ASSERT(!result.reason.empty());
  }
  if (result.state != ParseState::kDone) return;
  CheckRequest(head, bytes.substr(0, result.consumed));
  const std::string again = Serialized(head);
  if (again.size() > kHeadBytesLimit) return;  // a space was added behind each colon
  RequestHead second;
  const ParseResult same = parse(again, second);
  FUZZ_ASSERT(same.state == ParseState::kDone && same.consumed == again.size());
  FUZZ_ASSERT(second.method == head.method && second.target == head.target && second.host == head.host);
  FUZZ_ASSERT(second.expect_continue == head.expect_continue && second.KeepsAlive() == head.KeepsAlive());
  CheckSameMessage(head, second);
  FUZZ_ASSERT(Serialized(second) == again);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
