// More proxies than are to be expected, as when one restarts in a circle.
#include "tests/controlplane/fleet/registry_fixture.h"

namespace chain429 {
namespace {

class RegistryCrowd : public RegistryTest {
 protected:
  // Attaches boots "0", "1", … until one is refused.
  std::vector<FakeProxy> Fill() {
    std::vector<FakeProxy> proxies;
    while (proxies.size() < 10'000) {
      FakeProxy proxy = MakeProxy(std::to_string(proxies.size()));
      const absl::Status status = AttachPermits(proxy);
      if (!status.ok()) {
        EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
        break;
      }
      proxies.push_back(std::move(proxy));
    }
    EXPECT_LT(proxies.size(), 10'000u) << "without bound";
    EndTurn();
    return proxies;
  }
};

TEST_F(RegistryCrowd, TooManyAreRefusedAndThoseThatAreKnownAreStillServed) {
  std::vector<FakeProxy> proxies = Fill();
  FakeProxy stranger = MakeProxy("stranger");
  EXPECT_TRUE(absl::IsResourceExhausted(AttachPermits(stranger)));
  EXPECT_TRUE(absl::IsResourceExhausted(AttachSync(stranger)));
  EXPECT_TRUE(AttachSync(proxies[5]).ok()) << "the other stream of one that is here";
  FakeProxy again = MakeProxy("7");
  EXPECT_TRUE(AttachPermits(again).ok()) << "one that comes back";
}

TEST_F(RegistryCrowd, ThoseThatHaveLongGoneMakeRoomOnEitherStream) {
  std::vector<FakeProxy> proxies = Fill();
  for (size_t i = 0; i < 10; ++i) registry_.OnEnd(proxies[i].permits.get(), now());
  FakeProxy stranger = MakeProxy("stranger");
  EXPECT_FALSE(AttachPermits(stranger).ok()) << "they may come back any moment";
  Pass(absl::Minutes(11));
  EXPECT_TRUE(AttachSync(stranger).ok());
  EXPECT_TRUE(AttachPermits(stranger).ok());
  EndTurn();
  EXPECT_EQ(ViewOf("stranger").attached, true);
  EXPECT_EQ(ViewOf("3").boot_id, "");
  EXPECT_EQ(ViewOf("20").attached, true);
}

}  // namespace
}  // namespace chain429
