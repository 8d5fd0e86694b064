#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controlplane/store/store.h"

struct sqlite3;

namespace chain429 {

// One SQLite file in WAL mode with full synchronisation: what was acknowledged survives kill -9 and a power cut.
class SqliteStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  absl::Status SavePools(const std::vector<PoolMemory>& pools) override;
  absl::StatusOr<std::vector<PoolMemory>> LoadPools() override;

 private:
  SqliteStore(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}
  absl::Status Execute(const char* sql);
  absl::Status CheckSchema();
  absl::Status Failure(const char* doing) const;

  sqlite3* database_;
  const std::string path_;
};

}  // namespace chain429
