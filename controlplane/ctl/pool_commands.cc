// 429ctl pools, clear.
#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/text.h"
#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/api/message_json.h"
#include "controlplane/ctl/pool_text.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {

int RunPools(const CommandContext& context, const std::string& prefix) {
  AdminClient client(context.control);
  const auto response = client.ListPools(prefix);
  if (!response.ok()) return ReportFailure(context, response.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
    return kExitOk;
  }
  if (response->pools().empty()) {
    *context.err << (prefix.empty() ? "no pools: no configuration has been applied yet"
                                    : absl::StrCat("no pool's name begins with \"", Printable(prefix), "\"; see: 429ctl pools"))
                 << "\n";
    return kExitOk;
  }
  Table table({"POOL", "STATE", "USED OF ITS LIMITS", "OPEN"});
  for (const v1::PoolInfo& pool : response->pools()) {
    std::vector<std::string> limits;
    for (const v1::LimitInfo& limit : pool.limits()) limits.push_back(LimitText(limit));
    const bool closed = pool.closure() != v1::CLOSURE_NONE;
    table.Add({pool.key(), PoolStateText(pool), limits.empty() ? "no limit known" : absl::StrJoin(limits, ", "),
               absl::StrCat(pool.open_attempts())},
              closed ? Colour::kYellow : Colour::kNone);
  }
  *context.out << table.Render(context.colour);
  return kExitOk;
}

int RunClear(const CommandContext& context, const std::string& pool_key) {
  AdminClient client(context.control);
  const auto response = client.ClearCooldown(pool_key);
  if (!response.ok()) return ReportFailure(context, response.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
  } else {
    *context.out << Printable(pool_key) << (response->was_closed() ? " is open again\n" : " was not closed\n");
  }
  return kExitOk;
}

}  // namespace chain429
