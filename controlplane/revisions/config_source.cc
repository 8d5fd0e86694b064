#include "controlplane/revisions/config_source.h"

#include <algorithm>
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

LoadReport ConfigSource::Load(std::string text, std::string name) {
  // What is refused here leaves the file, or the text, that serves in its place.
  std::map<std::string, uint64_t> taken = taken_;
  taken_.clear();
  LoadReport report = Take(text, name);
  if (!report.accepted && parsed_ != nullptr) {
    taken_ = std::move(taken);
    return report;
  }
  path_.clear();
  text_ = std::move(text);
  name_ = std::move(name);
  return report;
}

LoadReport ConfigSource::LoadFile(const std::string& path) {
  path_ = path;
  return Reload();
}

LoadReport ConfigSource::Reload() {
  if (path_.empty()) {
    taken_.clear();
    return Take(text_, name_);
  }
  const absl::StatusOr<std::string> text = options_.environment.file(path_, kReadLimit);
  if (text.ok()) {
    taken_.clear();
    taken_[path_] = HashOf(text);
    name_ = path_;
    LoadReport report = Take(*text, path_);
    if (report.accepted) text_ = *text;
    return report;
  }
  // The secrets' files go on being watched: they belong to the configuration that is served.
  taken_[path_] = kUnreadable;
  ConfigProblems problems;
  problems.Error({}, "", absl::StrCat("the configuration cannot be read: ", text.status().message()));
  LoadReport report;
  report.file = path_;
  return Finish(std::move(report), problems);
}

LoadReport ConfigSource::Take(std::string_view text, std::string_view name) {
  LoadReport report;
  report.file = std::string(name);
  ConfigProblems problems;
  std::unique_ptr<const ParsedConfig> parsed = ParseConfig(text, name, *options_.catalogue, options_.zones, problems);
  if (parsed == nullptr) {
    // While a refused file waits to be mended, the secrets of what is served may still change.
    for (const std::string& file : parsed_ == nullptr ? std::vector<std::string>{} : SecretFiles(parsed_->config)) {
      taken_.emplace(file, HashOf(options_.environment.file(file, kReadLimit)));
    }
    return Finish(std::move(report), problems);
  }
  const Environment environment = Recording();
  ResolvedSecrets secrets = ResolveSecrets(parsed->config, environment, problems);
  std::shared_ptr<const Snapshot> snapshot =
      BuildSnapshot(*parsed, *options_.catalogue, secrets, Version(next_version_), problems);
  if (snapshot != nullptr)
    Accept(std::move(parsed), std::move(secrets), std::move(snapshot), problems.Sorted(), report);
  return Finish(std::move(report), problems);
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
  report.version = snapshot_->version;
  report.problems = problems.Sorted();
  ++(report.accepted ? accepted_ : refused_);
  last_error_.clear();
  if (report.accepted) return report;
  // With the warnings: a credential that was disabled is often why a chain has nothing left.
  last_error_ = FormatProblems(report.file, report.problems);
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
