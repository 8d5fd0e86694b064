#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>

#include "common/base/clock.h"

namespace chain429 {

// Something that happens at a time unless it is moved or goes away before. Setting one costs a list link at most: most
// deadlines of a proxy never come, so the queue does not keep them in order and looks at all of them only when the
// earliest it knew of is due.
class Deadline : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Deadline() = default;
  virtual void OnDeadline() = 0;
  void ClearDeadline() { unlink(); }
  bool armed() const { return is_linked(); }

 private:
  friend class DeadlineQueue;
  MonoTime at_;
};

// A loop's deadlines, kept with one timer. Belongs to that loop. Deadlines may fire up to kSlack early, so that those
// which are near each other share one wake-up.
class DeadlineQueue {
 public:
  static constexpr absl::Duration kSlack = absl::Milliseconds(2);

  DeadlineQueue(boost::asio::io_context& io, const Clock& clock) : clock_(clock), timer_(io.get_executor()) {}
  void Set(Deadline& deadline, MonoTime at);

 private:
  using Timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                        boost::asio::io_context::executor_type>;
  using List = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  void Arm(MonoTime at);
  void Fire();

  const Clock& clock_;
  Timer timer_;
  List deadlines_;
  MonoTime armed_at_ = MonoTime::Max();
};

}  // namespace chain429
