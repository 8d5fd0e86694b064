#include "common/http/chunk_scan.h"

#include <algorithm>
#include <cstring>

#include "common/base/hex.h"

namespace chain429 {
namespace {

constexpr uint32_t kMaxSizeDigits = 12;            // far above any body limit, far below overflow
constexpr uint32_t kMaxOverheadBytes = 16 * 1024;  // extensions and trailers are read over, not kept

}  // namespace

ChunkScan::State ChunkScan::OnSizeByte(char c) {
  if (const int digit = HexDigit(c); digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return State::kBad;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return State::kMore;
  }
  if (digits_ == 0) return State::kBad;
  if (c == '\r') {
    part_ = Part::kSizeLf;
  } else if (c == ';') {
    part_ = Part::kExtension;
  } else {
    return State::kBad;
  }
  return State::kMore;
}

ChunkScan::State ChunkScan::OnTrailerByte(char c) {
  if (++overhead_ > kMaxOverheadBytes) return State::kBad;
  if (trailer_cr_) {
    if (c != '\n') return State::kBad;
    trailer_cr_ = false;
    if (trailer_line_ == 0) {
      part_ = Part::kDone;
      return State::kDone;
    }
    trailer_line_ = 0;
  } else if (c == '\r') {
    trailer_cr_ = true;
  } else if (c == '\n' || c == '\0' || (trailer_line_ == 0 && (c == ' ' || c == '\t'))) {
    return State::kBad;  // also a folded line
  } else {
    ++trailer_line_;
  }
  return State::kMore;
}

ChunkScan::Step ChunkScan::Feed(const char* raw, size_t size, char* out) {
  Step step;
  if (part_ == Part::kDone) {
    step.state = State::kDone;
    return step;
  }
  while (step.consumed < size) {
    if (part_ == Part::kData) {
      const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, size - step.consumed));
      if (out + step.payload != raw + step.consumed) std::memmove(out + step.payload, raw + step.consumed, n);
      step.payload += n;
      step.consumed += n;
      left_ -= n;
      if (left_ == 0) part_ = Part::kDataCr;
      continue;
    }
    const char c = raw[step.consumed++];
    State state = State::kMore;
    switch (part_) {
      case Part::kSize:
        state = OnSizeByte(c);
        break;
      case Part::kExtension:
        if (c == '\r') {
          part_ = Part::kSizeLf;
        } else if (c == '\n' || c == '\0' || ++overhead_ > kMaxOverheadBytes) {
          state = State::kBad;
        }
        break;
      case Part::kSizeLf:
        if (c != '\n') state = State::kBad;
        part_ = left_ == 0 ? Part::kTrailer : Part::kData;
        break;
      case Part::kDataCr:
        if (c != '\r') state = State::kBad;
        part_ = Part::kDataLf;
        break;
      case Part::kDataLf:
        if (c != '\n') state = State::kBad;
        part_ = Part::kSize;
        digits_ = 0;
        break;
      case Part::kTrailer:
        state = OnTrailerByte(c);
        break;
      case Part::kData:
      case Part::kDone:
        break;
    }
    if (state != State::kMore) {
      step.state = state;
      return step;
    }
  }
  return step;
}

}  // namespace chain429
