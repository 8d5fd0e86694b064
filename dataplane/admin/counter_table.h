#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace chain429 {

// Named things that a worker has met, each with its counters. The worker adds; a scrape walks the list from any thread.
// Entries are never removed, so that a counter never falls; beyond kMost (some names come from clients) all further
// ones share the entry "other".
template <typename Counters, size_t kMost>
class CounterTable {
 public:
  struct Entry {
    explicit Entry(std::string n) : name(std::move(n)) {}
    const std::string name;
    Counters counters;
    Entry* next = nullptr;
  };

  CounterTable() = default;
  ~CounterTable() {
    const Entry* entry = first();
    while (entry != nullptr) {
      const Entry* next = entry->next;
      delete entry;
      entry = next;
    }
  }
  CounterTable(const CounterTable&) = delete;
  CounterTable& operator=(const CounterTable&) = delete;

  // The worker's thread only. One hash look-up; the reference stays valid as long as the table.
  Counters& For(uint64_t id, std::string_view name) {
    const auto found = by_id_.find(id);
    return found != by_id_.end() ? found->second->counters : Append(id, name);
  }
  // Any thread: follow `next` from here.
  const Entry* first() const { return first_.load(std::memory_order_acquire); }

 private:
  Counters& Append(uint64_t id, std::string_view name) {
    const bool full = by_id_.size() >= kMost;
    if (full && other_ != nullptr) return other_->counters;
    auto* entry = new Entry(full ? std::string("other") : std::string(name));
    entry->next = first_.load(std::memory_order_relaxed);
    if (full) {
      other_ = entry;
    } else {
      by_id_.emplace(id, entry);
    }
    // Release: who sees the new head sees the entry whole.
    first_.store(entry, std::memory_order_release);
    return entry->counters;
  }

  std::atomic<Entry*> first_{nullptr};
  absl::flat_hash_map<uint64_t, Entry*> by_id_;
  Entry* other_ = nullptr;
};

}  // namespace chain429
