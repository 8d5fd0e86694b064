// 429ctl pools, clear.
#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/api/message_json.h"
#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/pool_text.h"
#include "controlplane/ctl/terminal.h"

namespace chain429 {

namespace {

// Credentials and models have pools, too, that only matter once they are closed.
bool HasNothingToTell(const v1::PoolInfo& pool) {
  return pool.closure() == v1::CLOSURE_NONE && pool.limits().empty() && pool.open_attempts() == 0;
}

}  // namespace

int RunPools(const CommandContext& context, const std::string& prefix, bool all) {
  AdminClient client(context.control, context.tls);
  const auto response = client.ListPools(prefix);
  if (!response.ok()) return ReportFailure(context, response.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
    return kExitOk;
  }
  if (response->pools().empty()) {
    *context.err << (prefix.empty()
                         ? "no pools: no configuration has been applied yet"
                         : absl::StrCat("no pool's name begins with \"", Printable(prefix), "\"; see: 429ctl pools"))
                 << "\n";
    return kExitOk;
  }
  Table table({"POOL", "STATE", "USED OF ITS LIMITS", "OPEN"});
  int hidden = 0;
  for (const v1::PoolInfo& pool : response->pools()) {
    if (!all && HasNothingToTell(pool)) {
      ++hidden;
      continue;
    }
    const Colour colour = pool.closure() != v1::CLOSURE_NONE ? Colour::kYellow : Colour::kNone;
    const std::string first = pool.limits().empty() ? "no limit known" : LimitText(pool.limits(0));
    table.Add({pool.key(), PoolStateText(pool), first, absl::StrCat(pool.open_attempts())}, colour);
    for (int i = 1; i < pool.limits_size(); ++i) table.Add({"", "", LimitText(pool.limits(i))}, colour);
  }
  if (hidden < response->pools_size()) *context.out << table.Render(context.colour);
  for (const v1::PoolInfo& pool : response->pools()) {
    if (const std::string note = PoolNote(pool); !note.empty()) *context.out << Printable(note) << "\n";
  }
  if (hidden > 0)
    *context.err << hidden << (hidden == 1 ? " pool is" : " pools are") << " open without a known limit; --all shows "
                 << (hidden == 1 ? "it" : "them") << "\n";
  return kExitOk;
}

int RunClear(const CommandContext& context, const std::string& pool_key) {
  AdminClient client(context.control, context.tls);
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
