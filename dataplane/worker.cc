#include "dataplane/worker.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/detail/socket_option.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr int kBacklog = 4096;
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);  // out of descriptors: somebody has to close first
constexpr absl::Duration kTellEvery = absl::Seconds(10);

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    "content-length: 141\r\n\r\n"
    R"({"error":{"message":"This proxy has as many connections as it may; try again soon.","type":"server_error","param":null,"code":"overloaded"}})"
    "\n";

// One try to say why; a client that has not sent its request yet may see only the end of the connection.
void TellFull(Socket& socket) {
  char request[4096];
  [[maybe_unused]] const ssize_t got = recv(socket.native_handle(), request, sizeof request, MSG_DONTWAIT);
  [[maybe_unused]] const ssize_t sent =
      send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  shutdown(socket.native_handle(), SHUT_WR);
}

}  // namespace

// Sends what is not urgent, and tells the desk the time.
class Worker::MailTimer final : public Deadline {
 public:
  explicit MailTimer(Worker& worker) : worker_(worker) {}
  void OnDeadline() override {
    worker_.mail_at_ = MonoTime::Max();
    worker_.desk_.OnTimer(worker_.clock_.Read().mono);
    worker_.SendMail(false);
    worker_.OnDeskChanged();
  }

 private:
  Worker& worker_;
};

// Accepts again after a pause.
class Worker::AcceptTimer final : public Deadline {
 public:
  explicit AcceptTimer(Worker& worker) : worker_(worker) {}
  void OnDeadline() override {
    if (worker_.acceptor_.is_open()) worker_.Accept();
  }

 private:
  Worker& worker_;
};

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

Worker::Worker(const Options& options, const Clock& clock, const Logger& logger, const TlsClientContext* tls,
               NameLookUps& look_ups, uint64_t seed)
    : options_(options),
      clock_(clock),
      logger_(logger),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      deadlines_(io_, clock),
      resolver_(io_, deadlines_, clock, look_ups),
      upstreams_(io_, deadlines_, clock, counters_.upstream, options.upstream),
      desk_(options.index),
      log_deadlines_(io_, clock),
      request_log_(log_deadlines_, clock, logger),
      context_{{io_, resolver_, deadlines_, tls, clock, counters_.upstream},
               clock,
               logger,
               upstreams_,
               desk_,
               *this,
               counters_,
               body_scanner_,
               answer_scanner_,
               {}},
      acceptor_(io_.get_executor()),
      mail_timer_(std::make_unique<MailTimer>(*this)),
      accept_timer_(std::make_unique<AcceptTimer>(*this)),
      accept_failure_told_at_(clock.Read().mono - kTellEvery) {
  context_.id_prefix = Random(seed).Next();
  context_.max_body_bytes = options.max_body_bytes;
  context_.tls = options.tls;
  context_.log = &request_log_;
}

Worker::~Worker() { Stop(); }

absl::Status Worker::Listen(const SocketAddress& address) {
  error_code error;
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address.host, error), address.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.set_option(ReusePort(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error)
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), ": ", error.message()));
  address_ = {address.host, acceptor_.local_endpoint().port()};
  return absl::OkStatus();
}

void Worker::Start(Link* link, Admission* admission, std::span<const std::unique_ptr<Worker>> workers) {
  link_ = link;
  admission_ = admission;
  workers_ = workers;
  thread_ = std::thread([this] { Run(); });
}

void Worker::Run() {
  pthread_setname_np(pthread_self(), absl::StrCat("worker-", options_.index).c_str());
  const auto guard = asio::make_work_guard(io_);
  Accept();
  io_.run();
}

// Urgent mail goes out once this turn's handlers have run, in one piece; the rest waits for the timer.
void Worker::OnDeskChanged() {
  if (!mail_posted_ && desk_.mail_urgent()) {
    mail_posted_ = true;
    asio::post(io_, [this] {
      mail_posted_ = false;
      SendMail(false);
    });
  }
  const MonoTime next = desk_.NextDeadline();
  if (next != mail_at_ && next != MonoTime::Max()) {
    mail_at_ = next;
    deadlines_.Set(*mail_timer_, next);
  }
}

void Worker::SendMail(bool flush) {
  WorkerMail mail = desk_.TakeMail(clock_.Read().mono, flush);
  if (!mail.empty()) link_->Submit(options_.index, std::move(mail));
}

void Worker::Accept() {
  acceptor_.async_accept([this](const error_code& error, Socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      OnAcceptFailed(error);
      return;
    }
    OnAccepted(std::move(socket));
    if (acceptor_.is_open()) Accept();
  });
}

void Worker::OnAccepted(Socket socket) {
  const std::optional<size_t> owner = admission_->Admit(options_.index);
  if (!owner) {
    counters_.connections_refused.Add();
    if (options_.tls == nullptr) TellFull(socket);
  } else if (*owner == options_.index) {
    StartSession(std::move(socket));
  } else {
    error_code error;
    const int fd = socket.release(error);
    if (error) {
      admission_->Leave(*owner);
      return;
    }
    counters_.connections_moved.Add();
    workers_[*owner]->Adopt(OwnedFd(fd));
  }
}

// A client that gave up meanwhile is no reason to wait; a system without descriptors is, because the connection stays
// in the queue and would be offered again at once, for ever.
void Worker::OnAcceptFailed(const error_code& error) {
  if (error == asio::error::connection_aborted) {
    Accept();
    return;
  }
  counters_.accept_failures.Add();
  const MonoTime now = clock_.Read().mono;
  if (now - accept_failure_told_at_ >= kTellEvery) {
    accept_failure_told_at_ = now;
    logger_.Warning(
        "connections wait, because none can be accepted; raise the limit of open files (ulimit -n, LimitNOFILE) or "
        "lower "
        "--max-connections",
        {{"error", std::string_view(error.message())}});
  }
  deadlines_.Set(*accept_timer_, now + kAcceptPause);
}

void Worker::Adopt(OwnedFd fd) {
  asio::post(io_, [this, owned = std::move(fd)]() mutable {
    Socket socket(io_.get_executor());
    error_code error;
    const bool v6 = address_.host.find(':') != std::string::npos;
    socket.assign(v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), owned.Release(), error);
    if (error) {
      admission_->Leave(options_.index);
      return;
    }
    StartSession(std::move(socket));
  });
}

void Worker::StartSession(Socket socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  Session::Start(context_, std::move(socket), sessions_,
                 [admission = admission_, index = size_t{options_.index}] { admission->Leave(index); });
}

void Worker::Deliver(LinkMail mail) {
  asio::post(io_, [this, letter = std::make_shared<LinkMail>(std::move(mail))] { OnMail(*letter); });
}

void Worker::OnMail(const LinkMail& mail) {
  if (mail.snapshot != nullptr) OnSnapshot(mail.snapshot);
  desk_.OnMail(mail, clock_.Read().mono);
  OnDeskChanged();
  if (mail.drain) context_.draining = true;
}

void Worker::OnSnapshot(const std::shared_ptr<const Snapshot>& snapshot) {
  if (options_.keys_required && !snapshot->auth_required) {
    logger_.Error(
        "the configuration has no auth.client_keys, so this proxy may not serve it beyond loopback; add keys, or start "
        "with --insecure-listen");
    if (context_.routes == nullptr) refused_open_.store(true, std::memory_order_relaxed);
    return;
  }
  auto table = RouteTable::Build(snapshot, upstreams_);
  if (!table.ok()) {
    logger_.Error("a snapshot cannot be served; the last one goes on", {{"error", FromAbsl(table.status().message())}});
    return;
  }
  context_.routes = *std::move(table);
  has_snapshot_.store(true, std::memory_order_release);
}

void Worker::BeginDrain() {
  asio::post(io_, [this] { context_.draining = true; });
}

void Worker::StopAccepting() {
  asio::post(io_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
  });
}

void Worker::EndSessions() {
  asio::post(io_, [this] {
    context_.stopping = true;
    for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->EndSoon();
  });
}

void Worker::AbortSessions() {
  asio::post(io_, [this] {
    for (auto it = sessions_.begin(); it != sessions_.end();) (it++)->Abort();
  });
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    SendMail(true);
    request_log_.Flush();
    io_.stop();
  });
  thread_.join();
}

}  // namespace chain429
