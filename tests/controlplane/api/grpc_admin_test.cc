// The calls over a real socket on the loopback.
#include "controlplane/api/grpc_admin.h"

#include <grpcpp/grpcpp.h>

#include "tests/controlplane/api/admin_fixture.h"

namespace chain429 {
namespace {

class GrpcAdminTest : public AdminTest {
 public:
  ~GrpcAdminTest() override { server_->Shutdown(); }

 protected:
  GrpcAdminTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    stub_ = v1::Admin::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }

  // The answer to `request`, which must be there.
  template <typename Request, typename Response>
  Response Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
    grpc::ClientContext context;
    Response response;
    status_ = (stub_.get()->*method)(&context, request, &response);
    return response;
  }

  GrpcAdmin admin_{service_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Admin::Stub> stub_;
  grpc::Status status_;
};

TEST_F(GrpcAdminTest, EveryCallIsAnswered) {
  v1::ValidateConfigRequest validate;
  validate.set_text(GoodText());
  EXPECT_EQ(Call(&v1::Admin::Stub::ValidateConfig, validate).problems_size(), 0);
  EXPECT_TRUE(status_.ok());
  v1::ApplyConfigRequest apply;
  apply.set_text(GoodText());
  EXPECT_EQ(Call(&v1::Admin::Stub::ApplyConfig, apply).snapshot_version(), 101u);
  EXPECT_EQ(Call(&v1::Admin::Stub::GetStatus, v1::GetStatusRequest()).snapshot_version(), 101u);
  EXPECT_EQ(Call(&v1::Admin::Stub::GetConfig, v1::GetConfigRequest()).text(), GoodText());
  EXPECT_EQ(Call(&v1::Admin::Stub::GetSnapshot, v1::GetSnapshotRequest()).snapshot_version(), 101u);
  v1::ListPoolsRequest pools;
  pools.set_prefix("keyed/");
  EXPECT_GE(Call(&v1::Admin::Stub::ListPools, pools).pools_size(), 1);
  AttachProxy("a");
  EXPECT_EQ(Call(&v1::Admin::Stub::ListProxies, v1::ListProxiesRequest()).proxies_size(), 1);
  ClosePool("keyed/main", absl::Seconds(9));
  v1::ClearCooldownRequest clear;
  clear.set_pool_key("keyed/main");
  EXPECT_TRUE(Call(&v1::Admin::Stub::ClearCooldown, clear).was_closed());
  EXPECT_TRUE(status_.ok());
}

TEST_F(GrpcAdminTest, AnUnknownPoolIsNotFoundAndTheErrorSaysWhereToLook) {
  v1::ClearCooldownRequest clear;
  clear.set_pool_key("no/such");
  Call(&v1::Admin::Stub::ClearCooldown, clear);
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(status_.error_message().find("\"no/such\""), std::string::npos);
  EXPECT_NE(status_.error_message().find("429ctl pools"), std::string::npos);
}

TEST_F(GrpcAdminTest, ARefusedConfigurationIsAnAnswerAndNoError) {
  v1::ApplyConfigRequest apply;
  apply.set_text("version: 2\n");
  EXPECT_EQ(Call(&v1::Admin::Stub::ApplyConfig, apply).problems_size(), 1);
  EXPECT_TRUE(status_.ok());
}

}  // namespace
}  // namespace chain429
