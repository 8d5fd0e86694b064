#include "common/http/chunk_scan.h"

#include <vector>

#include "common/base/hex.h"
#include "tests/fuzz/fuzz.h"

namespace chain429::fuzz {
namespace {

using State = ChunkScan::State;

struct Outcome {
  State state = State::kMore;
  size_t consumed = 0;
  std::string payload;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds `bytes` in pieces of what `next_piece` says, each in memory of its own size, payload written over it in place.
template <typename NextPiece>
Outcome Scan(std::string_view bytes, NextPiece next_piece) {
  ChunkScan scan;
  Outcome outcome;
  while (outcome.consumed < bytes.size()) {
    const size_t size = std::min<size_t>(next_piece(), bytes.size() - outcome.consumed);
    const std::string_view piece = bytes.substr(outcome.consumed, size);
    std::vector<char> buffer(piece.begin(), piece.end());
    const ChunkScan::Step step = scan.Feed(buffer.data(), buffer.size(), buffer.data());
    FUZZ_ASSERT(step.consumed <= size && step.payload <= step.consumed);
    FUZZ_ASSERT(step.state != State::kMore || step.consumed == size);
    outcome.payload.append(buffer.data(), step.payload);
    outcome.consumed += step.consumed;
    outcome.state = step.state;
    if (step.state == State::kMore) continue;
    if (step.state == State::kDone) {
      // What stands behind the end belongs to nobody here.
      char rest = '0';
      const ChunkScan::Step after = scan.Feed(&rest, 1, &rest);
      FUZZ_ASSERT(after.state == State::kDone && after.consumed == 0 && after.payload == 0);
    }
    break;
  }
  return outcome;
}

// The grammar once more, on the whole text and as simple as can be; without the bounds of what is read over.
Outcome Reference(std::string_view bytes) {
  Outcome outcome;
  size_t at = 0;
  const auto line_end = [&](size_t from) {
    size_t end = from;
    while (end < bytes.size() && bytes[end] != '\r' && bytes[end] != '\n' && bytes[end] != '\0') ++end;
    return end;
  };
  const auto ends_at = [&](size_t end) {  // a CRLF stands there: kDone; a part of one, or nothing: kMore
    if (end >= bytes.size()) return State::kMore;
    if (bytes[end] != '\r') return State::kBad;
    if (end + 1 >= bytes.size()) return State::kMore;
    return bytes[end + 1] == '\n' ? State::kDone : State::kBad;
  };
  for (;;) {
    uint64_t size = 0;
    size_t digits = 0;
    while (at < bytes.size() && HexDigit(bytes[at]) >= 0 && digits < 13) {
      size = size * 16 + static_cast<uint64_t>(HexDigit(bytes[at++]));
      ++digits;
    }
    if (digits > 12) return {State::kBad, 0, {}};
    if (at == bytes.size()) return outcome;
    if (digits == 0) return {State::kBad, 0, {}};
    const size_t end = bytes[at] == ';' ? line_end(at) : at;
    if (const State state = ends_at(end); state != State::kDone) return {state, 0, outcome.payload};
    at = end + 2;
    if (size == 0) break;
    const size_t here = static_cast<size_t>(std::min<uint64_t>(size, bytes.size() - at));
    outcome.payload.append(bytes.substr(at, here));
    at += here;
    if (here < size || at == bytes.size()) return outcome;
    if (const State state = ends_at(at); state != State::kDone) return {state, 0, outcome.payload};
    at += 2;
  }
  for (;;) {
    if (at < bytes.size() && (bytes[at] == ' ' || bytes[at] == '\t')) return {State::kBad, 0, {}};  // folded
    const size_t end = line_end(at);
    if (const State state = ends_at(end); state != State::kDone) return {state, 0, outcome.payload};
    const bool last = end == at;
    at = end + 2;
    if (last) return {State::kDone, at, outcome.payload};
  }
}

void CheckOneInput(std::string_view bytes) {
  const Outcome whole = Scan(bytes, [&] { return bytes.size(); });
  FUZZ_ASSERT(Scan(bytes, [] { return size_t{1}; }) == whole);
  Random choices = ChoicesFor(bytes);
  for (int i = 0; i < 4; ++i) {
    const uint64_t most = 1 + choices.Below(i < 2 ? 4 : 200);
    FUZZ_ASSERT(Scan(bytes, [&] { return static_cast<size_t>(1 + choices.Below(most)); }) == whole);
  }
  const Outcome reference = Reference(bytes);
  constexpr size_t kOverheadBound = 16 * 1024;
  if (bytes.size() <= kOverheadBound || whole.state != State::kBad) {
    FUZZ_ASSERT(whole.state == reference.state);
    if (whole.state == State::kDone) FUZZ_ASSERT(whole.consumed == reference.consumed);
    if (whole.state != State::kBad) FUZZ_ASSERT(whole.payload == reference.payload);
  }
  if (whole.state != State::kDone) return;
  // Bytes behind the end change nothing, and without the last byte it is no end.
  const std::string longer = std::string(bytes.substr(0, whole.consumed)) + "0\r\n\r\n";
  FUZZ_ASSERT(Scan(longer, [&] { return longer.size(); }) == whole);
  const std::string_view shorter = bytes.substr(0, whole.consumed - 1);
  FUZZ_ASSERT(Scan(shorter, [&] { return shorter.size(); }).state == State::kMore);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
