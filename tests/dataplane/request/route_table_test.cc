#include "dataplane/request/route_table.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "tests/dataplane/request/snapshot_for_tests.h"

namespace chain429 {
namespace {

class RouteTableTest : public testing::Test {
 protected:
  RouteTableTest() {
    made.AddProvider("groq", {"main", "main", "team"});
    made.AddProvider("local");
    made.AddProvider("off", {"main"}).enabled = false;
    made.ServesCanonical(0, "openai/gpt-oss-120b", "gpt-oss-120b");
    made.ServesCanonical(1, "oss", "gpt-oss-120b");
    made.ServesCanonical(2, "oss", "gpt-oss-120b");
    made.ServesCanonical(2, "alone", "only-off");
    const auto groq = made.AddTargets(0, "openai/gpt-oss-120b");
    const auto local = made.AddTargets(1, "oss");
    made.AddTargets(2, "oss");
    made.AddTargets(2, "alone");
    Chain& coding = made.AddChain("coding", {groq[0], groq[1], local[0]}, {"gpt-4o", "groq/shadowed"});
    coding.max_attempts = 3;
    coding.wait = absl::Seconds(9);
    coding.timeouts.connect = absl::Seconds(1);
    made.AddChain("fallback", {local[0]});
  }
  void Build() {
    auto built = RouteTable::Build(made.Done(), pool);
    ASSERT_TRUE(built.ok()) << built.status();
    table = *std::move(built);
  }
  std::vector<std::string> RoutesOf(std::string_view model) {
    const auto chain = table->Resolve(model);
    std::vector<std::string> names;
    if (chain == nullptr) return {"none"};
    for (const Route& route : chain->routes)
      names.push_back(route.target->name + (route.target->group.empty() ? "" : "@" + route.target->group));
    return names;
  }
  const Route& FirstRoute(std::string_view model) {
    const auto chain = table->Resolve(model);
    EXPECT_NE(chain, nullptr);
    return chain->routes.front();
  }

  SnapshotForTests made;
  boost::asio::io_context io{1};
  SystemClock clock;
  DeadlineQueue deadlines{io, clock};
  UpstreamCounters counters;
  UpstreamPool pool{io, deadlines, clock, counters, {}};
  std::unique_ptr<RouteTable> table;
};
using Names = std::vector<std::string>;

TEST_F(RouteTableTest, ASlowProviderHasItsOwnTimeToTheFirstTokenUnlessTheChainSaysOne) {
  made->providers[0].first_token = absl::Minutes(3);
  made->providers[1].first_token = absl::Seconds(2);
  Chain& chosen = made.AddChain("chosen", {0, 2});
  chosen.timeouts.first_token = absl::Seconds(10);
  chosen.timeouts.first_token_chosen = true;
  Build();
  const auto patience = [this](std::string_view model) {
    std::vector<absl::Duration> out;
    for (const Route& route : table->Resolve(model)->routes) out.push_back(route.first_token);
    return out;
  };
  using Durations = std::vector<absl::Duration>;
  EXPECT_EQ(patience("coding"), (Durations{absl::Minutes(3), absl::Minutes(3), absl::Seconds(60)}));
  EXPECT_EQ(patience("chosen"), (Durations{absl::Seconds(10), absl::Seconds(10)}));
  EXPECT_EQ(patience("groq/another"), (Durations{absl::Minutes(3), absl::Minutes(3)}));
  EXPECT_EQ(patience("gpt-oss-120b").front(), absl::Minutes(3));
}

TEST_F(RouteTableTest, AChainIsFoundByNameAndAliases) {
  Build();
  const Names targets = {"groq/openai/gpt-oss-120b@main", "groq/openai/gpt-oss-120b@team", "local/oss"};
  EXPECT_EQ(RoutesOf("coding"), targets);
  EXPECT_EQ(RoutesOf("gpt-4o"), targets);
  EXPECT_EQ(RoutesOf("groq/shadowed"), targets) << "an alias comes before provider/model";
  const auto chain = table->Resolve("gpt-4o");
  EXPECT_EQ(chain->name, "coding");
  EXPECT_TRUE(chain->is_chain);
  EXPECT_EQ(chain->max_attempts, 3);
  EXPECT_EQ(chain->wait, absl::Seconds(9));
  EXPECT_EQ(chain->timeouts.connect, absl::Seconds(1));
}

TEST_F(RouteTableTest, AProvidersModelIsSplitAtTheFirstSlash) {
  Build();
  EXPECT_EQ(RoutesOf("groq/openai/gpt-oss-120b"),
            (Names{"groq/openai/gpt-oss-120b@main", "groq/openai/gpt-oss-120b@team"}));
  EXPECT_EQ(RoutesOf("local/a/b"), (Names{"local/a/b"}));
  const auto chain = table->Resolve("local/a/b");
  EXPECT_FALSE(chain->is_chain);
  EXPECT_EQ(chain->name, "local/a/b");
  EXPECT_EQ(chain->routes[0].target->model, "a/b");
}

TEST_F(RouteTableTest, ACanonicalModelIsEveryProviderThatServesIt) {
  Build();
  EXPECT_EQ(RoutesOf("gpt-oss-120b"),
            (Names{"groq/openai/gpt-oss-120b@main", "groq/openai/gpt-oss-120b@team", "local/oss"}));
  EXPECT_EQ(RoutesOf("only-off"), (Names{"none"}));
}

TEST_F(RouteTableTest, AnUnknownModelIsTheDefaultChainOrNone) {
  Build();
  const std::string long_one = "groq/" + std::string(600, 'm');
  for (const std::string_view model : std::initializer_list<std::string_view>{
           "gpt-5", "", "/", "/m", "groq", "groq/", "nobody/m", "off/m", "Coding", "coding ", long_one}) {
    EXPECT_EQ(RoutesOf(model), (Names{"none"})) << model;
  }
  made->default_chain = "fallback";
  Build();
  for (const std::string_view model : std::initializer_list<std::string_view>{"gpt-5", "", "off/m", "groq/", long_one})
    EXPECT_EQ(RoutesOf(model), (Names{"local/oss"})) << model;
  EXPECT_EQ(table->Resolve("gpt-5")->name, "fallback");
}

TEST_F(RouteTableTest, ATargetThatTheSnapshotListsIsItsOwn) {
  Build();
  const Route& route = FirstRoute("groq/openai/gpt-oss-120b");
  EXPECT_EQ(route.target, &table->snapshot().targets[0]);
  EXPECT_FALSE(route.dynamic);
  const Candidate candidate = route.ToCandidate();
  EXPECT_EQ(candidate.target, table->snapshot().targets[0].id);
  EXPECT_EQ(candidate.pools, table->snapshot().targets[0].pools);
  EXPECT_TRUE(candidate.dynamic.provider.empty());
}

TEST_F(RouteTableTest, AnyOtherTargetNamesWhatItsPoolsAreMadeOf) {
  Build();
  const auto chain = table->Resolve("groq/new/model");
  ASSERT_EQ(chain->routes.size(), 2u);
  const Candidate candidate = chain->routes[1].ToCandidate();
  EXPECT_TRUE(chain->routes[1].dynamic);
  EXPECT_EQ(candidate.dynamic.provider, "groq");
  EXPECT_EQ(candidate.dynamic.group, "team");
  EXPECT_EQ(candidate.dynamic.model, "new/model");
  EXPECT_EQ(candidate.pools.front(), table->snapshot().targets[1].pools.front()) << "the account's pool is the same";
}

TEST_F(RouteTableTest, TheSameAnswerIsGivenAgain) {
  Build();
  EXPECT_EQ(table->Resolve("local/x"), table->Resolve("local/x"));
  EXPECT_EQ(table->Resolve("coding"), table->Resolve("gpt-4o"));
}

TEST_F(RouteTableTest, NamesThatClientsInventAreForgottenAndThoseInUseLive) {
  Build();
  const auto held = table->Resolve("local/held");
  const std::weak_ptr<const ResolvedChain> invented = table->Resolve("local/invented");
  EXPECT_FALSE(invented.expired());
  for (int i = 0; i < 10'000; ++i) ASSERT_NE(table->Resolve("local/" + std::to_string(i)), nullptr);
  EXPECT_TRUE(invented.expired()) << "they would fill the memory";
  EXPECT_EQ(held->routes[0].target->name, "local/held");
  EXPECT_EQ(RoutesOf("local/held"), (Names{"local/held"}));
}

TEST_F(RouteTableTest, ARoutesHeadIsItsProvidersWithTheConfiguredFields) {
  made->providers[1].headers = {{"X-Team", "a b"}, {"x-other", ""}};
  made->providers[1].endpoint.host_header = "local.test:8000";
  made->providers[1].endpoint.path = "/proxy/v1";
  Build();
  EXPECT_EQ(FirstRoute("local/m").head,
            "POST /proxy/v1/chat/completions HTTP/1.1\r\nHost: local.test:8000\r\nX-Team: a b\r\nx-other: \r\n");
}

TEST_F(RouteTableTest, ARoutesModelIsAJsonString) {
  Build();
  const struct {
    std::string model;
    std::string json;
  } cases[] = {{"local/m", R"("m")"},
               {"local/a\"b\\c\n", R"("a\"b\\c\n")"},
               {"local/é日😀", "\"é日😀\""},
               {std::string("local/\0x", 8), R"("\u0000x")"}};
  for (const auto& c : cases) EXPECT_EQ(FirstRoute(c.model).model_json, c.json);
}

TEST_F(RouteTableTest, AKeyGoesWhereTheKindWantsIt) {
  made->providers[0].credentials[1].key = Secret();
  Build();
  const std::vector<Secret>& bearer = *FirstRoute("groq/m").auth_fields;
  ASSERT_EQ(bearer.size(), 3u);
  EXPECT_EQ(bearer[0].Reveal(), "Authorization: Bearer secret-groq0\r\n");
  EXPECT_TRUE(bearer[1].empty()) << "no key, no field";
  EXPECT_EQ(bearer[2].Reveal(), "Authorization: Bearer secret-groq2\r\n");
  EXPECT_TRUE(FirstRoute("local/m").auth_fields->empty());
  made->providers[0].catalogue_entry = R"({"auth":{"header":"API-Key"}})";
  Build();
  EXPECT_EQ((*FirstRoute("groq/m").auth_fields)[0].Reveal(), "api-key: secret-groq0\r\n");
  made->providers[0].catalogue_entry = R"({"auth":"none"})";
  Build();
  EXPECT_TRUE((*FirstRoute("groq/m").auth_fields)[0].empty());
}

TEST_F(RouteTableTest, ProvidersAtOneAddressShareItsConnections) {
  made->providers[1].endpoint.host = made->providers[0].endpoint.host;
  made->providers[1].endpoint.path = "/other";
  Build();
  EXPECT_EQ(FirstRoute("groq/m").host, FirstRoute("local/m").host);
}

TEST_F(RouteTableTest, RulesThatCannotBeReadRefuseTheSnapshot) {
  made->providers[1].catalogue_entry = "[]";
  const auto built = RouteTable::Build(made.Done(), pool);
  ASSERT_FALSE(built.ok());
  EXPECT_NE(std::string(built.status().message()).find("providers.local.catalogue_entry"), std::string::npos)
      << built.status();
}

}  // namespace
}  // namespace chain429
