#include "common/io/loop.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

namespace chain429 {

struct Loop::State {
  State() : context(1), work(boost::asio::make_work_guard(context)) {}
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  std::thread thread;
};

Loop::Loop(const std::string& name) : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get(), name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), name.c_str());
    state->context.run();
  });
}

Loop::~Loop() {
  Stop();
  state_->thread.join();
}

boost::asio::io_context& Loop::context() { return state_->context; }

void Loop::Post(std::function<void()> work) { boost::asio::post(state_->context, std::move(work)); }

void Loop::Run(std::function<void()> work) {
  if (std::this_thread::get_id() == state_->thread.get_id()) {
    work();
    return;
  }
  std::promise<void> done;
  Post([&work, &done] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Loop::Stop() { state_->context.stop(); }

}  // namespace chain429
