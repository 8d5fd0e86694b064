#include "dataplane/link/attachment.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

std::string Describe(const grpc::Status& status) {
  if (status.ok()) return "the control plane ended the stream";
  return absl::StrCat(status.error_message(), " (gRPC ", static_cast<int>(status.error_code()), ")");
}

}  // namespace

template <typename Up, typename Down>
typename Stream<Up, Down>::Handlers Attachment::HandlersFor(Stream<Up, Down>* stream, bool* hello_written,
                                                            std::function<void(const Down&)> read) {
  return {.post = handlers_.post,
          .read =
              [this, read = std::move(read)](const Down& message) {
                if (!abandoned_) read(message);
              },
          .written = [this, hello_written] { OnWritten(hello_written); },
          .broken = [stream] { stream->End(/*cancel=*/false); },
          .done = [this](const grpc::Status& status) { OnDone(status); }};
}

Attachment::Attachment(std::shared_ptr<grpc::Channel> channel, std::string address, Handlers handlers)
    : channel_(std::move(channel)),
      address_(std::move(address)),
      handlers_(std::move(handlers)),
      stub_(v1::Fleet::NewStub(channel_)),
      permits_(HandlersFor(&permits_, &permits_hello_written_, handlers_.permits)),
      sync_(HandlersFor(&sync_, &sync_hello_written_, handlers_.sync)) {}

void Attachment::Begin(v1::PermitsUp permits_hello, v1::SyncUp sync_hello) {
  stub_->async()->Permits(permits_.context(), &permits_);
  stub_->async()->Sync(sync_.context(), &sync_);
  permits_.Begin(std::move(permits_hello));
  sync_.Begin(std::move(sync_hello));
}

void Attachment::HalfClose() {
  half_closed_ = true;
  permits_.HalfClose();
  sync_.HalfClose();
}

void Attachment::Abandon() {
  abandoned_ = true;
  permits_.End(/*cancel=*/true);
  sync_.End(/*cancel=*/true);
}

void Attachment::OnWritten(bool* hello_written) {
  *hello_written = true;
  if (abandoned_ || attached_ || !permits_hello_written_ || !sync_hello_written_) return;
  attached_ = true;
  handlers_.attached();
}

void Attachment::OnDone(const grpc::Status& status) {
  --streams_open_;
  // The other one may still have something on its way up, which cancelling it would throw away.
  if (half_closed_ && status.ok() && streams_open_ > 0) return;
  if (!std::exchange(abandoned_, true)) {
    // One stream alone is no link.
    permits_.End(/*cancel=*/true);
    sync_.End(/*cancel=*/true);
    handlers_.lost(Describe(status));
  }
  if (streams_open_ == 0) handlers_.gone(this);
}

}  // namespace chain429
