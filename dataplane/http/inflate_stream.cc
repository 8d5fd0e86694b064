#include "dataplane/http/inflate_stream.h"

#include <zlib.h>

#include "common/base/text.h"
#include "dataplane/http/body_scan.h"

namespace chain429 {
namespace {

// See inflate.cc for the numbers.
constexpr int kGzip = 15 + 16;
constexpr int kZlib = 15;
constexpr int kRaw = -15;

// By zlib's two bytes of head. Some servers leave it out; raw data that looks like it is a rare kind of stored block.
bool LooksLikeZlib(std::string_view data) {
  const unsigned first = static_cast<unsigned char>(data[0]);
  const unsigned second = static_cast<unsigned char>(data[1]);
  return (first & 0x0F) == Z_DEFLATED && (first << 8 | second) % 31 == 0;
}

}  // namespace

std::unique_ptr<InflateStream> InflateStream::For(std::string_view coding) {
  const bool gzip = EqualsIgnoreCase(coding, "gzip") || EqualsIgnoreCase(coding, "x-gzip");
  if (!gzip && !EqualsIgnoreCase(coding, "deflate")) return nullptr;
  return std::unique_ptr<InflateStream>(new InflateStream(gzip));
}

InflateStream::InflateStream(bool gzip) : gzip_(gzip), stream_(std::make_unique<z_stream>()) {}

InflateStream::~InflateStream() {
  if (begun_) inflateEnd(stream_.get());
}

bool InflateStream::Begin(std::string_view data) {
  begun_ = inflateInit2(stream_.get(), gzip_ ? kGzip : LooksLikeZlib(data) ? kZlib : kRaw) == Z_OK;
  return begun_;
}

InflateStream::Step InflateStream::Feed(std::string_view data, size_t limit, std::string& out) {
  Step step;
  if (!begun_ && state_ == State::kMore) {
    if (data.size() < 2) return step;
    if (!Begin(data)) state_ = State::kBroken;
  }
  const size_t before = out.size();
  if (state_ == State::kMore) {
    out.resize(before + limit);
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream_->avail_in = static_cast<uInt>(data.size());
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_->avail_out = static_cast<uInt>(limit);
    // Z_BUF_ERROR: nothing to do without more data.
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    if (result == Z_STREAM_END) state_ = State::kEnd;
    if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR) state_ = State::kBroken;
    step.consumed = data.size() - stream_->avail_in;
    step.full = state_ == State::kMore && stream_->avail_out == 0;
    out.resize(before + limit - stream_->avail_out);
    out.reserve(out.size() + kScanPadding);
  }
  if (state_ == State::kEnd && step.consumed < data.size()) state_ = State::kBroken;
  step.state = state_;
  return step;
}

}  // namespace chain429
