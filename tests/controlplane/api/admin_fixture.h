#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/api/admin_service.h"
#include "controlplane/fleet/down_port.h"
#include "tests/support/captured_log.h"

namespace chain429 {

// The parts of a control plane that its admin service asks, in a world whose only variable is KEY.
class AdminTest : public testing::Test {
 public:
  ~AdminTest() override;

 protected:
  AdminTest();

  // A provider without credentials and one with KEY and a limit, a chain of both with an alias.
  static std::string GoodText();
  static constexpr char kKey[] = "gsk_0123456789abcdefghij";

  v1::ApplyConfigResponse Apply(const std::string& text, const std::string& name = "c.yaml");
  // A proxy with this boot id attaches and stays.
  void AttachProxy(const std::string& boot_id);
  // Its requests were refused: the pool is closed for `wait`.
  void ClosePool(const std::string& key, absl::Duration wait);

  FixedClock clock_;
  CapturedLog log_;
  const Catalogue catalogue_;
  std::map<std::string, std::string> files_;  // there are no others
  Loop config_loop_{"config"};
  ConfigSource config_;
  Broker broker_{Epoch(9), 1};
  Registry registry_{broker_, log_.logger(), [](const std::vector<PoolMemory>&) {}};
  FleetThread fleet_{clock_, [this](const Now& now) {
                       registry_.EndTurn(now);
                       return MonoTime::Max();
                     }};
  std::vector<LoadReport> loads_;
  AdminService service_;

 private:
  std::vector<std::shared_ptr<PermitsPort>> ports_;
};

}  // namespace chain429
