#include "tests/controlplane/api/admin_fixture.h"

#include "common/base/log.h"

namespace chain429 {
namespace {

// Takes everything and keeps nothing.
class DeafPort final : public PermitsPort {
 public:
  bool Ready() override { return true; }
  void Write(v1::PermitsDown) override {}
  void End(const char*) override {}
  bool trusted() const override { return true; }
};

Catalogue BuiltinKinds() {
  absl::StatusOr<Catalogue> kinds = Catalogue::Builtin();
  EXPECT_TRUE(kinds.ok()) << kinds.status();
  CHAIN429_CHECK(kinds.ok());
  return *std::move(kinds);
}

// `key` and `files` outlive it.
Environment WorldWithKey(const char* key, const std::map<std::string, std::string>& files) {
  Environment world;
  world.variable = [key](const std::string& name) {
    return name == "KEY" ? std::optional<std::string>(key) : std::nullopt;
  };
  world.file = [&files](const std::string& path, size_t) -> absl::StatusOr<std::string> {
    const auto file = files.find(path);
    if (file == files.end()) return absl::UnavailableError("no such file");
    return file->second;
  };
  return world;
}

}  // namespace

AdminTest::AdminTest()
    : catalogue_(BuiltinKinds()),
      config_({&catalogue_, LookUpZone, WorldWithKey(kKey, files_), Version(100)}),
      service_({&config_loop_, &config_, &catalogue_, &fleet_, &registry_, &clock_, [this](const LoadReport& report) {
                  loads_.push_back(report);
                  if (!report.changed) return;
                  fleet_.Post(
                      [this, snapshot = config_.snapshot()](const Now& now) { registry_.SetSnapshot(snapshot, now); });
                }}) {
  fleet_.Start();
}

AdminTest::~AdminTest() { fleet_.Stop(); }

std::string AdminTest::GoodText() {
  return "version: 1\n"
         "providers:\n"
         "  mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}\n"
         "  keyed: {kind: openai, base_url: 'http://127.0.0.1:2/v1', limits: {rpm: 30}, credentials: [{name: main, "
         "env: KEY}]}\n"
         "chains:\n"
         "  coding:\n"
         "    aliases: [gpt-4o]\n"
         "    targets: [{provider: keyed, model: big}, {provider: mine, model: small}]\n";
}

v1::ApplyConfigResponse AdminTest::Apply(const std::string& text, const std::string& name) {
  v1::ApplyConfigRequest request;
  request.set_name(name);
  request.set_text(text);
  return service_.Apply(request);
}

void AdminTest::AttachProxy(const std::string& boot_id) {
  ports_.push_back(std::make_shared<DeafPort>());
  wire::PermitsUp up;
  up.hello.emplace();
  up.hello->node = "node-" + boot_id;
  up.hello->boot_id = boot_id;
  fleet_.Run([&](const Now& now) { EXPECT_TRUE(registry_.OnPermits(ports_.back(), up, now).ok()); });
}

void AdminTest::ClosePool(const std::string& key, absl::Duration wait) {
  ports_.push_back(std::make_shared<DeafPort>());
  wire::PermitsUp up;
  up.hello.emplace();
  up.hello->boot_id = "closer";
  up.hello->closures = {{PoolId(StableId(key)), Closure::kRateLimited, wait, true}};
  fleet_.Run([&](const Now& now) { EXPECT_TRUE(registry_.OnPermits(ports_.back(), up, now).ok()); });
}

}  // namespace chain429
