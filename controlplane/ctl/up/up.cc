#include "controlplane/ctl/up/up.h"

#include "common/io/signals.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/up/launcher.h"
#include "controlplane/ctl/up/plan.h"

namespace chain429 {

int RunUp(const CommandContext& context, const UpOptions& options) {
  IgnoreBrokenPipes();
  absl::StatusOr<UpPlan> plan = MakePlan(options, SystemUpEnvironment());
  if (!plan.ok()) {
    ReportFailure(context, plan.status());
    return kExitFailed;
  }
  return Launcher(context, options, *std::move(plan)).Run();
}

}  // namespace chain429
