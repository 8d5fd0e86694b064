#include "tests/sim/connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <iostream>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "tests/sim/control.h"
#include "tests/sim/request_reader.h"

namespace chain429::sim {
namespace {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;
constexpr auto kResult = asio::as_tuple(asio::use_awaitable_t<Executor>{});

// Received and not yet consumed; more than this is left in the socket.
constexpr size_t kMostReceived = 1 << 20;
constexpr absl::Duration kLogPollInterval = absl::Milliseconds(2);

// The root of both coroutines: whatever is thrown ends that connection alone.
struct ReportFailure {
  std::shared_ptr<Peer> connection;
  void operator()(std::exception_ptr failure) const {
    if (failure == nullptr) return;
    connection->Close(/*idle_only=*/false);
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      std::cerr << "429chain-sim: a connection failed: " << error.what() << std::endl;
    }
  }
};

// Two coroutines share the socket: one always reads, so that a client's going is seen at once even while an answer is
// being sent or held back; the other takes requests from what was read and plays their scripts. Both run on the one
// thread of the io_context and wake each other with timers.
class Connection final : public Peer, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, Port& port)
      : socket_(std::move(socket)),
        port_(port),
        id_(port.NextConnection()),
        wake_(socket_.get_executor()),
        taken_(socket_.get_executor()) {}

  void Start() {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    if (int64_t size = port_.first()->spec().send_buffer; size > 0) {
      socket_.set_option(asio::socket_base::send_buffer_size(static_cast<int>(size)), ignored);
    }
    asio::co_spawn(socket_.get_executor(), Receive(shared_from_this()), ReportFailure{shared_from_this()});
    asio::co_spawn(socket_.get_executor(), Serve(shared_from_this()), ReportFailure{shared_from_this()});
  }

  bool Release() override {
    if (!stalled_) return false;
    stalled_ = false;
    wake_.cancel();
    return true;
  }

  bool Close(bool idle_only) override {
    if (idle_only && playing_) return false;
    CloseSocket();
    return true;
  }

 private:
  // `self` keeps the connection alive as long as the coroutine runs.
  Task<void> Receive([[maybe_unused]] std::shared_ptr<Connection> self) {
    std::array<char, 16 * 1024> chunk;
    while (true) {
      auto [error, size] = co_await socket_.async_read_some(asio::buffer(chunk), kResult);
      if (error) break;
      received_.append(chunk.data(), size);
      wake_.cancel();
      while (received_.size() >= kMostReceived && !gone_) {
        taken_.expires_at(SteadyClock::time_point::max());
        co_await taken_.async_wait(kResult);
      }
    }
    gone_ = true;
    // A write that is stuck because the client no longer reads has to end, too.
    if (playing_) CloseSocket();
    wake_.cancel();
  }

  Task<void> Serve([[maybe_unused]] std::shared_ptr<Connection> self) {
    bool more = true;
    while (more) more = co_await ServeOne();
    if (provider_ != nullptr) provider_->Disconnected(id_);
    CloseSocket();
  }

  // One request; false when the connection is at its end.
  Task<bool> ServeOne() {
    RequestReader reader;
    while (!reader.done()) {
      size_t used = reader.Feed(received_);
      received_.erase(0, used);
      taken_.cancel();
      if (reader.TakeExpectation()) {
        std::string go_on = HeadText(100, {});
        co_await Write(go_on);
      }
      if (reader.done() || used > 0) continue;
      if (gone_) co_return false;
      bool idle = !reader.begun() && received_.empty();
      absl::Duration at_most = idle ? IdleTimeout() : absl::InfiniteDuration();
      bool more = co_await WaitForMore(at_most);
      if (!more) co_return false;
    }
    IncomingRequest request = reader.Take();
    request.connection = id_;
    request.manners.now = port_.clock().Now();
    Provider* provider = request.malformed ? port_.first() : port_.Route(&request.target);
    bool kept = false;
    if (provider == nullptr) {
      kept = co_await AnswerNobodys(request.manners);
    } else if (request.target.starts_with(kControlPrefix)) {
      kept = co_await ServeControl(*provider, std::move(request));
    } else {
      kept = co_await ServeApi(*provider, std::move(request));
    }
    co_return kept;
  }

  absl::Duration IdleTimeout() const {
    return provider_ == nullptr ? absl::InfiniteDuration() : provider_->spec().idle_timeout;
  }

  Task<bool> AnswerNobodys(Manners manners) {
    HttpAnswer answer;
    answer.status = 404;
    answer.body =
        R"({"error":{"message":"several providers share this port: the path begins with /NAME","type":"invalid_request_error","param":null,"code":null}})";
    Script script = PlainScript(answer, manners);
    bool kept = co_await PlayPlain(script);
    co_return kept;
  }

  Task<bool> ServeControl(Provider& provider, IncomingRequest request) {
    if (std::optional<LogWait> wait = WaitOf(request.method, request.target)) {
      absl::Time deadline = port_.clock().Now() + wait->at_most;
      while (!gone_ && !wait->Satisfied(provider) && port_.clock().Now() < deadline) {
        co_await WaitUntil(port_.clock().Now() + kLogPollInterval);
      }
    }
    HttpAnswer answer = HandleControl(provider, request.method, request.target, request.body, port_.clock().Now());
    Script script = PlainScript(answer, request.manners);
    bool kept = co_await PlayPlain(script);
    co_return kept;
  }

  Task<bool> ServeApi(Provider& provider, IncomingRequest request) {
    // Connections that carry nothing but control are not the provider's.
    if (provider_ == nullptr) {
      provider_ = &provider;
      provider.Connected(id_, weak_from_this());
    }
    request.reused = served_++ > 0;
    bool malformed = request.malformed;
    Exchange exchange = provider.Receive(request, request.manners.now);
    request = IncomingRequest();
    playing_ = true;
    bool whole = co_await Play(provider, exchange);
    playing_ = false;
    provider.Finish(exchange, /*disconnected=*/!whole, port_.clock().Now());
    if (!whole || malformed) co_return false;
    co_return EndAs(exchange.script.ending);
  }

  // False when the client went before the script's end.
  Task<bool> Play(Provider& provider, Exchange& exchange) {
    const std::vector<Step>& steps = exchange.script.steps;
    for (size_t i = 0; i < steps.size(); ++i) {
      bool done = co_await PlayStep(provider, exchange, steps[i]);
      if (!done) co_return false;
      if (gone_) co_return OnlyWaits(steps, i + 1);
    }
    co_return true;
  }

  Task<bool> PlayStep(Provider& provider, Exchange& exchange, const Step& step) {
    bool sent = true;
    if (step.kind == Step::Kind::kWait) {
      absl::Time end = port_.clock().Now() + step.pause;
      co_await WaitUntil(end);
    } else if (step.kind == Step::Kind::kStall) {
      stalled_ = true;
      co_await WaitUntil(absl::InfiniteFuture());
      stalled_ = false;
    } else {
      bool endless = step.kind == Step::Kind::kEndless;
      do {
        sent = co_await Write(step.bytes);
        absl::Time now = port_.clock().Now();
        if (sent) provider.Sent(exchange, step, step.bytes.size(), now);
        absl::Time end = now + step.pause;
        if (endless && sent) co_await WaitUntil(end);
      } while (endless && sent && !gone_);
    }
    co_return sent;
  }

  // Whoever goes when nothing more would have been sent has had the whole answer.
  static bool OnlyWaits(const std::vector<Step>& steps, size_t from) {
    return std::all_of(steps.begin() + static_cast<std::ptrdiff_t>(from), steps.end(),
                       [](const Step& step) { return step.kind == Step::Kind::kWait; });
  }

  Task<bool> PlayPlain(const Script& script) {
    for (const Step& step : script.steps) {
      bool sent = co_await Write(step.bytes);
      if (!sent) co_return false;
    }
    co_return EndAs(script.ending);
  }

  bool EndAs(Ending ending) {
    boost::system::error_code ignored;
    switch (ending) {
      case Ending::kKeep:
        return true;
      case Ending::kClose:
        socket_.shutdown(asio::socket_base::shutdown_send, ignored);
        return false;
      case Ending::kReset:
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        return false;
    }
    return false;
  }

  Task<bool> Write(const std::string& bytes) {
    if (gone_) co_return false;
    auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kResult);
    if (error) gone_ = true;
    co_return !error;
  }

  // Until the client has sent something or gone; false when it has gone or been silent for too long.
  Task<bool> WaitForMore(absl::Duration at_most) {
    wake_.expires_at(
        Deadline(at_most == absl::InfiniteDuration() ? absl::InfiniteFuture() : port_.clock().Now() + at_most));
    auto [error] = co_await wake_.async_wait(kResult);
    bool woken = error == asio::error::operation_aborted;
    co_return woken && (!gone_ || !received_.empty());
  }

  // Until the time has come, the client has gone, or a stall has been released.
  Task<void> WaitUntil(absl::Time time) {
    bool was_stalled = stalled_;
    while (!gone_ && stalled_ == was_stalled && port_.clock().Now() < time) {
      wake_.expires_at(Deadline(time));
      co_await wake_.async_wait(kResult);
    }
  }

  SteadyClock::time_point Deadline(absl::Time time) const {
    absl::Duration left = time - port_.clock().Now();
    if (left > absl::Hours(24 * 365)) return SteadyClock::time_point::max();
    return SteadyClock::now() + absl::ToChronoNanoseconds(left);
  }

  void CloseSocket() {
    boost::system::error_code ignored;
    gone_ = true;
    socket_.close(ignored);
    wake_.cancel();
    taken_.cancel();
  }

  Socket socket_;
  Port& port_;
  int64_t id_;
  Timer wake_;   // for Serve: something came, the client went, a stall ended
  Timer taken_;  // for Receive: there is room again
  std::string received_;
  Provider* provider_ = nullptr;  // of the first API request
  int64_t served_ = 0;
  bool gone_ = false;
  bool playing_ = false;
  bool stalled_ = false;
};

}  // namespace

void StartConnection(Socket socket, Port& port) { std::make_shared<Connection>(std::move(socket), port)->Start(); }

}  // namespace chain429::sim
