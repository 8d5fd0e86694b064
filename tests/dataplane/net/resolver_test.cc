#include "dataplane/net/resolver.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

namespace ip = boost::asio::ip;

// Answers look-ups when it is told to.
class ToldNames {
 public:
  NameAnswer LookUp(const std::string& name) {
    std::unique_lock lock(mutex_);
    ++calls_[name];
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_ || answers_.contains(name); });
    const auto answer = answers_.find(name);
    return answer != answers_.end() ? answer->second : NameAnswer{{}, "released"};
  }
  void Answer(const std::string& name, NameAnswer answer) {
    const std::lock_guard lock(mutex_);
    answers_[name] = std::move(answer);
    changed_.notify_all();
  }
  void Hold(const std::string& name) {
    const std::lock_guard lock(mutex_);
    answers_.erase(name);
  }
  // Once `times` look-ups of the name have begun.
  void WaitForCalls(const std::string& name, int times) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return calls_[name] >= times; }));
  }
  int calls(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return calls_[name];
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, NameAnswer> answers_;
  std::map<std::string, int> calls_;
  bool released_ = false;
};

NameAnswer At(const std::string& address) { return {{ip::make_address(address)}, ""}; }

class ResolverTest : public LoopbackTest {
 protected:
  ~ResolverTest() override { names->Release(); }
  static Task<Resolved> Ask(Resolve* resolve) {
    Resolved resolved = co_await *resolve;
    co_return resolved;
  }
  // The answer that is there at once, if any.
  std::optional<Resolved> AtOnce(const std::string& name) {
    std::optional<Resolved> resolved;
    Resolve resolve(resolver, name, 80, MonoTime::Max());
    if (resolve.await_ready()) resolved = resolve.await_resume();
    return resolved;
  }
  Resolved Wait(const std::string& name, uint16_t port = 80) {
    Resolve resolve(resolver, name, port, MonoTime::Max());
    return Finish(Ask(&resolve)).value_or(Resolved());
  }
  // The look-up that was begun is over, and the resolver knows.
  void LetAnswersIn() {
    io.restart();
    io.run_for(std::chrono::seconds(20));
  }
  static std::string First(const std::optional<Resolved>& resolved) {
    if (!resolved) return "not yet";
    return resolved->addresses.empty() ? resolved->error : resolved->addresses[0].address().to_string();
  }
  std::shared_ptr<ToldNames> names = std::make_shared<ToldNames>();
  NameLookUps look_ups{[told = names](const std::string& name) { return told->LookUp(name); }};
  Resolver resolver{io, deadlines, clock, look_ups};
};

TEST_F(ResolverTest, AnAddressNeedsNoLookUp) {
  for (const std::string address : {"127.0.0.1", "::1", "10.1.2.3"}) {
    const std::optional<Resolved> resolved = AtOnce(address);
    ASSERT_TRUE(resolved.has_value()) << "at once";
    ASSERT_EQ(resolved->addresses.size(), 1u);
    EXPECT_EQ(resolved->addresses[0].address().to_string(), address);
    EXPECT_EQ(resolved->addresses[0].port(), 80);
    EXPECT_EQ(resolved->error, "");
  }
}

TEST_F(ResolverTest, TheSystemKnowsLocalhostAndNoImpossibleName) {
  NameLookUps system;
  Resolver of_system(io, deadlines, clock, system);
  Resolve localhost(of_system, "localhost", 443, MonoTime::Max());
  const std::optional<Resolved> found = Finish(Ask(&localhost));
  ASSERT_FALSE(found->addresses.empty()) << found->error;
  EXPECT_TRUE(found->addresses[0].address().is_loopback());
  EXPECT_EQ(found->addresses[0].port(), 443);
  // A label of more than 63 bytes is no name that could be asked for.
  const std::string name = std::string(70, 'x') + ".invalid";
  Resolve impossible(of_system, name, 80, MonoTime::Max());
  const std::optional<Resolved> none = Finish(Ask(&impossible));
  EXPECT_TRUE(none->addresses.empty());
  EXPECT_FALSE(none->timed_out);
  EXPECT_NE(none->error.find("\"" + name + "\" cannot be resolved"), std::string::npos) << none->error;
}

TEST_F(ResolverTest, ANameIsKeptAndRenewedWhileTheOldAddressServes) {
  names->Answer("a.test", At("10.0.0.1"));
  EXPECT_EQ(First(Wait("a.test")), "10.0.0.1");
  clock.Turn(Resolver::kTimeToLive - absl::Nanoseconds(1));
  EXPECT_EQ(First(AtOnce("a.test")), "10.0.0.1");
  EXPECT_EQ(names->calls("a.test"), 1);

  names->Hold("a.test");
  clock.Turn(absl::Nanoseconds(1));
  EXPECT_EQ(First(AtOnce("a.test")), "10.0.0.1") << "a slow name server holds up nobody";
  names->WaitForCalls("a.test", 2);
  EXPECT_EQ(First(AtOnce("a.test")), "10.0.0.1");
  names->Answer("a.test", At("10.0.0.2"));
  LetAnswersIn();
  EXPECT_EQ(First(AtOnce("a.test")), "10.0.0.2");
  EXPECT_EQ(names->calls("a.test"), 2);
}

TEST_F(ResolverTest, WhatIsVeryOldIsWaitedFor) {
  names->Answer("a.test", At("10.0.0.1"));
  Wait("a.test");
  clock.Turn(Resolver::kServeStale);
  names->Answer("a.test", At("10.0.0.2"));
  EXPECT_EQ(First(AtOnce("a.test")), "not yet");
  EXPECT_EQ(First(Wait("a.test")), "10.0.0.2");
}

TEST_F(ResolverTest, AnOldAddressIsBetterThanNone) {
  names->Answer("a.test", At("10.0.0.1"));
  Wait("a.test");
  clock.Turn(Resolver::kServeStale);
  names->Answer("a.test", {{}, "server failure"});
  EXPECT_EQ(First(Wait("a.test")), "10.0.0.1");
  EXPECT_EQ(First(AtOnce("a.test")), "10.0.0.1") << "without asking again so soon";
  EXPECT_EQ(names->calls("a.test"), 2);
  clock.Turn(Resolver::kKeep);
  EXPECT_EQ(First(Wait("a.test")), "\"a.test\" cannot be resolved: server failure");
}

TEST_F(ResolverTest, AFailureIsKeptForASecond) {
  names->Answer("a.test", {{}, "unknown"});
  EXPECT_EQ(First(Wait("a.test")), "\"a.test\" cannot be resolved: unknown");
  names->Answer("a.test", At("10.0.0.1"));
  clock.Turn(Resolver::kErrorTimeToLive - absl::Nanoseconds(1));
  EXPECT_EQ(First(AtOnce("a.test")), "\"a.test\" cannot be resolved: unknown");
  clock.Turn(absl::Nanoseconds(1));
  EXPECT_EQ(First(Wait("a.test")), "10.0.0.1");
}

TEST_F(ResolverTest, OneLookUpServesAllWhoAsk) {
  Resolve first(resolver, "a.test", 80, MonoTime::Max());
  Resolve second(resolver, "a.test", 81, MonoTime::Max());
  Resolver of_another_worker(io, deadlines, clock, look_ups);
  Resolve third(of_another_worker, "a.test", 80, MonoTime::Max());
  std::optional<Resolved> answers[3];
  Start(Ask(&first), &answers[0]);
  Start(Ask(&second), &answers[1]);
  Start(Ask(&third), &answers[2]);
  names->WaitForCalls("a.test", 1);
  names->Answer("a.test", At("10.0.0.1"));
  ASSERT_TRUE(RunUntil([&] { return answers[0] && answers[1] && answers[2]; }));
  for (const auto& answer : answers) EXPECT_EQ(First(answer), "10.0.0.1");
  EXPECT_EQ(answers[1]->addresses[0].port(), 81) << "ports are kept apart";
  EXPECT_EQ(names->calls("a.test"), 1);
}

TEST_F(ResolverTest, ANameThatHangsHoldsUpNoOther) {
  Resolve hanging(resolver, "hangs.test", 80, MonoTime::Max());
  std::optional<Resolved> hung;
  Start(Ask(&hanging), &hung);
  names->WaitForCalls("hangs.test", 1);
  names->Answer("b.test", At("10.0.0.2"));
  EXPECT_EQ(First(Wait("b.test")), "10.0.0.2");
  EXPECT_FALSE(hung.has_value());
  hanging.Cancel();
  EXPECT_FALSE(hung.has_value()) << "not from within Cancel";
  RunReady();
  ASSERT_TRUE(hung.has_value());
  EXPECT_TRUE(hung->addresses.empty());
  EXPECT_FALSE(hung->timed_out);
}

TEST_F(ResolverTest, TheWaitIsBounded) {
  Resolve slow(resolver, "slow.test", 80, clock.Read().mono + absl::Seconds(3));
  std::optional<Resolved> answer;
  Start(Ask(&slow), &answer);
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return answer.has_value(); }));
  EXPECT_TRUE(answer->timed_out);
  EXPECT_EQ(answer->error, "\"slow.test\" was not resolved in time");
  // The look-up itself goes on, for those who come later.
  names->Answer("slow.test", At("10.0.0.3"));
  LetAnswersIn();
  EXPECT_EQ(First(AtOnce("slow.test")), "10.0.0.3");
}

TEST_F(ResolverTest, AnAnswerAfterItsEndHurtsNobody) {
  {
    Resolver brief(io, deadlines, clock, look_ups);
    Resolve resolve(brief, "late.test", 80, MonoTime::Max());
    EXPECT_FALSE(resolve.await_ready());
    names->WaitForCalls("late.test", 1);
  }
  names->Answer("late.test", At("10.0.0.4"));
  EXPECT_EQ(First(Wait("late.test")), "10.0.0.4");
}

}  // namespace
}  // namespace chain429
