#include "controlplane/store/sqlite_store.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "controlplane/store/pool_memory_json.h"

namespace chain429 {
namespace {

constexpr int kBusyMillis = 5000;
// Of the tables' shape, kept in the file. It rises when an older program could no longer make sense of them.
constexpr int kSchema = 1;

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

Statement Prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database, sql, -1, &statement, nullptr);
  return Statement(statement, &sqlite3_finalize);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> SqliteStore::Open(const std::string& path) {
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteStore> store(new SqliteStore(database, path));
  if (opened != SQLITE_OK) return store->Failure("be opened");
  sqlite3_busy_timeout(database, kBusyMillis);
  RETURN_IF_ERROR(store->CheckSchema());
  RETURN_IF_ERROR(store->Execute("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(store->Execute("PRAGMA synchronous=FULL"));
  RETURN_IF_ERROR(store->Execute(
      "CREATE TABLE IF NOT EXISTS pool_memory (key TEXT PRIMARY KEY, memory TEXT NOT NULL) WITHOUT ROWID"));
  RETURN_IF_ERROR(store->Execute(absl::StrCat("PRAGMA user_version=", kSchema).c_str()));
  return std::unique_ptr<Store>(std::move(store));
}

SqliteStore::~SqliteStore() { sqlite3_close(database_); }

absl::Status SqliteStore::Failure(const char* doing) const {
  return absl::UnavailableError(
      absl::StrCat("--store: the SQLite file \"", path_, "\" cannot ", doing, ": ", sqlite3_errmsg(database_)));
}

absl::Status SqliteStore::Execute(const char* sql) {
  return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? absl::OkStatus() : Failure("be used");
}

// Before anything is written: a file of a newer release stays as it is.
absl::Status SqliteStore::CheckSchema() {
  const Statement select = Prepare(database_, "PRAGMA user_version");
  if (sqlite3_step(select.get()) != SQLITE_ROW) return Failure("be used");
  const int found = sqlite3_column_int(select.get(), 0);
  if (found <= kSchema) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("--store: the SQLite file \"", path_, "\" was written by a newer release (its schema is ", found,
                   ", this one knows ", kSchema, "): run that release, or name another file"));
}

absl::Status SqliteStore::SavePools(const std::vector<PoolMemory>& pools) {
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  const Statement insert = Prepare(database_, "INSERT OR REPLACE INTO pool_memory (key, memory) VALUES (?1, ?2)");
  for (const PoolMemory& pool : pools) {
    const std::string json = PoolMemoryToJson(pool);
    sqlite3_bind_text(insert.get(), 1, pool.key.data(), static_cast<int>(pool.key.size()), SQLITE_TRANSIENT);
    sqlite3_bind_text(insert.get(), 2, json.data(), static_cast<int>(json.size()), SQLITE_TRANSIENT);
    if (sqlite3_step(insert.get()) != SQLITE_DONE) {
      absl::Status failed = Failure("be written");
      Execute("ROLLBACK").IgnoreError();
      return failed;
    }
    sqlite3_reset(insert.get());
  }
  absl::Status committed = Execute("COMMIT");
  // What could not be committed must not stay open, or nothing could be written ever after.
  if (!committed.ok() && sqlite3_get_autocommit(database_) == 0) Execute("ROLLBACK").IgnoreError();
  return committed;
}

absl::StatusOr<std::vector<PoolMemory>> SqliteStore::LoadPools() {
  std::vector<PoolMemory> pools;
  const Statement select = Prepare(database_, "SELECT memory FROM pool_memory");
  int step = SQLITE_ERROR;
  while (select != nullptr && (step = sqlite3_step(select.get())) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(select.get(), 0));
    auto memory = PoolMemoryFromJson({text, static_cast<size_t>(sqlite3_column_bytes(select.get(), 0))});
    if (memory.ok()) pools.push_back(*std::move(memory));  // a row of another release is worth less than a start
  }
  if (step != SQLITE_DONE) return Failure("be read");
  return pools;
}

}  // namespace chain429
