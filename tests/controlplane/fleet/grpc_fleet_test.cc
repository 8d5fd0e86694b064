// The streams over a real socket on the loopback.
#include "controlplane/fleet/grpc_fleet.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "common/wire/model_wire.h"
#include "tests/support/captured_log.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

using PermitsStream = grpc::ClientReaderWriter<v1::PermitsUp, v1::PermitsDown>;
using SyncStream = grpc::ClientReaderWriter<v1::SyncUp, v1::SyncDown>;

class GrpcFleetTest : public testing::Test {
 public:
  ~GrpcFleetTest() override {
    thread_.Run([&](const Now&) { registry_.EndStreams("the test is over"); });
    server_->Shutdown();
    thread_.Stop();
  }

 protected:
  GrpcFleetTest() { Listen("127.0.0.1:0"); }

  void Listen(const std::string& address) {
    if (server_ != nullptr) server_->Shutdown();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    if (!started_) thread_.Start();
    started_ = true;
    const std::string target = address.starts_with("unix:") ? address : "127.0.0.1:" + std::to_string(port);
    stub_ = v1::Fleet::NewStub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  }

  // A client's stream, with a limit so that a broken test ends.
  template <typename Stream>
  struct Call {
    std::unique_ptr<grpc::ClientContext> context = std::make_unique<grpc::ClientContext>();
    std::unique_ptr<Stream> stream;
  };
  Call<PermitsStream> OpenPermits() {
    Call<PermitsStream> call;
    call.context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    call.stream = stub_->Permits(call.context.get());
    return call;
  }
  Call<SyncStream> OpenSync() {
    Call<SyncStream> call;
    call.context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    call.stream = stub_->Sync(call.context.get());
    return call;
  }
  static v1::PermitsUp PermitsHello(const std::string& boot_id) {
    v1::PermitsUp up;
    up.mutable_hello()->set_node("node");
    up.mutable_hello()->set_boot_id(boot_id);
    return up;
  }
  static v1::SyncUp SyncHello(const std::string& boot_id) {
    v1::SyncUp up;
    up.mutable_hello()->set_node("node");
    up.mutable_hello()->set_boot_id(boot_id);
    return up;
  }

  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot) {
    thread_.Run([&](const Now& now) { registry_.SetSnapshot(std::move(snapshot), now); });
  }
  std::vector<ProxyView> Proxies() {
    std::vector<ProxyView> proxies;
    thread_.Run([&](const Now& now) { proxies = registry_.Proxies(now); });
    return proxies;
  }

  void WaitUntilNobodyIsAttached() {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return attached_ == 0; });
  }

  // One limited pool and its target; `padding` makes it long.
  static std::shared_ptr<const Snapshot> MakeSnapshot(uint64_t version, size_t padding = 0) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->version = Version(version);
    Provider provider;
    provider.name = "p";
    provider.catalogue_entry = "{\"title\":\"" + std::string(padding, 'x') + "\"}";
    Credential credential;
    credential.name = "main";
    credential.key = Secret("gsk_0123456789abcdef");
    credential.usable = true;
    provider.credentials.push_back(credential);
    snapshot->providers.push_back(provider);
    Pool pool;
    pool.id = PoolId(1);
    pool.key = "p";
    pool.limits = {{Unit::kRequests, 2, {}, Provenance::kConfigured}};
    snapshot->pools.push_back(pool);
    Target target;
    target.id = TargetId(11);
    target.credentials = {0};
    target.pools = {PoolId(1)};
    snapshot->targets.push_back(target);
    EXPECT_TRUE(snapshot->Index().ok());
    return snapshot;
  }

  SystemClock clock_;
  CapturedLog log_;
  Broker broker_{Epoch(9), 1};
  Registry registry_{broker_, log_.logger(), [](const std::vector<PoolMemory>&) {}};
  std::mutex mutex_;
  std::condition_variable turned_;
  size_t attached_ = 0;  // in the last turn
  FleetThread thread_{clock_, [this](const Now& now) {
                        {
                          // Before anybody hears of what the turn brought.
                          const std::lock_guard lock(mutex_);
                          attached_ = registry_.attached();
                        }
                        turned_.notify_all();
                        return registry_.EndTurn(now);
                      }};
  GrpcFleet service_{thread_, registry_, log_.logger()};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Fleet::Stub> stub_;
  bool started_ = false;
};

TEST_F(GrpcFleetTest, GrantsOverTheWire) {
  SetSnapshot(MakeSnapshot(7));
  auto permits = OpenPermits();
  ASSERT_TRUE(permits.stream->Write(PermitsHello("a")));
  v1::PermitsDown down;
  ASSERT_TRUE(permits.stream->Read(&down));
  EXPECT_EQ(down.epoch(), 9u);
  EXPECT_EQ(down.pools_size(), 1);
  for (uint64_t id = 1; id <= 3; ++id) {
    v1::PermitsUp up;
    v1::Acquire* acquire = up.add_acquires();
    acquire->set_id(id);
    acquire->add_candidates()->set_target(11);
    acquire->mutable_candidates(0)->add_pools(1);
    ASSERT_TRUE(permits.stream->Write(up));
    down.Clear();
    while (down.answers_size() == 0) ASSERT_TRUE(permits.stream->Read(&down));
    EXPECT_EQ(down.epoch(), 9u);
    EXPECT_EQ(down.answers(0).acquire(), id);
    EXPECT_EQ(down.answers(0).granted(), id <= 2);
    EXPECT_EQ(down.answers(0).permit() != 0, id <= 2);
  }
  permits.stream->WritesDone();
  while (permits.stream->Read(&down)) {
  }
  EXPECT_TRUE(permits.stream->Finish().ok());
  WaitUntilNobodyIsAttached();
}

TEST_F(GrpcFleetTest, ALongSnapshotArrivesWholeAndItsAcknowledgementGoesBack) {
  const auto snapshot = MakeSnapshot(7, 3'000'000);
  SetSnapshot(snapshot);
  auto sync = OpenSync();
  ASSERT_TRUE(sync.stream->Write(SyncHello("a")));
  std::string data;
  uint64_t nonce = 0;
  v1::SyncDown down;
  for (bool last = false; !last;) {
    ASSERT_TRUE(sync.stream->Read(&down));
    EXPECT_EQ(down.epoch(), 9u);
    EXPECT_LT(down.ByteSizeLong(), size_t{1'000'000});
    if (!down.has_snapshot()) continue;
    data += down.snapshot().data();
    nonce = down.snapshot().nonce();
    last = down.snapshot().last();
  }
  EXPECT_TRUE(data == wire::SerializeSnapshot(*snapshot)) << "keys included: this is the loopback";
  v1::SyncUp ack;
  ack.mutable_ack()->set_nonce(nonce);
  ack.mutable_ack()->set_version(7);
  ASSERT_TRUE(sync.stream->Write(ack));
  sync.stream->WritesDone();
  while (sync.stream->Read(&down)) {
  }
  EXPECT_TRUE(sync.stream->Finish().ok());
  // The stream's end comes after everything that was on it.
  ASSERT_EQ(Proxies().size(), 1u);
  EXPECT_EQ(Proxies()[0].acknowledged, Version(7));
}

TEST_F(GrpcFleetTest, AProxyThatBreaksTheRulesIsToldWhichAndItsStreamEnds) {
  auto permits = OpenPermits();
  ASSERT_TRUE(permits.stream->Write(v1::PermitsUp()));
  v1::PermitsDown down;
  EXPECT_FALSE(permits.stream->Read(&down));
  grpc::Status status = permits.stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("hello"), std::string::npos);

  auto hostile = OpenPermits();
  v1::PermitsUp up = PermitsHello("a");
  up.add_settlements()->set_count(1);
  up.mutable_settlements(0)->set_target(11);
  up.mutable_settlements(0)->add_pools(1);
  up.mutable_settlements(0)->set_sent_age_ns(-5);
  ASSERT_TRUE(hostile.stream->Write(up));
  EXPECT_FALSE(hostile.stream->Read(&down));
  status = hostile.stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("settlements[0].sent_age"), std::string::npos) << status.error_message();

  auto sync = OpenSync();
  ASSERT_TRUE(sync.stream->Write(v1::SyncUp()));
  v1::SyncDown sync_down;
  EXPECT_FALSE(sync.stream->Read(&sync_down));
  EXPECT_EQ(sync.stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Proxies().empty());
  EXPECT_NE(log_.Text().find("refused a proxy's message"), std::string::npos);
}

TEST_F(GrpcFleetTest, TheEndOfTheControlPlaneIsToldAsUnavailable) {
  auto permits = OpenPermits();
  ASSERT_TRUE(permits.stream->Write(PermitsHello("a")));
  v1::PermitsDown down;
  ASSERT_TRUE(permits.stream->Read(&down));
  thread_.Run([&](const Now&) { registry_.EndStreams("the control plane is stopping"); });
  EXPECT_FALSE(permits.stream->Read(&down));
  const grpc::Status status = permits.stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the control plane is stopping");
}

TEST_F(GrpcFleetTest, AProxyThatVanishesIsDetached) {
  auto permits = OpenPermits();
  ASSERT_TRUE(permits.stream->Write(PermitsHello("a")));
  v1::PermitsDown down;
  ASSERT_TRUE(permits.stream->Read(&down));
  permits.context->TryCancel();
  EXPECT_FALSE(permits.stream->Finish().ok());
  WaitUntilNobodyIsAttached();
  EXPECT_NE(log_.Text().find("proxy detached"), std::string::npos);
}

TEST_F(GrpcFleetTest, ASecondStreamOfTheSameBootEndsTheFirst) {
  auto first = OpenPermits();
  ASSERT_TRUE(first.stream->Write(PermitsHello("a")));
  v1::PermitsDown down;
  ASSERT_TRUE(first.stream->Read(&down));
  auto second = OpenPermits();
  ASSERT_TRUE(second.stream->Write(PermitsHello("a")));
  ASSERT_TRUE(second.stream->Read(&down));
  EXPECT_FALSE(first.stream->Read(&down));
  EXPECT_EQ(first.stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  ASSERT_EQ(Proxies().size(), 1u);
  EXPECT_TRUE(Proxies()[0].attached);
}

TEST_F(GrpcFleetTest, AUnixSocketIsTrustedWithKeys) {
  const TemporaryFolder folder;
  Listen("unix:" + folder.File("control.sock"));
  const auto snapshot = MakeSnapshot(7);
  SetSnapshot(snapshot);
  auto sync = OpenSync();
  ASSERT_TRUE(sync.stream->Write(SyncHello("a")));
  v1::SyncDown down;
  while (!down.has_snapshot()) ASSERT_TRUE(sync.stream->Read(&down));
  EXPECT_TRUE(down.snapshot().data() == wire::SerializeSnapshot(*snapshot));
  sync.stream->WritesDone();
  while (sync.stream->Read(&down)) {
  }
  EXPECT_TRUE(sync.stream->Finish().ok());
}

}  // namespace
}  // namespace chain429
