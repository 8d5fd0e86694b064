#include "common/base/text.h"
#include "common/wire/model_wire.h"
#include "tests/fuzz/fuzz.h"

namespace chain429::fuzz {
namespace {

void CheckOneInput(std::string_view bytes) {
  const absl::StatusOr<Snapshot> snapshot = wire::ParseSnapshot(bytes, Version(1));
  if (!snapshot.ok()) {
    FUZZ_ASSERT(snapshot.status().message().find(": ") != absl::string_view::npos);
    return;
  }
  // Whoever serves it may follow every index.
  for (const Target& target : snapshot->targets) {
    FUZZ_ASSERT(target.provider < snapshot->providers.size() && !target.pools.empty());
    for (const uint32_t credential : target.credentials) {
      FUZZ_ASSERT(credential < snapshot->providers[target.provider].credentials.size());
    }
    for (const PoolId pool : target.pools) FUZZ_ASSERT(snapshot->pool_by_id.contains(pool.value()));
  }
  for (const Chain& chain : snapshot->chains) {
    FUZZ_ASSERT(!chain.targets.empty() && chain.max_attempts >= 1);
    for (const uint32_t target : chain.targets) FUZZ_ASSERT(target < snapshot->targets.size());
  }
  FUZZ_ASSERT(snapshot->default_chain.empty() || snapshot->chain_by_name.contains(snapshot->default_chain));
  // A key or a header with a line end in it could end a request's head early.
  for (const Provider& provider : snapshot->providers) {
    for (const Header& header : provider.headers) {
      FUZZ_ASSERT(!header.name.empty() && header.name.find_first_of("\r\n: ") == std::string::npos);
      FUZZ_ASSERT(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
    for (const Credential& credential : provider.credentials) {
      FUZZ_ASSERT(credential.key.Reveal().find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
  }
  for (uint32_t i = 0; i < snapshot->providers.size(); ++i) {
    for (const TargetPlan& plan : PlanTargets(snapshot->providers, i, "m")) FUZZ_ASSERT(!plan.pools.empty());
  }
  const std::string sent = wire::SerializeSnapshot(*snapshot);
  const absl::StatusOr<Snapshot> again = wire::ParseSnapshot(sent, Version(1));
  FUZZ_ASSERT(again.ok() && wire::SerializeSnapshot(*again) == sent);
}

}  // namespace
}  // namespace chain429::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chain429::fuzz::CheckOneInput(chain429::fuzz::Text(data, size));
  return 0;
}
