#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chain429/v1/fleet.pb.h"
#include "common/wire/fleet_wire.h"

namespace chain429::wire {
namespace {

struct Case {
  const char* path;  // how the complaint begins
  std::function<void(v1::PermitsUp&)> spoil;
};

// A message that is good as it is, with one part of each kind.
v1::PermitsUp Good() {
  v1::PermitsUp up;
  v1::HeldPermit* held = up.mutable_hello()->add_held();
  held->set_permit(1);
  held->set_target(2);
  held->add_pools(3);
  up.mutable_hello()->add_recent()->set_pool(3);
  up.mutable_hello()->add_closures()->set_pool(3);
  v1::SentReport* sent = up.add_sent();
  sent->set_permit(1);
  sent->set_count(1);
  v1::Settlement* settlement = up.add_settlements();
  settlement->set_target(2);
  settlement->add_pools(3);
  settlement->set_count(1);
  settlement->add_readings()->set_unit(v1::UNIT_REQUESTS);
  v1::PermitRelease* release = up.add_releases();
  release->set_permit(1);
  release->set_count(1);
  up.add_cancels(1);
  v1::Acquire* acquire = up.add_acquires();
  acquire->set_id(1);
  acquire->add_candidates()->set_target(2);
  acquire->mutable_candidates(0)->add_pools(3);
  return up;
}

TEST(FleetWireHostile, TheUnspoiltMessageIsTaken) {
  const auto decoded = Decode(Good());
  EXPECT_TRUE(decoded.ok()) << decoded.status();
}

TEST(FleetWireHostile, RefusesBadPartsByPath) {
  const std::vector<Case> cases = {
      {"hello.held[0].permit: ", [](auto& up) { up.mutable_hello()->mutable_held(0)->set_permit(0); }},
      {"hello.held[0].pools: ", [](auto& up) { up.mutable_hello()->mutable_held(0)->set_pools(0, 0); }},
      {"hello.held[0].tokens: ", [](auto& up) { up.mutable_hello()->mutable_held(0)->set_tokens(-1); }},
      {"hello.recent[0].age_ns: ", [](auto& up) { up.mutable_hello()->mutable_recent(0)->set_age_ns(-1); }},
      {"hello.recent[0].requests: ", [](auto& up) { up.mutable_hello()->mutable_recent(0)->set_requests(-1); }},
      {"hello.closures[0].closure: ",
       [](auto& up) { up.mutable_hello()->mutable_closures(0)->set_closure(static_cast<v1::Closure>(99)); }},
      {"sent[0].permit: ", [](auto& up) { up.mutable_sent(0)->set_permit(0); }},
      {"sent[0].count: ", [](auto& up) { up.mutable_sent(0)->set_count(0); }},
      {"sent[0].age_ns: ", [](auto& up) { up.mutable_sent(0)->set_age_ns(INT64_MIN); }},
      {"settlements[0].target: ", [](auto& up) { up.mutable_settlements(0)->set_target(0); }},
      {"settlements[0].pools: ", [](auto& up) { up.mutable_settlements(0)->clear_pools(); }},
      {"settlements[0].count: ", [](auto& up) { up.mutable_settlements(0)->set_count(0); }},
      {"settlements[0].sent_age_ns: ", [](auto& up) { up.mutable_settlements(0)->set_sent_age_ns(-5); }},
      {"settlements[0].usage.prompt_tokens: ",
       [](auto& up) { up.mutable_settlements(0)->mutable_usage()->set_prompt_tokens(-1); }},
      {"settlements[0].usage.completion_tokens: ",
       [](auto& up) { up.mutable_settlements(0)->mutable_usage()->set_completion_tokens(-1); }},
      {"settlements[0].error_class: ",
       [](auto& up) { up.mutable_settlements(0)->set_error_class(static_cast<v1::ErrorClass>(-1)); }},
      {"settlements[0].scope: ", [](auto& up) { up.mutable_settlements(0)->set_scope(static_cast<v1::Scope>(5)); }},
      {"settlements[0].retry_after_ns: ", [](auto& up) { up.mutable_settlements(0)->set_retry_after_ns(-1); }},
      {"settlements[0].readings[0].unit: ",
       [](auto& up) { up.mutable_settlements(0)->mutable_readings(0)->set_unit(v1::UNIT_UNSPECIFIED); }},
      {"settlements[0].readings[0].limit: ",
       [](auto& up) { up.mutable_settlements(0)->mutable_readings(0)->set_limit(-1); }},
      {"settlements[0].readings[0].reset_after_ns: ",
       [](auto& up) { up.mutable_settlements(0)->mutable_readings(0)->set_reset_after_ns(-1); }},
      {"settlements[0].latency_ns: ", [](auto& up) { up.mutable_settlements(0)->set_latency_ns(-1); }},
      {"releases[0].count: ", [](auto& up) { up.mutable_releases(0)->set_count(0); }},
      {"cancels: ", [](auto& up) { up.set_cancels(0, 0); }},
      {"acquires[0].id: ", [](auto& up) { up.mutable_acquires(0)->set_id(0); }},
      {"acquires[0].candidates: ", [](auto& up) { up.mutable_acquires(0)->clear_candidates(); }},
      {"acquires[0].candidates[0].target: ",
       [](auto& up) { up.mutable_acquires(0)->mutable_candidates(0)->set_target(0); }},
      {"acquires[0].candidates[0].pools: ",
       [](auto& up) { up.mutable_acquires(0)->mutable_candidates(0)->clear_pools(); }},
      {"acquires[0].max_output: ", [](auto& up) { up.mutable_acquires(0)->set_max_output(-1); }},
  };
  for (const Case& one : cases) {
    v1::PermitsUp up = Good();
    one.spoil(up);
    const auto decoded = Decode(up);
    ASSERT_FALSE(decoded.ok()) << one.path;
    EXPECT_EQ(std::string(decoded.status().message()).substr(0, std::string(one.path).size()), one.path)
        << decoded.status();
  }
}

TEST(FleetWireHostile, RefusesBadAnswersByPath) {
  v1::PermitsDown down;
  v1::AcquireAnswer* answer = down.add_answers();
  answer->set_granted(true);
  answer->set_target(1);
  EXPECT_EQ(Decode(down).status().message(), "answers[0].acquire: missing");
  answer->set_acquire(1);
  EXPECT_TRUE(Decode(down).ok());
  answer->set_ttl_ns(-1);
  EXPECT_EQ(Decode(down).status().message(), "answers[0].ttl_ns: negative");
  answer->set_ttl_ns(0);
  answer->add_denials()->set_target(2);
  answer->mutable_denials(0)->set_closure(static_cast<v1::Closure>(6));
  EXPECT_EQ(Decode(down).status().message(), "answers[0].denials[0].closure: unknown value 6");
  answer->clear_denials();
  down.add_pools()->set_pool(1);
  down.mutable_pools(0)->add_shares()->set_steady(-1);
  EXPECT_EQ(Decode(down).status().message(), "pools[0].shares.steady: negative");
}

}  // namespace
}  // namespace chain429::wire
