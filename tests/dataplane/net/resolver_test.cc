#include "dataplane/net/resolver.h"

#include <string>

#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

class ResolverTest : public LoopbackTest {
 protected:
  Resolver resolver{io, deadlines, clock};
};

TEST_F(ResolverTest, AnAddressNeedsNoLookUp) {
  for (const std::string address : {"127.0.0.1", "::1", "10.1.2.3"}) {
    std::optional<Resolved> resolved;
    Start(resolver.Resolve(address, 8080, MonoTime::Max()), &resolved);
    ASSERT_TRUE(resolved.has_value()) << "at once";
    ASSERT_EQ(resolved->addresses.size(), 1u);
    EXPECT_EQ(resolved->addresses[0].address().to_string(), address);
    EXPECT_EQ(resolved->addresses[0].port(), 8080);
    EXPECT_EQ(resolved->error, "");
  }
}

TEST_F(ResolverTest, ANameIsLookedUpAndKeptForAWhile) {
  const std::optional<Resolved> first = Finish(resolver.Resolve("localhost", 80, MonoTime::Max()));
  ASSERT_FALSE(first->addresses.empty()) << first->error;
  EXPECT_TRUE(first->addresses[0].address().is_loopback());
  EXPECT_EQ(first->addresses[0].port(), 80);

  clock.Turn(Resolver::kTimeToLive - absl::Nanoseconds(1));
  std::optional<Resolved> again;
  Start(resolver.Resolve("localhost", 80, MonoTime::Max()), &again);
  ASSERT_TRUE(again.has_value()) << "from memory, at once";
  EXPECT_EQ(again->addresses, first->addresses);

  clock.Turn(absl::Nanoseconds(1));
  std::optional<Resolved> anew;
  Start(resolver.Resolve("localhost", 80, MonoTime::Max()), &anew);
  EXPECT_FALSE(anew.has_value()) << "too old";
  ASSERT_TRUE(RunUntil([&] { return anew.has_value(); }));
  EXPECT_EQ(anew->addresses, first->addresses);
}

TEST_F(ResolverTest, PortsAreKeptApart) {
  Finish(resolver.Resolve("localhost", 80, MonoTime::Max()));
  const std::optional<Resolved> other = Finish(resolver.Resolve("localhost", 81, MonoTime::Max()));
  ASSERT_FALSE(other->addresses.empty());
  EXPECT_EQ(other->addresses[0].port(), 81);
}

// A label of more than 63 bytes is no name that could be asked for.
TEST_F(ResolverTest, ANameThatCannotBeResolvedIsNamed) {
  const std::string name = std::string(70, 'x') + ".invalid";
  const std::optional<Resolved> resolved = Finish(resolver.Resolve(name, 80, MonoTime::Max()));
  EXPECT_TRUE(resolved->addresses.empty());
  EXPECT_FALSE(resolved->timed_out);
  EXPECT_NE(resolved->error.find("\"" + name + "\" cannot be resolved"), std::string::npos) << resolved->error;
}

}  // namespace
}  // namespace chain429
