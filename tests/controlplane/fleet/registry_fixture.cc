#include "tests/controlplane/fleet/registry_fixture.h"

#include "common/base/text.h"

namespace chain429 {

std::string RegistryTest::FakeProxy::Snapshot() const {
  std::string data;
  std::string whole;
  for (const v1::SyncDown& down : sync->messages) {
    if (!down.has_snapshot()) continue;
    data += down.snapshot().data();
    if (down.snapshot().last()) whole = std::exchange(data, "");
  }
  return whole;
}

v1::PoolState RegistryTest::FakeProxy::Told(PoolId pool) const {
  v1::PoolState told;
  const auto look = [&](const auto& states) {
    for (const v1::PoolState& state : states) {
      if (state.pool() == pool.value()) told = state;
    }
  };
  for (const v1::SyncDown& down : sync->messages) look(down.pools().pools());
  for (const v1::PermitsDown& down : permits->messages) look(down.pools());
  return told;
}

void RegistryTest::FakeProxy::Forget() {
  permits->Take();
  sync->Take();
}

std::shared_ptr<const Snapshot> RegistryTest::MakeSnapshot(uint64_t version, int64_t rpm) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = Version(version);
  Provider provider;
  provider.name = "p";
  provider.endpoint = {.tls = true, .host = "p.example", .port = 443, .path = "", .host_header = "p.example"};
  Credential credential;
  credential.name = "main";
  credential.pool = PoolId(3);
  credential.key = Secret(kKey);
  credential.usable = true;
  provider.credentials.push_back(credential);
  snapshot->providers.push_back(provider);
  const auto add = [&](uint64_t pool_id, const std::string& key, std::vector<Limit> limits) {
    Pool pool;
    pool.id = PoolId(pool_id);
    pool.key = key;
    pool.limits = std::move(limits);
    snapshot->pools.push_back(std::move(pool));
  };
  add(1, "p/limited", {{Unit::kRequests, rpm, {}, Provenance::kConfigured}});
  add(2, "p/free", {});
  add(3, "p#main", {});
  for (const uint64_t index : {1u, 2u}) {
    Target target;
    target.id = TargetId(10 + index);
    target.name = "p/m" + std::to_string(index);
    target.credentials = {0};
    target.pools = {PoolId(index)};
    snapshot->targets.push_back(target);
  }
  EXPECT_TRUE(snapshot->Index().ok());
  return snapshot;
}

absl::Status RegistryTest::AttachPermits(FakeProxy& proxy, wire::PermitsHello hello) {
  hello.node = proxy.node;
  hello.boot_id = proxy.boot_id;
  wire::PermitsUp up;
  up.hello = std::move(hello);
  return Send(proxy, up);
}

absl::Status RegistryTest::AttachSync(FakeProxy& proxy, uint64_t known_version) {
  v1::SyncUp up;
  up.mutable_hello()->set_node(proxy.node);
  up.mutable_hello()->set_boot_id(proxy.boot_id);
  up.mutable_hello()->set_known_version(known_version);
  up.mutable_hello()->set_advertise("10.0.0.7:4290");
  up.mutable_hello()->set_software_version("1.2.3");
  return Send(proxy, up);
}

RegistryTest::FakeProxy RegistryTest::Attach(const std::string& boot_id) {
  FakeProxy proxy = MakeProxy(boot_id);
  EXPECT_TRUE(AttachPermits(proxy).ok());
  EXPECT_TRUE(AttachSync(proxy).ok());
  EndTurn();
  return proxy;
}

void RegistryTest::Lose(FakeProxy& proxy) {
  registry_.OnEnd(proxy.permits.get(), now());
  registry_.OnEnd(proxy.sync.get(), now());
  EndTurn();
}

Acquire RegistryTest::AcquireOf(uint64_t id, TargetId target, PoolId pool) {
  Acquire acquire;
  acquire.id = AcquireId(id);
  acquire.candidates = {{target, {pool}, {}}};
  acquire.prompt_tokens = 10;
  return acquire;
}

v1::AcquireAnswer RegistryTest::Ask(FakeProxy& proxy, uint64_t id) {
  proxy.permits->Take();
  wire::PermitsUp up;
  up.acquires = {AcquireOf(id)};
  EXPECT_TRUE(Send(proxy, up).ok());
  EndTurn();
  for (const v1::PermitsDown& down : proxy.permits->messages) {
    for (const v1::AcquireAnswer& answer : down.answers()) {
      if (answer.acquire() == id) return answer;
    }
  }
  return {};
}

LimitView RegistryTest::LimitNow() {
  const std::vector<PoolView> pools = broker_.View("p/limited", now());
  EXPECT_EQ(pools.size(), 1u);
  EXPECT_EQ(pools.at(0).limits.size(), 1u);
  return pools.at(0).limits.at(0);
}

ProxyView RegistryTest::ViewOf(const std::string& boot_id) {
  for (const ProxyView& view : registry_.Proxies(now())) {
    if (view.boot_id == boot_id) return view;
  }
  return {};
}

}  // namespace chain429
