#include "controlplane/quota/book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"

namespace chain429 {
namespace {

// Beyond so many, idle ones are not left to the next regular forgetting.
constexpr size_t kMostAccounts = 50'000;
constexpr size_t kMostEstimators = 20'000;
constexpr absl::Duration kIdle = absl::Minutes(10);

bool SameSecret(const Credential& a, const Credential& b) {
  return a.key == b.key && a.proxy_env == b.proxy_env && a.proxy_file == b.proxy_file && a.usable == b.usable;
}

const Credential* FindCredential(const Snapshot* snapshot, PoolId pool) {
  if (snapshot == nullptr) return nullptr;
  for (const Provider& provider : snapshot->providers) {
    for (const Credential& credential : provider.credentials) {
      if (credential.pool == pool) return &credential;
    }
  }
  return nullptr;
}

}  // namespace

PoolAccount& PoolBook::Declare(const Pool& pool, bool by_snapshot, const Now& now) {
  std::unique_ptr<PoolAccount>& account = accounts_[pool.id];
  const bool had_name = account != nullptr && !account->pool().key.empty();
  if (account == nullptr) {
    account = std::make_unique<PoolAccount>(pool, now);
  } else {
    account->Declare(pool, now);
  }
  if (const auto it = had_name ? memories_.end() : memories_.find(pool.key); it != memories_.end()) {
    account->Remember(it->second, now);
    memories_.erase(it);
  }
  account->declared = by_snapshot;
  return *account;
}

std::vector<PoolId> PoolBook::SetSnapshot(std::shared_ptr<const Snapshot> snapshot, const Now& now) {
  std::vector<PoolId> opened;
  for (auto& [id, account] : accounts_) account->declared = false;
  for (const Pool& pool : snapshot->pools) Declare(pool, true, now);
  for (const Provider& provider : snapshot->providers) {
    for (const Credential& credential : provider.credentials) {
      if (!credential.pool) continue;
      PoolAccount* account = Find(credential.pool);
      if (account == nullptr || account->pool().key.empty()) {
        Pool pool;
        pool.id = credential.pool;
        pool.key = absl::StrCat(provider.name, "#", credential.name);
        pool.learns = false;
        account = &Declare(pool, true, now);
      }
      account->declared = true;
      const Credential* before = FindCredential(snapshot_.get(), credential.pool);
      if (before == nullptr || SameSecret(*before, credential)) continue;
      account->key_changed_at = now.mono;
      if (account->cooldown().closure(now.mono) == Closure::kAuth) {
        account->cooldown().Open();
        opened.push_back(credential.pool);
      }
    }
  }
  snapshot_ = std::move(snapshot);
  return opened;
}

void PoolBook::Derive(const Candidate& candidate, const Now& now) {
  if (candidate.dynamic.provider.empty() || snapshot_ == nullptr) return;
  const auto provider = snapshot_->provider_by_name.find(candidate.dynamic.provider);
  if (provider == snapshot_->provider_by_name.end()) return;
  if (derived_.size() > kMostAccounts) derived_.clear();
  const auto derived = derived_.find(candidate.target);
  if (derived != derived_.end() && derived->second == snapshot_->version) return;
  if (accounts_.size() > kMostAccounts) ForgetIdle(now);
  for (const TargetPlan& plan : PlanTargets(snapshot_->providers, provider->second, candidate.dynamic.model)) {
    if (plan.target.id != candidate.target) continue;
    for (const Pool& pool : plan.pools) {
      if (!snapshot_->pool_by_id.contains(pool.id.value())) Declare(pool, false, now);
    }
  }
  derived_[candidate.target] = snapshot_->version;
}

PoolAccount* PoolBook::FindByKey(const std::string& key) {
  if (PoolAccount* account = Find(PoolId(StableId(key)))) return account;
  for (auto& [id, account] : accounts_) {
    if (account->pool().key == key) return account.get();
  }
  return nullptr;
}

PoolAccount& PoolBook::FindOrMakeBare(PoolId id, const Now& now) {
  if (PoolAccount* account = Find(id)) return *account;
  if (accounts_.size() > kMostAccounts) ForgetIdle(now);
  Pool pool;
  pool.id = id;
  return Declare(pool, false, now);
}

void PoolBook::ForgetIdle(const Now& now) {
  const size_t forgotten = absl::erase_if(accounts_, [&](const auto& item) {
    PoolAccount& account = *item.second;
    const bool idle = !account.declared && !account.dirty && now.mono - account.last_used > kIdle &&
                      account.ledger().idle() && account.cooldown().At(now.mono) == Cooldown::Gate::kOpen;
    if (!idle || account.pool().key.empty()) return idle;
    // What was used of a day is not free again because nobody asked for ten minutes.
    PoolMemory memory = account.Memory(now);
    const bool counts = !memory.marks.empty() || !memory.learnt.empty() || memory.inferred > 0;
    if (counts && memories_.size() < kMostAccounts) memories_.insert_or_assign(account.pool().key, std::move(memory));
    return true;
  });
  if (forgotten > 0) derived_.clear();
}

Estimator& PoolBook::EstimatorOf(TargetId target) {
  if (estimators_.size() > kMostEstimators) estimators_.clear();
  return estimators_[target];
}

void PoolBook::Recall(std::vector<PoolMemory> memories) {
  for (PoolMemory& memory : memories) {
    std::string key = memory.key;
    memories_.insert_or_assign(std::move(key), std::move(memory));
  }
}

}  // namespace chain429
