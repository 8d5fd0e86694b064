#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "common/io/address.h"
#include "dataplane/admission.h"
#include "dataplane/link/link.h"
#include "dataplane/request/context.h"
#include "dataplane/request/session.h"

namespace chain429 {

// A file descriptor on its way; closed if it never arrives.
class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  ~OwnedFd();
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// One thread of the data plane with everything that a request needs of its own: loop, listener (SO_REUSEPORT), client
// sessions, upstream connections, permits, counters, and its pointer to the newest snapshot. Workers share nothing that
// changes.
class Worker final : public WorkerPort, public MailClerk {
 public:
  struct Options {
    uint8_t index = 0;
    size_t max_body_bytes = size_t{32} << 20;
    // Snapshots that ask for no client key are not served: the listener is open to others than this host.
    bool keys_required = false;
    UpstreamPool::Options upstream;
    const TlsServerContext* tls = nullptr;  // of the listener; null: plain HTTP
  };
  // `tls` and `look_ups` outlive this.
  Worker(const Options& options, const Clock& clock, const Logger& logger, const TlsClientContext* tls,
         NameLookUps& look_ups, uint64_t seed);
  ~Worker() override;

  // Binds before the thread starts, so that a port in use is an error of the program's start. Port 0: a free one; see
  // address().
  absl::Status Listen(const SocketAddress& address);
  const SocketAddress& address() const { return address_; }
  // `link`, `admission` and `workers` (all of them, by index) must outlive the worker's thread.
  void Start(Link* link, Admission* admission, std::span<const std::unique_ptr<Worker>> workers);

  // Any thread.
  void Deliver(LinkMail mail) override;
  void BeginDrain();  // answers say "Connection: close" from now on
  void StopAccepting();
  void EndSessions();  // idle ones at once, others after their answer
  void AbortSessions();
  // Set when the first snapshot had to be refused for want of client keys.
  bool refused_open() const { return refused_open_.load(std::memory_order_relaxed); }
  bool has_snapshot() const { return has_snapshot_.load(std::memory_order_acquire); }
  const WorkerCounters& counters() const { return counters_; }
  void Stop();  // ends the loop and joins

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  class MailTimer;
  class AcceptTimer;
  void Run();
  void Accept();
  void OnAccepted(Socket socket);
  void OnAcceptFailed(const boost::system::error_code& error);
  // Takes over a connection that another worker has accepted. Any thread.
  void Adopt(OwnedFd fd);
  void StartSession(Socket socket);
  void OnMail(const LinkMail& mail);
  void OnSnapshot(const std::shared_ptr<const Snapshot>& snapshot);
  void OnDeskChanged() override;
  void SendMail(bool flush);

  const Options options_;
  const Clock& clock_;
  const Logger& logger_;
  boost::asio::io_context io_;
  WorkerCounters counters_;
  DeadlineQueue deadlines_;
  Resolver resolver_;
  UpstreamPool upstreams_;
  PermitDesk desk_;
  BodyScanner body_scanner_;
  AnswerScanner answer_scanner_;
  DeadlineQueue log_deadlines_;  // its own: that of the requests would be gone through each time a log is handed over
  RequestLog request_log_;
  WorkerContext context_;
  Acceptor acceptor_;
  SocketAddress address_;
  Session::List sessions_;
  std::unique_ptr<MailTimer> mail_timer_;
  bool mail_posted_ = false;
  MonoTime mail_at_ = MonoTime::Max();  // when the mail timer is set to
  Link* link_ = nullptr;
  Admission* admission_ = nullptr;
  std::span<const std::unique_ptr<Worker>> workers_;
  std::unique_ptr<AcceptTimer> accept_timer_;
  MonoTime accept_failure_told_at_;
  std::atomic<bool> has_snapshot_{false};
  std::atomic<bool> refused_open_{false};
  std::thread thread_;
};

}  // namespace chain429
