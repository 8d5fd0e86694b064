#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace chain429 {

// Bytes that must be readable behind every text given to the scans (simdjson reads in blocks).
inline constexpr size_t kScanPadding = 64;

// What the gateway needs to know of a chat request; everything else in it is passed on unseen.
struct BodyScan {
  size_t model_begin = 0;  // the value of the top-level `model`, quotes included, as offsets into the body
  size_t model_end = 0;
  std::string model;       // unescaped
  bool stream = false;
  bool has_stream_options = false;
  size_t close_brace = 0;  // offset of the last `}`: where a field can be added
  int64_t max_output = 0;  // max_completion_tokens, else max_tokens; 0: neither
};

// Why a body is refused with 400.
struct BodyError {
  std::string message;
  std::string_view param;  // "model", "stream", or empty
  bool ok() const { return message.empty(); }
};

// Reads a body once: valid UTF-8, valid JSON down to the last byte, at most 1,024 deep, an object, `model` a non-empty
// string, neither `model` nor `stream` twice (keys are compared unescaped). One per worker: it keeps its parser's
// memory. `body` must be followed by kScanPadding readable bytes.
class BodyScanner {
 public:
  BodyScanner();
  ~BodyScanner();
  BodyScanner(const BodyScanner&) = delete;
  BodyScanner& operator=(const BodyScanner&) = delete;
  BodyError Scan(std::string_view body, BodyScan& out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace chain429
