#include "tests/controlplane/ctl/up/launcher_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace chain429 {

int WatchedStream::sync() {
  const std::string text = Text();
  const auto seen = [&](const auto& item) { return text.find(item.first) != std::string::npos; };
  for (auto found = std::find_if(actions_.begin(), actions_.end(), seen); found != actions_.end();
       found = std::find_if(actions_.begin(), actions_.end(), seen)) {
    const std::function<void()> action = std::move(found->second);
    actions_.erase(found);
    action();
  }
  return 0;
}

LauncherTest::LauncherTest() {
  setenv("LOG", folder_.File("log").c_str(), 1);
  setenv("TMPDIR", folder_.path().c_str(), 1);
  loop_.Run([&] {
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    grpc_ = *HttpServer::Listen(loop_.context(), options,
                                HttpServer::Handler([](const HttpRequest&) { return HttpResponse(); }));
    admin_ = *HttpServer::Listen(
        loop_.context(), options, HttpServer::Handler([this](const HttpRequest& request) {
          EXPECT_EQ(request.path, "/ready");
          const std::string log = Log();
          const bool ready = unready_ >= unready_wanted_ &&
                             std::all_of(ready_after_.begin(), ready_after_.end(),
                                         [&](const std::string& line) { return log.find(line) != std::string::npos; });
          if (!ready) ++unready_;
          return TextResponse(ready ? "ready" : "no snapshot yet", ready ? 200 : 503);
        }));
  });
  plan_.config = folder_.File("mine.yaml");
  plan_.chain = "coding";
  plan_.listen = {"127.0.0.1", 1};
  plan_.http = {"127.0.0.1", 2};
  plan_.grpc = grpc_->address();
  plan_.admin = admin_->address();
  plan_.programs.control = Script("429chain-control", Steady("control"));
  plan_.programs.proxy = Script("429chain-proxy", Steady("proxy"));
}

LauncherTest::~LauncherTest() {
  loop_.Run([&] {
    grpc_.reset();
    admin_.reset();
  });
  unsetenv("LOG");
  unsetenv("TMPDIR");
}

std::string LauncherTest::Script(const std::string& name, const std::string& body) {
  std::string path = folder_.Write(name, "#!/bin/sh\n" + body);
  chmod(path.c_str(), 0755);
  return path;
}

std::string LauncherTest::Steady(const std::string& label) {
  return "tail -f /dev/null &\n"
         "trap 'kill $!; echo " +
         label +
         " stopped >> $LOG; exit 0' TERM\n"
         "echo $$ > $LOG." +
         label +
         "\n"
         "echo " +
         label +
         " started \"$@\" >> $LOG\n"
         "wait\n";
}

std::string LauncherTest::Deaf(const std::string& label) {
  return "trap '' TERM\n"
         "echo $$ > $LOG." +
         label +
         "\n"
         "echo " +
         label +
         " started \"$@\" >> $LOG\n"
         "exec tail -f /dev/null\n";
}

void LauncherTest::PressCtrlC() { kill(getpid(), SIGTERM); }

void LauncherTest::Kill(const std::string& label) const {
  kill(static_cast<pid_t>(std::stol(folder_.Read("log." + label))), SIGKILL);
}

int LauncherTest::Run() {
  CommandContext context;
  context.out = &out_;
  context.err = &err_;
  return Launcher(context, options_, plan_).Run();
}

}  // namespace chain429
