#include "dataplane/upstream/address_race.h"

#include <string>

#include "dataplane/upstream/address_order.h"
#include "dataplane/upstream/upstream_pool.h"
#include "tests/dataplane/net/loopback.h"

namespace chain429 {
namespace {

Addresses At(std::initializer_list<const char*> addresses) {
  Addresses all;
  for (const char* address : addresses) all.emplace_back(boost::asio::ip::make_address(address), 443);
  return all;
}

TEST(AddressOrder, TakesTheFamiliesInTurn) {
  EXPECT_EQ(OrderToTry(At({"fd00::1", "fd00::2", "fd00::3", "10.0.0.1", "10.0.0.2"}), {}),
            At({"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "fd00::3"}));
  EXPECT_EQ(OrderToTry(At({"10.0.0.1", "10.0.0.2", "fd00::1"}), {}), At({"10.0.0.1", "fd00::1", "10.0.0.2"}));
  EXPECT_EQ(OrderToTry(At({"10.0.0.1", "10.0.0.2"}), {}), At({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(OrderToTry({}, {}), Addresses());
}

TEST(AddressOrder, BeginsWithTheOneThatServedLast) {
  const Addresses all = At({"fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(OrderToTry(all, all[3]), At({"10.0.0.2", "fd00::1", "10.0.0.1", "fd00::2"}));
  EXPECT_EQ(OrderToTry(all, all[0]), At({"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2"}));
  EXPECT_EQ(OrderToTry(all, At({"10.9.9.9"})[0]), At({"fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2"})) << "gone";
}

class AddressRaceTest : public LoopbackTest {
 protected:
  static Task<ConnectionPtr> Run(AddressRace* race) {
    ConnectionPtr connection = co_await *race;
    co_return connection;
  }
  AddressRace Between(Addresses addresses) {
    return AddressRace({io, deadlines, clock, nullptr, counters}, host, std::move(addresses),
                       clock.Read().mono + absl::Seconds(3));
  }
  static std::string PeerOf(const std::optional<ConnectionPtr>& connection) {
    if (!connection || *connection == nullptr) return "nobody";
    boost::system::error_code error;
    return std::to_string((*connection)->socket().remote_endpoint(error).port());
  }
  static std::string PortOf(const boost::asio::ip::tcp::endpoint& endpoint) { return std::to_string(endpoint.port()); }
  UpstreamCounters counters;
  UpstreamPool pool{io, deadlines, clock, counters, {}};
  UpstreamHost* host = pool.Intern({});
  FullListener hanging;
  Listener listener;
};

TEST_F(AddressRaceTest, TheNextIsBegunAtOnceWhenOneFails) {
  AddressRace race = Between({RefusedEndpoint(), RefusedEndpoint(), listener.endpoint()});
  EXPECT_EQ(PeerOf(Finish(Run(&race))), PortOf(listener.endpoint()));
  EXPECT_EQ(host->served_last(), listener.endpoint());
}

TEST_F(AddressRaceTest, OneThatHangsHasOnlyAHeadStart) {
  AddressRace race = Between({hanging.endpoint(), listener.endpoint()});
  std::optional<ConnectionPtr> connection;
  Start(Run(&race), &connection);
  clock.Turn(AddressRace::kHeadStart - absl::Milliseconds(10));
  LookAtDeadlines();
  RunReady();
  EXPECT_FALSE(connection.has_value());
  clock.Turn(absl::Milliseconds(10));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(PeerOf(connection), PortOf(listener.endpoint()));
  EXPECT_FALSE(race.armed());
}

TEST_F(AddressRaceTest, AFailureBeginsTheNextAlsoBesideOneThatHangs) {
  AddressRace race = Between({hanging.endpoint(), RefusedEndpoint(), listener.endpoint()});
  std::optional<ConnectionPtr> connection;
  Start(Run(&race), &connection);
  clock.Turn(AddressRace::kHeadStart);
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(PeerOf(connection), PortOf(listener.endpoint()));
}

TEST_F(AddressRaceTest, EndsAtItsDeadlineAndNamesWhatFailedBefore) {
  AddressRace race = Between({RefusedEndpoint(), hanging.endpoint()});
  std::optional<ConnectionPtr> connection;
  Start(Run(&race), &connection);
  RunReady();
  clock.Turn(absl::Seconds(3));
  LookAtDeadlines();
  ASSERT_TRUE(RunUntil([&] { return connection.has_value(); }));
  EXPECT_EQ(PeerOf(connection), "nobody");
  EXPECT_TRUE(race.timed_out());
  EXPECT_NE(race.error().find("refused"), std::string::npos) << race.error();
}

TEST_F(AddressRaceTest, FailsOnceAllHaveFailed) {
  AddressRace race = Between({RefusedEndpoint(), RefusedEndpoint()});
  EXPECT_EQ(PeerOf(Finish(Run(&race))), "nobody");
  EXPECT_FALSE(race.timed_out());
  EXPECT_EQ(race.failure(), ConnectFailure::kTcp);
}

}  // namespace
}  // namespace chain429
