#include "controlplane/ctl/up/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>

#include "common/io/signals.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

class ChildProcessTest : public testing::Test {
 protected:
  std::unique_ptr<ChildProcess> Start(std::vector<std::string> argv) {
    auto child = ChildProcess::Start(io_, {"tester", std::move(argv)}, [this](const std::string& line) {
      lines_.push_back(line);
      if (on_line_) on_line_(line);
    });
    EXPECT_TRUE(child.ok()) << child.status();
    return *std::move(child);
  }
  std::unique_ptr<ChildProcess> Shell(const std::string& script) { return Start({"/bin/sh", "-c", script}); }

  // Until the child's end has been seen, as its parent sees it.
  void RunToEnd(ChildProcess& child) {
    Signals signals(io_, {SIGCHLD}, [&](int) {
      if (child.Reap()) io_.stop();
    });
    // It may have ended before anybody listened.
    if (!child.Reap()) io_.run();
    io_.restart();
    EXPECT_FALSE(child.running());
  }
  Strings LinesOf(const std::string& script) {
    lines_.clear();
    RunToEnd(*Shell(script));
    return lines_;
  }

  boost::asio::io_context io_{1};
  std::function<void(const std::string&)> on_line_;
  Strings lines_;
};

TEST_F(ChildProcessTest, GivesBothStreamsLineByLine) {
  EXPECT_EQ(LinesOf("echo one; echo two >&2; printf 'three\\n\\nwithout end'"),
            (Strings{"one", "two", "three", "", "without end"}));
  EXPECT_EQ(LinesOf("exit 0"), Strings{});
}

TEST_F(ChildProcessTest, ALineOfAnyLengthTakesLittleMemory) {
  EXPECT_EQ(LinesOf("head -c 100000 /dev/zero | tr '\\0' x; echo; echo next"),
            (Strings{std::string(4096, 'x'), "next"}));
}

TEST_F(ChildProcessTest, KeepsTheLastLines) {
  const auto child = Shell("seq 1 100");
  RunToEnd(*child);
  ASSERT_EQ(child->last_lines().size(), ChildProcess::kLastLines);
  EXPECT_EQ(child->last_lines().back(), "100");
  EXPECT_EQ(child->last_lines().front(), std::to_string(101 - ChildProcess::kLastLines));
  EXPECT_EQ(lines_.size(), 100u);
}

TEST_F(ChildProcessTest, SaysHowItEnded) {
  const auto exited = Shell("exit 3");
  EXPECT_TRUE(exited->running());
  RunToEnd(*exited);
  EXPECT_EQ(exited->EndText(), "exit status 3");
  EXPECT_FALSE(exited->Reap()) << "once";
  const auto killed = Shell("kill -9 $$");
  RunToEnd(*killed);
  EXPECT_EQ(killed->EndText(), "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(killed->label(), "tester");
}

TEST_F(ChildProcessTest, AProgramThatIsNotThereSaysSo) {
  const auto child = Start({"/no/such/program"});
  RunToEnd(*child);
  EXPECT_EQ(child->EndText(), "exit status 127");
  EXPECT_EQ(lines_, (Strings{"cannot be started"}));
}

TEST_F(ChildProcessTest, PassesItsArgumentsAsTheyAre) {
  const auto child = Start({"/bin/sh", "-c", "printf '%s\\n' \"$@\"", "name", "a b", "", "$HOME", "ünï"});
  RunToEnd(*child);
  EXPECT_EQ(lines_, (Strings{"a b", "", "$HOME", "ünï"}));
}

TEST_F(ChildProcessTest, ASignalReachesIt) {
  const auto child = Shell("tail -f /dev/null & trap 'kill $!; echo asked; exit 5' TERM; echo ready; wait");
  on_line_ = [&](const std::string& line) {
    if (line == "ready") child->Signal(SIGTERM);
  };
  RunToEnd(*child);
  EXPECT_EQ(child->EndText(), "exit status 5");
  EXPECT_EQ(lines_, (Strings{"ready", "asked"}));
  child->Signal(SIGKILL);
}

TEST_F(ChildProcessTest, ReadsNothingFromTheTerminal) { EXPECT_EQ(LinesOf("cat; echo end"), (Strings{"end"})); }

TEST_F(ChildProcessTest, HasAProcessGroupOfItsOwn) {
  const Strings lines = LinesOf("cut -d' ' -f5 /proc/$$/stat; echo $$");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], lines[1]);
}

TEST_F(ChildProcessTest, InheritsNoFileAndNoSignalThatIsIgnoredOrBlocked) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(LinesOf("ls /proc/self/fd | wc -l"), (Strings{"4"})) << "the three, and the one that ls opens";
  close(ends[0]);
  close(ends[1]);
  const auto before = signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t unblocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, &unblocked);
  const auto piped = Shell("kill -PIPE $$; echo still here");
  RunToEnd(*piped);
  EXPECT_EQ(piped->EndText(), "killed by signal " + std::to_string(SIGPIPE) + " (SIGPIPE)");
  const auto user = Shell("kill -USR1 $$; echo still here");
  RunToEnd(*user);
  EXPECT_EQ(user->EndText(), "killed by signal " + std::to_string(SIGUSR1) + " (SIGUSR1)");
  sigprocmask(SIG_SETMASK, &unblocked, nullptr);
  signal(SIGPIPE, before);
}

TEST_F(ChildProcessTest, DoesNotOutliveItsOwner) {
  pid_t pid = 0;
  {
    const auto child = Shell("trap '' TERM; echo ready; exec tail -f /dev/null");
    pid = child->pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  io_.poll();
  EXPECT_TRUE(lines_.empty()) << "nobody is told any more";
}

TEST_F(ChildProcessTest, AGrandchildThatKeepsTheOutputOpenDoesNotHoldUpTheEnd) {
  const auto child = Shell("tail -f /dev/null & echo $!; exit 4");
  RunToEnd(*child);
  EXPECT_EQ(child->EndText(), "exit status 4");
  ASSERT_EQ(lines_.size(), 1u);
  kill(static_cast<pid_t>(std::stol(lines_[0])), SIGKILL);
}

}  // namespace
}  // namespace chain429
