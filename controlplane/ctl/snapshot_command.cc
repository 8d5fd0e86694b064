// 429ctl snapshot.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/text_file.h"

namespace chain429 {

int RunSnapshot(const CommandContext& context, const std::string& out) {
  AdminClient client(context.control);
  const auto response = client.GetSnapshot();
  if (!response.ok()) return ReportFailure(context, response.status());
  if (response->snapshot_version() == 0) {
    *context.err << "429ctl: the control plane has no configuration yet; apply one with: 429ctl apply -f FILE\n";
    return kExitFailed;
  }
  for (const std::string& note : response->notes())
    *context.err << Paint(absl::StrCat("note: ", Printable(note)), Colour::kYellow, context.colour) << "\n";
  if (out.empty() || out == "-") {
    *context.out << response->text();
    return kExitOk;
  }
  if (const absl::Status written = WriteTextFile(out, response->text()); !written.ok())
    return ReportFailure(context, written);
  *context.err << "wrote version " << response->snapshot_version() << " to " << Printable(out) << "\n";
  return kExitOk;
}

}  // namespace chain429
