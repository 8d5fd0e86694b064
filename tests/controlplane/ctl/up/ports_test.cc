#include "controlplane/ctl/up/ports.h"

#include <gtest/gtest.h>

#include "common/io/http_server.h"
#include "common/io/loop.h"

namespace chain429 {
namespace {

// Somebody who listens on a free port of the loopback.
class Listener {
 public:
  Listener() {
    loop_.Run([&] {
      HttpServerOptions options;
      options.listen = {"127.0.0.1", 0};
      server_ = *HttpServer::Listen(loop_.context(), options,
                                    HttpServer::Handler([](const HttpRequest&) { return HttpResponse(); }));
    });
  }
  ~Listener() {
    loop_.Run([&] { server_.reset(); });
  }
  SocketAddress address() const { return server_->address(); }

 private:
  Loop loop_{"listener"};
  std::unique_ptr<HttpServer> server_;
};

TEST(ClaimPort, GivesAFreePortWhereOneIsAskedFor) {
  SocketAddress address{"127.0.0.1", 0};
  ASSERT_TRUE(ClaimPort("the HTTP API", "--listen", address).ok());
  EXPECT_GT(address.port, 0);
  const uint16_t given = address.port;
  EXPECT_TRUE(ClaimPort("the HTTP API", "--listen", address).ok()) << "it is free until somebody takes it";
  EXPECT_EQ(address.port, given);
}

TEST(ClaimPort, APortInUseIsAnErrorThatNamesWhatItIsForAndTheFlag) {
  const Listener listener;
  SocketAddress address = listener.address();
  const absl::Status status = ClaimPort("the HTTP API", "--listen", address);
  ASSERT_TRUE(absl::IsAlreadyExists(status)) << status;
  for (const std::string& part : {address.ToString(), std::string("the HTTP API"), std::string("--listen 127.0.0.1:"),
                                  std::string("already in use"), std::string("ss -ltnp")}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
}

TEST(ClaimPort, AnAddressThatIsNotThisMachinesIsAnError) {
  SocketAddress address{"192.0.2.1", 4290};
  const absl::Status status = ClaimPort("the HTTP API", "--listen", address);
  ASSERT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("192.0.2.1:4290"), absl::string_view::npos);
  EXPECT_NE(status.message().find("--listen"), absl::string_view::npos);
}

TEST(IsListening, TellsWhetherSomebodyDoes) {
  SocketAddress address;
  {
    const Listener listener;
    address = listener.address();
    EXPECT_TRUE(IsListening(address));
  }
  EXPECT_FALSE(IsListening(address));
  EXPECT_FALSE(IsListening({"not an address", 1}));
}

TEST(ReachableFromHere, IsLoopbackForWhatListensEverywhere) {
  EXPECT_EQ(ReachableFromHere({"0.0.0.0", 5}), (SocketAddress{"127.0.0.1", 5}));
  EXPECT_EQ(ReachableFromHere({"::", 5}), (SocketAddress{"::1", 5}));
  EXPECT_EQ(ReachableFromHere({"10.1.2.3", 5}), (SocketAddress{"10.1.2.3", 5}));
  EXPECT_EQ(ReachableFromHere({"127.0.0.1", 5}), (SocketAddress{"127.0.0.1", 5}));
}

}  // namespace
}  // namespace chain429
