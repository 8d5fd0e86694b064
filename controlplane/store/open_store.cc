#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "controlplane/store/memory_store.h"
#include "controlplane/store/sqlite_store.h"
#include "controlplane/store/store.h"

namespace chain429 {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& name) {
  constexpr absl::string_view kSqlite = "sqlite:";
  if (name.empty() || name == "memory:") return std::unique_ptr<Store>(std::make_unique<MemoryStore>());
  if (absl::StartsWith(name, kSqlite) && name.size() > kSqlite.size())
    return SqliteStore::Open(name.substr(kSqlite.size()));
  if (absl::StartsWith(name, "postgres://") || absl::StartsWith(name, "postgresql://")) {
    return absl::UnimplementedError("--store: postgres:// is not supported yet; use sqlite:PATH");
  }
  // A slip in a URL must not put the password behind it on the screen.
  const size_t colon = name.find(':');
  const std::string shown = colon == std::string::npos ? name : absl::StrCat(name.substr(0, colon), ":...");
  return absl::InvalidArgumentError(absl::StrCat("--store: \"", shown, "\" is no store; write sqlite:PATH or memory:"));
}

}  // namespace chain429
