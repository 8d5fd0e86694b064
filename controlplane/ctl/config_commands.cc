// 429ctl validate, apply, get config.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/parse.h"
#include "common/config/zones.h"
#include "common/provider/catalogue.h"
#include "controlplane/api/message_json.h"
#include "controlplane/ctl/admin_client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/text_file.h"

namespace chain429 {
namespace {

std::string NameOf(const std::string& file) { return file == "-" ? "stdin" : file; }

// The shape that FormatProblem gives the same fact; here it comes over the wire.
std::string ProblemLine(const v1::ConfigProblem& problem) {
  ConfigProblem local;
  local.severity = problem.warning() ? Severity::kWarning : Severity::kError;
  local.at = {static_cast<int>(problem.line()), static_cast<int>(problem.column())};
  local.path = problem.path();
  local.message = problem.message();
  local.suggestion = problem.suggestion();
  return FormatProblem(problem.file(), local);
}

v1::ConfigProblem ToMessage(const std::string& file, const ConfigProblem& problem) {
  v1::ConfigProblem out;
  out.set_file(file);
  out.set_line(static_cast<uint32_t>(problem.at.line));
  out.set_column(static_cast<uint32_t>(problem.at.column));
  out.set_path(problem.path);
  out.set_message(problem.message);
  out.set_suggestion(problem.suggestion);
  out.set_warning(problem.severity == Severity::kWarning);
  return out;
}

// The problems on the error stream, one a line, with a count at the end. Returns how many are errors.
size_t ShowProblems(const CommandContext& context,
                    const google::protobuf::RepeatedPtrField<v1::ConfigProblem>& problems) {
  size_t errors = 0;
  for (const v1::ConfigProblem& problem : problems) {
    if (!problem.warning()) ++errors;
    *context.err << Printable(ProblemLine(problem)) << "\n";
  }
  return errors;
}

std::string Count(size_t n, std::string_view noun) { return absl::StrCat(n, " ", ToAbsl(noun), n == 1 ? "" : "s"); }

}  // namespace

int RunValidate(const CommandContext& context, const std::string& file) {
  absl::StatusOr<std::string> text = ReadTextFile(file);
  if (!text.ok()) return ReportFailure(context, text.status());
  absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  if (!catalogue.ok()) return ReportFailure(context, catalogue.status());
  ConfigProblems problems;
  const auto parsed = ParseConfig(*text, NameOf(file), *catalogue, LookUpZone, problems);
  v1::ValidateConfigResponse response;
  for (const ConfigProblem& problem : problems.Sorted()) *response.add_problems() = ToMessage(NameOf(file), problem);
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(response);
    return problems.ok() ? kExitOk : kExitFailed;
  }
  const size_t errors = ShowProblems(context, response.problems());
  if (errors > 0 || parsed == nullptr) {
    *context.err << Paint(absl::StrCat(NameOf(file), " is not valid: ", Count(errors, "error")), Colour::kRed,
                          context.colour)
                 << "\n";
    return kExitFailed;
  }
  *context.out << Paint(absl::StrCat(NameOf(file), " is valid: ", Count(parsed->config.providers.size(), "provider"),
                                     ", ", Count(parsed->config.chains.size(), "chain")),
                        Colour::kGreen, context.colour)
               << "\n";
  return kExitOk;
}

int RunApply(const CommandContext& context, const std::string& file, const std::string& comment) {
  absl::StatusOr<std::string> text = ReadTextFile(file);
  if (!text.ok()) return ReportFailure(context, text.status());
  v1::ApplyConfigRequest request;
  request.set_name(NameOf(file));
  request.set_text(*text);
  request.set_comment(comment);
  AdminClient client(context.control, context.tls);
  const auto response = client.ApplyConfig(request);
  if (!response.ok()) return ReportFailure(context, response.status());
  size_t errors = 0;
  for (const v1::ConfigProblem& problem : response->problems()) errors += problem.warning() ? 0 : 1;
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
    return errors == 0 ? kExitOk : kExitFailed;
  }
  ShowProblems(context, response->problems());
  if (errors > 0) {
    *context.err << Paint(absl::StrCat("refused whole, nothing has changed: ", Count(errors, "error")), Colour::kRed,
                          context.colour)
                 << "\n";
    return kExitFailed;
  }
  *context.out << "applied as version " << response->snapshot_version() << "\n";
  return kExitOk;
}

int RunGetConfig(const CommandContext& context) {
  AdminClient client(context.control, context.tls);
  const auto response = client.GetConfig();
  if (!response.ok()) return ReportFailure(context, response.status());
  if (context.output == OutputFormat::kJson) {
    *context.out << MessageJson(*response);
  } else {
    *context.out << response->text();
    if (!response->text().empty() && response->text().back() != '\n') *context.out << "\n";
  }
  return kExitOk;
}

}  // namespace chain429
