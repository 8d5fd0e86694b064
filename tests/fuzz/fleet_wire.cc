#include "common/wire/fleet_wire.h"

#include "chain429/v1/fleet.pb.h"
#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"

namespace chain429::fuzz {
namespace {

// What was taken is sent on as what is taken again, and means the same.
template <typename Wire>
void CheckMessage(std::string_view bytes) {
  Wire message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto decoded = wire::Decode(message);
  if (!decoded.ok()) {
    FUZZ_ASSERT(decoded.status().message().find(": ") != absl::string_view::npos);
    return;
  }
  Wire encoded;
  wire::Encode(*decoded, &encoded);
  const auto again = wire::Decode(encoded);
  FUZZ_ASSERT(again.ok());
  Wire twice;
  wire::Encode(*again, &twice);
  FUZZ_ASSERT(encoded.SerializeAsString() == twice.SerializeAsString());
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes = chain429::fuzz::Text(data, size);
  chain429::fuzz::CheckMessage<chain429::v1::PermitsUp>(bytes);
  chain429::fuzz::CheckMessage<chain429::v1::PermitsDown>(bytes);
  return 0;
}
