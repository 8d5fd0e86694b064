#include "common/io/signals.h"

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace chain429 {

struct Signals::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& context, Handler h) : set(context), handler(std::move(h)) {}

  void Wait() {
    set.async_wait([self = shared_from_this()](const boost::system::error_code& error, int signal) {
      if (error) return;
      // Waits first: the handler may destroy the Signals.
      self->Wait();
      self->handler(signal);
    });
  }

  boost::asio::signal_set set;
  Handler handler;
};

Signals::Signals(boost::asio::io_context& context, const std::vector<int>& signals, Handler handler)
    : state_(std::make_shared<State>(context, std::move(handler))) {
  boost::system::error_code ignored;  // adding fails only for numbers that are no signals
  for (const int signal : signals) state_->set.add(signal, ignored);
  state_->Wait();
}

Signals::~Signals() {
  boost::system::error_code ignored;
  state_->set.clear(ignored);
  state_->set.cancel(ignored);
}

void IgnoreBrokenPipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace chain429
