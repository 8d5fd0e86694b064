#include "controlplane/revisions/config_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/diff.h"
#include "controlplane/revisions/snapshot_builder.h"

namespace chain429 {
namespace {

// Of a file that cannot be read. A change from or to it is a change.
constexpr uint64_t kUnreadable = 0;
// One byte more than the parser takes, so that the parser says that it is too much.
constexpr size_t kReadLimit = kLargestDocument + 1;

uint64_t HashOf(const absl::StatusOr<std::string>& contents) {
  return contents.ok() ? StableId(*contents) : kUnreadable;
}

}  // namespace

ConfigSource::ConfigSource(Options options)
    : options_(std::move(options)), next_version_(options_.first_version.value()) {
  auto empty = std::make_shared<Snapshot>();
  empty->version = Version(next_version_++);
  snapshot_ = std::move(empty);
}

LoadReport ConfigSource::Load(std::string text, std::string name, std::string comment) {
  // What is refused here leaves the file, or the text, that serves in its place.
  std::map<std::string, uint64_t> taken = std::exchange(taken_, {});
  LoadReport report = Take(text, name);
  report.comment = std::move(comment);
  if (!report.accepted) {
    ++texts_refused_;
    taken_ = std::move(taken);
    return report;
  }
  ++accepted_;
  // The file is still looked at: what is written there later counts.
  if (!path_.empty()) taken_[path_] = taken[path_];
  applied_ = true;
  text_error_.clear();
  text_ = std::move(text);
  name_ = std::move(name);
  return report;
}

LoadReport ConfigSource::LoadFile(const std::string& path) {
  path_ = path;
  return Reload();
}

LoadReport ConfigSource::Reload() {
  if (path_.empty()) return ReloadText();
  const absl::StatusOr<std::string> text = options_.environment.file(path_, kReadLimit);
  const uint64_t hash = HashOf(text);
  if (applied_ && hash == taken_[path_]) return ReloadText();
  taken_.clear();
  taken_[path_] = hash;
  LoadReport report;
  report.file = path_;
  if (text.ok()) {
    report = Take(*text, path_);
  } else {
    ConfigProblems problems;
    problems.Error({}, "", absl::StrCat("the configuration cannot be read: ", text.status().message()));
    report = Finish(std::move(report), problems);
  }
  ++(report.accepted ? accepted_ : refused_);
  file_error_.clear();
  if (report.accepted) {
    report.replaces_applied = std::exchange(applied_, false);
    text_error_.clear();
    text_ = *text;
    name_ = path_;
  } else {
    // With the warnings: a credential that was disabled is often why a chain has nothing left.
    file_error_ = FormatProblems(report.file, report.problems);
    if (parsed_ == nullptr) name_ = path_;
  }
  return report;
}

LoadReport ConfigSource::ReloadText() {
  const auto file = taken_.find(path_);
  const std::optional<uint64_t> hash = file == taken_.end() ? std::nullopt : std::optional<uint64_t>(file->second);
  taken_.clear();
  if (hash) taken_[path_] = *hash;
  LoadReport report = Take(text_, name_);
  ++(report.accepted ? accepted_ : refused_);
  text_error_ = report.accepted ? std::string() : FormatProblems(report.file, report.problems);
  return report;
}

LoadReport ConfigSource::Take(std::string_view text, std::string_view name) {
  LoadReport report;
  report.file = std::string(name);
  ConfigProblems problems;
  std::unique_ptr<const ParsedConfig> parsed = ParseConfig(text, name, *options_.catalogue, options_.zones, problems);
  if (parsed == nullptr) return Finish(std::move(report), problems);
  const Environment environment = Recording();
  ResolvedSecrets secrets = ResolveSecrets(parsed->config, environment, problems);
  std::shared_ptr<const Snapshot> snapshot =
      BuildSnapshot(*parsed, *options_.catalogue, secrets, Version(next_version_), problems);
  if (snapshot != nullptr)
    Accept(std::move(parsed), std::move(secrets), std::move(snapshot), problems.Sorted(), report);
  return Finish(std::move(report), problems);
}

// While something refused waits to be mended, the secrets of what is served may still change, and are watched.
void ConfigSource::RefreshSecrets(LoadReport& report) {
  ConfigProblems problems;
  ResolvedSecrets secrets = ResolveSecrets(parsed_->config, Recording(), problems);
  if (secrets == secrets_) return;
  std::shared_ptr<const Snapshot> snapshot =
      BuildSnapshot(*parsed_, *options_.catalogue, secrets, Version(next_version_), problems);
  if (snapshot == nullptr) return;
  secrets_ = std::move(secrets);
  snapshot_ = std::move(snapshot);
  warnings_ = problems.Sorted();
  ++next_version_;
  report.changed = true;
  report.changes.emplace_back("changed the contents of secrets");
}

void ConfigSource::Accept(std::unique_ptr<const ParsedConfig> parsed, ResolvedSecrets secrets,
                          std::shared_ptr<const Snapshot> snapshot, const std::vector<ConfigProblem>& problems,
                          LoadReport& report) {
  report.accepted = true;
  warnings_ = problems;
  if (parsed_ != nullptr) report.changes = DiffConfig(parsed_->tree, parsed->tree);
  const bool secrets_changed = parsed_ != nullptr && !(secrets == secrets_);
  if (secrets_changed && report.changes.empty()) report.changes.push_back("changed the contents of secrets");
  report.changed = parsed_ == nullptr || !report.changes.empty();
  // Also without a change, for the places in messages.
  parsed_ = std::move(parsed);
  if (!report.changed) return;
  secrets_ = std::move(secrets);
  snapshot_ = std::move(snapshot);
  ++next_version_;
}

LoadReport ConfigSource::Finish(LoadReport report, const ConfigProblems& problems) {
  if (!report.accepted && parsed_ != nullptr) RefreshSecrets(report);
  report.version = snapshot_->version;
  report.problems = problems.Sorted();
  return report;
}

Environment ConfigSource::Recording() {
  Environment recording = options_.environment;
  recording.file = [this](const std::string& path, size_t limit) -> absl::StatusOr<std::string> {
    // Read with the limit of ReadNow, so that both see the same.
    absl::StatusOr<std::string> contents = options_.environment.file(path, kReadLimit);
    taken_[path] = HashOf(contents);
    if (contents.ok() && contents->size() > limit)
      return absl::OutOfRangeError(absl::StrCat("it is longer than ", limit, " bytes"));
    return contents;
  };
  return recording;
}

std::map<std::string, uint64_t> ConfigSource::ReadNow() const {
  std::map<std::string, uint64_t> now;
  for (const auto& [path, hash] : taken_) now[path] = HashOf(options_.environment.file(path, kReadLimit));
  return now;
}

}  // namespace chain429
