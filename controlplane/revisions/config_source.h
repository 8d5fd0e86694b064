#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/config/parse.h"
#include "common/config/problem.h"
#include "common/config/zones.h"
#include "common/model/snapshot.h"
#include "common/provider/catalogue.h"
#include "controlplane/revisions/credential_source.h"
#include "controlplane/revisions/environment.h"

namespace chain429 {

// What came of one attempt to take a configuration.
struct LoadReport {
  std::string file;                     // as in messages
  bool accepted = false;
  bool changed = false;                 // there is a new snapshot; of what served before, where this was refused
  bool replaces_applied = false;        // accepted: the file has changed since a text was applied over it
  std::string comment;                  // why, as whoever applied it said
  Version version;                      // of the snapshot that is served now
  std::vector<ConfigProblem> problems;  // errors if it was refused, and warnings, in the order of the file
  std::vector<std::string> changes;     // DiffConfig to the configuration before; empty at first
};

// Holds the configuration that is served: a refused one leaves the last good one in place. Belongs to one loop; the
// snapshots that it hands out are immutable and may go anywhere.
class ConfigSource {
 public:
  struct Options {
    const Catalogue* catalogue = nullptr;  // outlives this
    ZoneLookup zones = LookUpZone;
    Environment environment;
    // Of the first snapshot. Versions rise by one; a control plane that starts anew should start above what its proxies
    // have seen.
    Version first_version{1};
  };

  // Serves an empty snapshot until the first Load.
  explicit ConfigSource(Options options);

  // Takes `text` and remembers it. `name` stands in messages, and its ending tells YAML from JSON. It serves until the
  // file, if there is one, changes.
  LoadReport Load(std::string text, std::string name, std::string comment = {});
  // Takes the file at `path` and remembers the path.
  LoadReport LoadFile(const std::string& path);
  // Takes the remembered file again, or the remembered text where the file has not changed since that was taken, with
  // the secrets that it names.
  LoadReport Reload();

  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  // Null before the first good load.
  const Config* config() const { return parsed_ == nullptr ? nullptr : &parsed_->config; }
  // The file's path, or the name that the text was given; empty before the first load.
  const std::string& name() const { return name_; }
  // The text of the configuration that is served; empty before the first.
  const std::string& accepted_text() const { return text_; }
  // Why the file, or what serves, could not be taken again, a line for each problem; empty when it could. A text that
  // Load refused is no such fault.
  const std::string& last_error() const { return file_error_.empty() ? text_error_ : file_error_; }
  // Of the configuration that is served.
  const std::vector<ConfigProblem>& warnings() const { return warnings_; }
  uint64_t accepted() const { return accepted_; }
  uint64_t refused() const { return refused_; }
  uint64_t texts_refused() const { return texts_refused_; }

  // What the last load read, as hashes by path, and what the same files hold now. Equal: nothing to reload.
  const std::map<std::string, uint64_t>& taken() const { return taken_; }
  std::map<std::string, uint64_t> ReadNow() const;

 private:
  LoadReport ReloadText();
  LoadReport Take(std::string_view text, std::string_view name);
  void RefreshSecrets(LoadReport& report);
  LoadReport Finish(LoadReport report, const ConfigProblems& problems);
  void Accept(std::unique_ptr<const ParsedConfig> parsed, ResolvedSecrets secrets,
              std::shared_ptr<const Snapshot> snapshot, const std::vector<ConfigProblem>& problems, LoadReport& report);
  Environment Recording();

  const Options options_;
  std::string path_;  // of the file; empty: there is none
  bool applied_ = false;  // `text_` came through Load
  std::string text_;
  std::string name_;
  uint64_t next_version_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<const ParsedConfig> parsed_;
  ResolvedSecrets secrets_;
  std::vector<ConfigProblem> warnings_;
  std::string file_error_;
  std::string text_error_;
  std::map<std::string, uint64_t> taken_;
  uint64_t accepted_ = 0;
  uint64_t refused_ = 0;
  uint64_t texts_refused_ = 0;
};

}  // namespace chain429
