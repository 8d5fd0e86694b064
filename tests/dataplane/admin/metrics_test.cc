#include "dataplane/admin/metrics.h"

#include <set>
#include <sstream>

#include "gtest/gtest.h"
#include "tests/dataplane/admin/fake_source.h"

namespace chain429 {
namespace {

bool HasLine(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, SumsOverWorkers) {
  FakeSource fake;
  fake.workers[0].CountAnswer(200);
  fake.workers[1].CountAnswer(200);
  fake.workers[1].CountAnswer(429);
  fake.workers[0].streams_open.Add();
  fake.workers[0].targets.For(TargetId(1), "groq/m").prompt_tokens.Add(5);
  fake.workers[1].targets.For(TargetId(1), "groq/m").prompt_tokens.Add(6);
  const std::string text = RenderMetrics(fake.source);
  EXPECT_TRUE(HasLine(text, "chain429_requests_total{status=\"2xx\"} 2")) << text;
  EXPECT_TRUE(HasLine(text, "chain429_requests_total{status=\"4xx\"} 1"));
  EXPECT_TRUE(HasLine(text, "chain429_streams_open 1"));
  EXPECT_TRUE(HasLine(text, "chain429_tokens_total{target=\"groq/m\",kind=\"prompt\"} 11"));
}

TEST(Metrics, CallsAvoidedAreNotAttempts) {
  FakeSource fake;
  TargetCounters& target = fake.workers[0].targets.For(TargetId(1), "groq/m");
  target.Count(Outcome::kOk);
  target.Count(Outcome::kSkippedQuota);
  target.Count(Outcome::kRateLimited);
  target.provider_429s.Add();
  const std::string text = RenderMetrics(fake.source);
  EXPECT_TRUE(HasLine(text, "chain429_attempts_total{target=\"groq/m\",outcome=\"ok\"} 1")) << text;
  EXPECT_TRUE(HasLine(text, "chain429_attempts_total{target=\"groq/m\",outcome=\"rate_limited\"} 1"));
  EXPECT_TRUE(HasLine(text, "chain429_calls_avoided_total{target=\"groq/m\",outcome=\"skipped_quota\"} 1"));
  EXPECT_TRUE(HasLine(text, "chain429_provider_429s_total{target=\"groq/m\"} 1"));
  EXPECT_EQ(text.find("chain429_attempts_total{target=\"groq/m\",outcome=\"skipped"), std::string::npos);
}

TEST(Metrics, ShowConnectionsToProviders) {
  FakeSource fake;
  UpstreamCounters& one = fake.workers[0].upstream;
  UpstreamCounters& other = fake.workers[1].upstream;
  one.open.Set(5);
  other.open.Set(4);
  one.idle.Set(2);
  other.waiting.Add();
  one.CountFailure(ConnectFailure::kTls);
  other.CountFailure(ConnectFailure::kLimit);
  one.tls_handshakes[0].Add();
  other.tls_handshakes[1].Add(3);
  other.retries.Add();
  const std::string text = RenderMetrics(fake.source);
  for (const std::string line : {"chain429_upstream_connections{state=\"busy\"} 7",
                                 "chain429_upstream_connections{state=\"idle\"} 2", "chain429_upstream_waiting 1",
                                 "chain429_upstream_connect_failures_total{reason=\"tls\"} 1",
                                 "chain429_upstream_connect_failures_total{reason=\"limit\"} 1",
                                 "chain429_upstream_connect_failures_total{reason=\"name\"} 0",
                                 "chain429_upstream_tls_handshakes_total{resumed=\"true\"} 3",
                                 "chain429_upstream_tls_handshakes_total{resumed=\"false\"} 1",
                                 "chain429_upstream_retries_total 1"}) {
    EXPECT_TRUE(HasLine(text, line)) << line;
  }
}

TEST(Metrics, ShowTheSnapshotAndTheLink) {
  FakeSource fake;
  EXPECT_TRUE(HasLine(RenderMetrics(fake.source), "chain429_snapshot_version 0"));
  fake.snapshot = SmallSnapshot();
  fake.status.attached = true;
  fake.status.snapshot_age = absl::Seconds(3);
  const std::string text = RenderMetrics(fake.source);
  EXPECT_TRUE(HasLine(text, "chain429_snapshot_version 7"));
  EXPECT_TRUE(HasLine(text, "chain429_snapshot_age_seconds 3"));
  EXPECT_TRUE(HasLine(text, "chain429_control_attached 1"));
}

TEST(Metrics, ShowClosedPoolsAndKnownRemainders) {
  FakeSource fake;
  PoolView pool;
  pool.key = "groq/main";
  pool.state.closure = Closure::kRateLimited;
  pool.state.closed_for = absl::Seconds(42);
  pool.state.limits.push_back({.window = absl::Minutes(1), .amount = 30, .remaining = 0, .recoveries = {}});
  fake.pools = {pool};
  const std::string text = RenderMetrics(fake.source);
  EXPECT_TRUE(HasLine(text, "chain429_pool_closed_seconds{pool=\"groq/main\",reason=\"rate_limited\"} 42"));
  EXPECT_TRUE(HasLine(text, "chain429_pool_remaining{pool=\"groq/main\",unit=\"requests\"} 0"));
}

TEST(Metrics, EachFamilyIsDeclaredOnceBeforeItsSamples) {
  FakeSource fake;
  fake.snapshot = SmallSnapshot();
  fake.workers[0].targets.For(TargetId(1), "a").first_content.Observe(absl::Milliseconds(3));
  fake.workers[0].targets.For(TargetId(2), "b").first_content.Observe(absl::Milliseconds(3));
  std::istringstream lines(RenderMetrics(fake.source));
  std::set<std::string> declared;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name;
    words >> hash >> kind >> name;
    if (hash == "#" && kind == "TYPE") {
      EXPECT_TRUE(declared.insert(name).second) << name;
      family = name;
    } else if (hash != "#") {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
}

}  // namespace
}  // namespace chain429
