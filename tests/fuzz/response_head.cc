#include "common/http/head.h"

#include "tests/fuzz/head_properties.h"

namespace chain429::fuzz {
namespace {

std::string Serialized(const ResponseHead& head) {
  return std::string(Version(head).substr(1))
             .append(" ")
             .append(std::to_string(head.status))
             .append(" ")
             .append(head.reason) +
         "\r\n" + Fields(head);
}

void CheckOneInput(std::string_view bytes) {
  const auto parse = [](std::string_view text, ResponseHead& head) { return ParseResponseHead(text, head); };
  ResponseHead head;
  const ParseResult result = ParseExact<ResponseHead>(bytes, head, parse);
  CheckEveryCutAgrees<ResponseHead>(bytes, result, parse);
  if (result.state == ParseState::kBad) FUZZ_ASSERT(!result.reason.empty());
  if (result.state != ParseState::kDone) return;
  CheckMessage(head, bytes.substr(0, result.consumed));
  FUZZ_ASSERT(head.status >= 100 && head.status <= 599);
  const std::string again = Serialized(head);
  if (again.size() > kHeadBytesLimit) return;  // a space was added behind each colon
  ResponseHead second;
  const ParseResult same = parse(again, second);
  FUZZ_ASSERT(same.state == ParseState::kDone && same.consumed == again.size());
  FUZZ_ASSERT(second.status == head.status && second.reason == head.reason);
  FUZZ_ASSERT(second.KeepsAlive() == head.KeepsAlive());
  CheckSameMessage(head, second);
  FUZZ_ASSERT(Serialized(second) == again);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
