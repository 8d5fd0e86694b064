#include "common/config/base_url.h"

#include "common/wire/model_wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

bool IsClean(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return false;
  }
  return true;
}

void CheckEndpoint(const Endpoint& endpoint) {
  FUZZ_ASSERT(!endpoint.host.empty() && endpoint.port != 0);
  FUZZ_ASSERT(IsClean(endpoint.host) && IsClean(endpoint.path) && IsClean(endpoint.host_header));
  FUZZ_ASSERT(endpoint.path.empty() || (endpoint.path.starts_with('/') && !endpoint.path.ends_with('/')));
  FUZZ_ASSERT(endpoint.host.find_first_of("/?#@[]\\") == std::string::npos);
  FUZZ_ASSERT(endpoint.path.find_first_of("?#") == std::string::npos);
}

void CheckOneInput(std::string_view text) {
  const ExactBytes exact(text);
  const absl::StatusOr<Endpoint> received = wire::ParseBaseUrl(exact.view());
  if (received.ok()) {
    CheckEndpoint(*received);
    const absl::StatusOr<Endpoint> again = wire::ParseBaseUrl(wire::BaseUrl(*received));
    FUZZ_ASSERT(again.ok() && *again == *received);
  }
  const absl::StatusOr<Endpoint> written = ParseBaseUrl(exact.view());
  if (written.ok()) {
    CheckEndpoint(*written);
    // What a configuration may say, the other plane takes, and takes for the same.
    const absl::StatusOr<Endpoint> sent = wire::ParseBaseUrl(wire::BaseUrl(*written));
    FUZZ_ASSERT(sent.ok() && *sent == *written);
    IsLoopbackHost(written->host);
  }
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
