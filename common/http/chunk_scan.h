#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chain429 {

// Takes the chunked framing out of a body as its bytes come in, in whatever pieces. Payload is moved to the front in
// place, so that what the sender cut into many chunks becomes one stretch of memory.
class ChunkScan {
 public:
  enum class State : uint8_t { kMore, kDone, kBad };

  // Reads raw bytes [raw, raw + size) and writes payload to `out` (out <= raw, the same buffer, or elsewhere). Advances
  // both counts. kDone: the last chunk and the trailer were read; raw bytes behind them are left unconsumed.
  struct Step {
    State state = State::kMore;
    size_t consumed = 0;
    size_t payload = 0;
  };
  Step Feed(const char* raw, size_t size, char* out);

 private:
  enum class Part : uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kDone };
  State OnSizeByte(char c);
  State OnTrailerByte(char c);

  Part part_ = Part::kSize;
  uint64_t left_ = 0;  // of the chunk's payload
  uint32_t digits_ = 0;
  uint32_t overhead_ = 0;  // bytes of extension or trailer so far; bounded
  uint32_t trailer_line_ = 0;  // bytes of the present trailer line
  bool trailer_cr_ = false;
};

}  // namespace chain429
