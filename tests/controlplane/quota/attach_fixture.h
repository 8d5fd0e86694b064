#pragma once

#include <utility>
#include <vector>

#include "tests/controlplane/quota/broker_fixture.h"

namespace chain429 {

// Two proxies of which the first loses its link and comes back to the same leader.
class AttachTest : public BrokerTest {
 protected:
  static constexpr uint64_t kEpoch = 7;

  TargetId Ready(std::vector<Limit> limits) {
    const TargetId target = AddLimited("t", std::move(limits));
    Configure();
    a = Attach("a");
    b = Attach("b");
    return target;
  }
  AttachReport::Held HeldOf(PermitId permit, TargetId target, uint32_t unused, uint32_t open) {
    return {
        .permit = permit, .target = target, .pools = {QuotaOf(target)}, .unused = unused, .open = open, .tokens = 0};
  }
  RecentUse UseOf(TargetId target, absl::Duration age, int64_t requests = 1) {
    return {.pool = QuotaOf(target), .age = age, .requests = requests, .tokens = 0};
  }
  // Back before the leader has noticed that the link broke.
  void Reattach(std::vector<AttachReport::Held> held, std::vector<RecentUse> recent = {}) {
    AttachReport report = ReportOf("a", kEpoch);
    report.held = std::move(held);
    report.recent = std::move(recent);
    EXPECT_EQ(broker->Attach(report, now), a);
  }
  HolderId a;
  HolderId b;
};

}  // namespace chain429
