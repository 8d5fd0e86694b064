#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/io/http_server.h"
#include "common/io/loop.h"
#include "controlplane/ctl/up/launcher.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {

// Keeps what is written and does something, once, when a text appears in it.
class WatchedStream : private std::stringbuf, public std::ostream {
 public:
  WatchedStream() : std::ostream(static_cast<std::stringbuf*>(this)) {}
  void When(std::string text, std::function<void()> action) {
    actions_.emplace_back(std::move(text), std::move(action));
  }
  std::string Text() const { return std::stringbuf::str(); }

 private:
  int sync() override;

  std::vector<std::pair<std::string, std::function<void()>>> actions_;
};

// Shell scripts in the programs' place; the ports that a control plane and a proxy would open are the test's own.
class LauncherTest : public testing::Test {
 public:
  ~LauncherTest() override;

 protected:
  LauncherTest();

  // Makes NAME a shell script; it may append to $LOG.
  std::string Script(const std::string& name, const std::string& body);
  // Notes that it started, with its arguments, runs until it is asked to stop, and notes that.
  static std::string Steady(const std::string& label);
  // Notes that it started, and never stops when asked.
  static std::string Deaf(const std::string& label);

  // What the user does once the banner is there.
  void OnBanner(std::function<void()> action) { out_.When("Ctrl-C stops everything.", std::move(action)); }
  // Ctrl-C, or `kill`.
  static void PressCtrlC();
  // Kills the script that started under this label.
  void Kill(const std::string& label) const;

  int Run();
  std::string Log() const { return folder_.Read("log"); }
  bool ErrHas(const std::string& text) const { return err_.Text().find(text) != std::string::npos; }

  TemporaryFolder folder_;
  Loop loop_{"ports"};
  std::unique_ptr<HttpServer> grpc_;
  std::unique_ptr<HttpServer> admin_;
  std::vector<std::string> ready_after_ = {"control started", "proxy started"};  // in the log
  int unready_wanted_ = 0;        // answers before that
  std::atomic<int> unready_ = 0;  // so far
  UpOptions options_;
  UpPlan plan_;
  WatchedStream out_;
  WatchedStream err_;
};

}  // namespace chain429
