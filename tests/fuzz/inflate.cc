#include "dataplane/http/inflate.h"

#include <zlib.h>

#include "dataplane/http/body_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/hostile_bytes.h"

namespace chain429::fuzz {
namespace {

constexpr size_t kLimit = size_t{1} << 20;
constexpr std::string_view kCodings[] = {"gzip", "x-gzip", "deflate", "GZIP", "br", ""};

std::string Deflated(int window_bits, std::string_view data) {
  z_stream stream{};
  FUZZ_ASSERT(deflateInit2(&stream, 1, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(data.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  FUZZ_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void CheckOneInput(std::string_view bytes) {
  // As something compressed.
  const ExactBytes exact(bytes);
  for (const std::string_view coding : kCodings) {
    const std::optional<std::string> content = Inflate(coding, exact.view(), kLimit);
    if (!content) continue;
    FUZZ_ASSERT(coding != "br" && !coding.empty());
    FUZZ_ASSERT(content->size() <= kLimit && content->capacity() >= content->size() + kScanPadding);
    FUZZ_ASSERT(!Inflate(coding, std::string(bytes) + "x", kLimit));
    FUZZ_ASSERT(!Inflate(coding, bytes.substr(0, bytes.size() - 1), kLimit));
    if (content->size() > bytes.size()) {
      FUZZ_ASSERT(Inflate(coding, bytes, content->size()) == content);
      FUZZ_ASSERT(!Inflate(coding, bytes, content->size() - 1));
    }
  }
  // As something to compress.
  constexpr int kGzip = 15 + 16;
  FUZZ_ASSERT(Inflate("gzip", Deflated(kGzip, bytes), kLimit) == bytes);
  FUZZ_ASSERT(Inflate("deflate", Deflated(15, bytes), kLimit) == bytes);
  FUZZ_ASSERT(Inflate("deflate", Deflated(-15, bytes), kLimit) == bytes);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
