#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

typedef struct z_stream_s z_stream;

namespace chain429 {

// A compressed body that is read while it comes, for servers that compress a stream although nobody asked for that. The
// text that one step may make is bounded, so that a few bytes cannot become much memory.
class InflateStream {
 public:
  enum class State : uint8_t { kMore, kEnd, kBroken };
  struct Step {
    State state = State::kMore;
    size_t consumed = 0;  // of the data
    bool full = false;  // the limit was reached: there may be more text without more data
  };

  // For a Content-Encoding of gzip, x-gzip or deflate; null for any other.
  static std::unique_ptr<InflateStream> For(std::string_view coding);
  ~InflateStream();
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  // Appends at most `limit` bytes of text to `out`, which has kScanPadding (body_scan.h) readable bytes behind it then.
  // What stands behind the end of the compressed data breaks it.
  Step Feed(std::string_view data, size_t limit, std::string& out);

 private:
  explicit InflateStream(bool gzip);
  bool Begin(std::string_view data);

  const bool gzip_;
  bool begun_ = false;
  State state_ = State::kMore;
  std::unique_ptr<z_stream> stream_;
};

}  // namespace chain429
