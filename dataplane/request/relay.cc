#include "dataplane/request/relay.h"

#include <algorithm>
#include <charconv>

#include "common/base/text.h"
#include "dataplane/http/response.h"
#include "dataplane/request/stream_text.h"

namespace chain429 {
namespace {

constexpr size_t kMaxHeld = 64 * 1024;            // events before the first content
constexpr size_t kMaxEvent = size_t{8} << 20;
constexpr size_t kMaxInflated = 64 * 1024;        // at once
constexpr size_t kLargeBuffer = 64 * 1024;
constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr absl::Duration kTailPatience = absl::Milliseconds(200);

}  // namespace

Relay::Relay(Attempt& attempt)
    : attempt_(attempt),
      worker_(attempt.worker_),
      upstream_(*attempt.upstream_),
      client_(attempt.request_.client),
      judge_(worker_.answer_scanner, *attempt.route_.rules, attempt.wants_usage()),
      chunked_(attempt.answer_.chunked),
      length_(attempt.answer_.content_length) {}

// However it ended, also by a client that left.
Relay::~Relay() {
  if (!committed_) return;
  attempt_.usage_ = judge_.usage();
  worker_.counters.streams_open.Sub();
}

Task<bool> Relay::Run() {
  // The client's head is put together now: the provider's fields stand in a buffer that will be reused.
  if (const std::string_view coding = attempt_.answer_.Find("content-encoding");
      !coding.empty() && !EqualsIgnoreCase(coding, "identity")) {
    inflate_ = InflateStream::For(coding);
    attempt_.inflates_ = inflate_ != nullptr;
    if (inflate_ == nullptr) {
      attempt_.Fail(Outcome::kBroken, "the stream is compressed in a way that cannot be read");
      co_return false;
    }
  }
  std::string fields;
  attempt_.AppendAnswerFields(fields, false);
  attempt_.provider_fields_ = std::move(fields);
  upstream_.Consume(attempt_.head_size_);
  attempt_.head_size_ = 0;
  for (;;) {
    End end = TakeRaw();
    if (end == End::kWhole) TakeLastLine();
    const bool going_on = JudgeEvents();
    if (failed_ && !committed_) co_return false;
    if (judge_.done_seen()) {
      const bool finished = co_await FinishWhole();
      co_return finished;
    }
    if (failed_) {
      const bool told = co_await FinishBroken(judge_.verdict().message);
      co_return told;
    }
    if (end != End::kMore || !going_on) {
      if (!committed_) {
        FailUnseen(going_on ? end : End::kBroken);
        co_return false;
      }
      if (judge_.complete()) {
        const bool finished = co_await FinishWhole();
        co_return finished;
      }
      const bool told =
          co_await FinishBroken(end == End::kWhole ? "the provider ended the stream before its answer was whole"
                                                   : "the connection to the provider broke");
      co_return told;
    }
    const bool flushed = co_await Flush({}, false);
    if (!flushed) co_return false;
    if (committed_)
      worker_.deadlines().Set(
          attempt_, std::min(attempt_.request_.deadline, worker_.now() + attempt_.request_.chain.timeouts.idle));
    if (!text_waits_) {
      const bool more = co_await upstream_.Fill();
      if (!more && upstream_.end() == IoEnd::kOpen) co_return false;
    }
    if (attempt_.interrupted_ || client_.gone()) co_return false;
  }
}

Relay::End Relay::TakeRaw() {
  const End end = Deframe();
  if (inflate_ == nullptr) return end;
  const InflateStream::Step step = inflate_->Feed(upstream_.input().substr(0, payload_), kMaxInflated, text_);
  upstream_.Consume(step.consumed);
  payload_ -= step.consumed;
  text_waits_ = step.full;
  if (step.state == InflateStream::State::kBroken) return End::kBroken;
  if (text_waits_) return End::kMore;
  return end == End::kWhole && step.state != InflateStream::State::kEnd ? End::kBroken : end;
}

// Payload is compacted to the front of the input; what is left of raw bytes follows it directly.
Relay::End Relay::Deframe() {
  if (framing_done_) return End::kWhole;
  const size_t raw = upstream_.input().size() - payload_;
  if (chunked_) {
    char* data = upstream_.input_data() + payload_;
    const ChunkScan::Step step = attempt_.chunks_.Feed(data, raw, data);
    upstream_.Cut(payload_ + step.payload, payload_ + step.consumed);
    payload_ += step.payload;
    received_ += step.payload;
    if (step.state == ChunkScan::State::kBad) return End::kBroken;
    framing_done_ = step.state == ChunkScan::State::kDone;
  } else {
    const size_t taken = length_ ? static_cast<size_t>(std::min<uint64_t>(raw, *length_ - received_)) : raw;
    payload_ += taken;
    received_ += taken;
    framing_done_ = length_ && received_ == *length_;
  }
  if (framing_done_) return End::kWhole;
  if (upstream_.end() == IoEnd::kOpen) return End::kMore;
  // Without a length or chunks the end of the connection is the end of the body.
  return !chunked_ && !length_ && upstream_.end() == IoEnd::kEof ? End::kWhole : End::kBroken;
}

void Relay::CutText(size_t offset, size_t from) {
  if (inflate_ != nullptr) {
    text_.erase(offset, from - offset);
  } else {
    upstream_.Cut(offset, from);
    payload_ -= from - offset;
  }
}

void Relay::DropText(size_t size) {
  if (inflate_ != nullptr) {
    text_.erase(0, size);
  } else {
    upstream_.Consume(size);
    payload_ -= size;
  }
}

void Relay::TakeLastLine() {
  std::string_view rest = text().substr(scan_.begin());
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r' || rest.back() == ' ')) rest.remove_suffix(1);
  if (rest != "data: [DONE]" && rest != "data:[DONE]") return;
  if (!judge_.content_seen()) return;
  judge_.NoteDone();
}

bool Relay::JudgeEvents() {
  SseScan::Event event;
  const absl::Time wall = worker_.clock.Read().wall;
  while (scan_.Next(text(), event)) {
    const StreamJudge::Ruling ruling =
        judge_.Judge(event, text().substr(event.begin, event.end - event.begin), wall, attempt_.readings_);
    switch (ruling) {
      case StreamJudge::Ruling::kHold:
        Show(event.begin, event.end);
        if (shown_.back().end - shown_.front().begin > kMaxHeld) return false;
        break;
      case StreamJudge::Ruling::kDrop:
        break;
      case StreamJudge::Ruling::kForward:
        if (!committed_) Commit();
        Show(event.begin, event.end);
        break;
      case StreamJudge::Ruling::kDone:
        Show(event.begin, event.end);
        return true;
      case StreamJudge::Ruling::kFailed:
        failed_ = true;
        attempt_.TakeVerdict(judge_.verdict());
        return true;
      case StreamJudge::Ruling::kEmpty:
        failed_ = true;
        attempt_.Fail(Outcome::kEmpty, "the stream ended without content");
        return true;
    }
  }
  // One event may be large; it may not be endless.
  return text().size() - scan_.begin() <= kMaxEvent;
}

void Relay::Show(size_t begin, size_t end) {
  if (!shown_.empty() && shown_.back().end == begin) {
    shown_.back().end = end;
  } else {
    shown_.push_back({begin, end});
  }
}

void Relay::Commit() {
  committed_ = true;
  attempt_.first_content_ = worker_.now();
  attempt_.result_.replied = true;
  attempt_.TellBegun();
  if (KeepAlive* keep_alive = attempt_.request_.keep_alive; keep_alive != nullptr && keep_alive->TakeOver()) {
    std::string fields;
    attempt_.AppendChainFields(fields);
    client_.AppendBody(FieldsComment(fields));
  } else {
    std::string& head = client_.StartHead(attempt_.answer_.status);
    head.append(attempt_.provider_fields_);
    attempt_.AppendChainFields(head);
    client_.FinishHead(client_.http10() ? Responder::Framing::kUntilClose : Responder::Framing::kChunked);
  }
  worker_.counters.streams_open.Add();
}

// Sends what is to be shown, then `tail`, as one chunk, and drops what was judged from the input.
Task<bool> Relay::Flush(std::string_view tail, bool last) {
  const size_t judged = scan_.begin();
  if (!committed_) {
    // What is held stays at the front of the input, without the comments in between.
    size_t kept = 0;
    if (!shown_.empty() || judged > 0) {
      char* data = text_data();
      for (const Range& range : shown_) {
        std::copy(data + range.begin, data + range.end, data + kept);
        kept += range.end - range.begin;
      }
      CutText(kept, judged);
      scan_.Rebase(judged - kept);
      shown_.clear();
      if (kept > 0) shown_.push_back({0, kept});
    }
    co_return true;
  }
  bool good = true;
  bool tail_sent = tail.empty() && !last;
  size_t next = 0;
  const char* data = text().data();
  while (good && (next < shown_.size() || !tail_sent)) {
    // At most three stretches a write, so that head, chunk size, tail and chunk end fit beside them.
    const size_t upto = std::min(shown_.size(), next + 3);
    size_t size = 0;
    std::string_view parts[3];
    for (size_t i = next; i < upto; ++i) {
      parts[i - next] = std::string_view(data + shown_[i].begin, shown_[i].end - shown_[i].begin);
      client_.facts().TakeAnswerBody(parts[i - next]);
      size += parts[i - next].size();
    }
    const bool ends = upto == shown_.size();
    const std::string_view trailer = ends ? tail : std::string_view();
    size += trailer.size();
    client_.facts().TakeAnswerBody(trailer);
    char chunk_size[24];
    const char* end_of_size = std::to_chars(chunk_size, chunk_size + 18, size, 16).ptr;
    char* crlf = const_cast<char*>(end_of_size);
    crlf[0] = '\r';
    crlf[1] = '\n';
    const bool chunks = !client_.http10();
    const std::string_view before = chunks && size > 0
                                        ? std::string_view(chunk_size, static_cast<size_t>(crlf + 2 - chunk_size))
                                        : std::string_view();
    const std::string_view after = !chunks        ? std::string_view()
                                   : last && ends ? (size > 0 ? std::string_view("\r\n0\r\n\r\n") : kLastChunk)
                                                  : (size > 0 ? std::string_view("\r\n") : std::string_view());
    auto write = client_.connection().Write(head_sent_ ? std::string_view() : client_.head(), before, parts[0],
                                            parts[1], parts[2], trailer, after);
    head_sent_ = true;
    if (!write.await_ready()) {
      // The client is slow: until it has taken this nothing more is read, and only the whole request's time counts.
      worker_.deadlines().Set(attempt_, attempt_.request_.deadline);
      attempt_.writing_ = true;
      good = co_await write;
      attempt_.writing_ = false;
    } else {
      good = write.await_resume();
    }
    next = upto;
    tail_sent = tail_sent || ends;
  }
  shown_.clear();
  DropText(judged);
  scan_.Rebase(judged);
  if (judged > kLargeBuffer && !upstream_.reading()) upstream_.Shrink();
  co_return good;
}

Task<bool> Relay::FinishWhole() {
  const bool add_done = !judge_.done_shown();
  Task<bool> flushing = Flush(add_done ? kDoneEvent : std::string_view(), true);
  const bool sent = co_await flushing;
  if (sent) client_.set_answered();
  // The end of the framing usually comes with [DONE]; if it lags, it gets a moment, so that the connection can be used
  // again.
  if (!framing_done_ && chunked_ && !attempt_.interrupted_ && upstream_.end() == IoEnd::kOpen) {
    worker_.deadlines().Set(attempt_, worker_.now() + kTailPatience);
    while (!framing_done_) {
      // Whatever still comes is not for the client.
      const bool more = co_await upstream_.Fill();
      if (!more) break;
      const End end = Deframe();
      if (end == End::kBroken) break;
      upstream_.Consume(payload_);
      payload_ = 0;
    }
  }
  if (payload_ > 0) {
    upstream_.Consume(payload_);
    payload_ = 0;
  }
  attempt_.whole_ = framing_done_ && attempt_.keeps_alive_ && upstream_.input().empty();
  co_return sent;
}

Task<bool> Relay::FinishBroken(std::string_view why) {
  attempt_.result_.stream_broken = true;
  client_.facts().code = "stream_broken";
  attempt_.result_.end.outcome = attempt_.timed_out_ ? Outcome::kTimeout : Outcome::kBroken;
  worker_.counters.streams_broken.Add();
  const std::string message =
      attempt_.timed_out_ ? std::string("the provider sent nothing for too long") : attempt_.WithoutKeys(why);
  const std::string event =
      std::string("data: ")
          .append(ErrorBody("The stream broke off: " + message + ".", "api_error", {}, "stream_broken"))
          .append("\n\n");
  Task<bool> flushing = Flush(event, true);
  const bool sent = co_await flushing;
  co_return sent;
}

void Relay::FailUnseen(End end) {
  if (attempt_.timed_out_) {
    attempt_.Fail(Outcome::kTimeout, "no content in time");
  } else if (end == End::kWhole) {
    attempt_.Fail(Outcome::kEmpty, "the stream ended without content");
  } else {
    attempt_.Fail(Outcome::kBroken, "the stream broke before its first content");
  }
}

}  // namespace chain429
