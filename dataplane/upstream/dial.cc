#include "dataplane/upstream/dial.h"

namespace chain429 {

Task<ConnectionPtr> Dial::Run() {
  Resolved resolved = co_await context_.resolver.Resolve(host_->endpoint().host, host_->endpoint().port, until_);
  Task<ConnectionPtr> reaching = Reach(std::move(resolved));
  ConnectionPtr connection = co_await reaching;
  co_return connection;
}

Task<ConnectionPtr> Dial::Reach(Resolved resolved) {
  context_.deadlines.Set(*this, until_);
  error_ = resolved.error;
  if (resolved.timed_out) timed_out_ = true;
  for (const auto& address : resolved.addresses) {
    if (cancelled_ || timed_out_) break;
    current_ = new Connection(Socket(context_.io.get_executor()));
    error_ = co_await current_->Connect(address);
    if (error_.empty() && host_->endpoint().tls)
      error_ = co_await current_->StartTls(context_.tls, host_->endpoint().host);
    if (error_.empty() && !current_->aborted()) {
      ClearDeadline();
      co_return std::move(current_);
    }
    current_->Abort();
  }
  ClearDeadline();
  if (timed_out_ && !resolved.timed_out) error_ = "connecting timed out";
  if (error_.empty()) error_ = "connecting was given up";
  co_return nullptr;
}

void Dial::Cancel() {
  cancelled_ = true;
  if (current_ != nullptr) current_->Abort();
}

void Dial::OnDeadline() {
  timed_out_ = true;
  if (current_ != nullptr) current_->Abort();
}

}  // namespace chain429
