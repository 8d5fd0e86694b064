// What tests ask of a provider while it runs.
#include <algorithm>

#include "tests/sim/provider.h"

namespace chain429::sim {
namespace {

Json DescribeBook(LimitBook& book, absl::Time now) {
  Json windows = Json::array();
  for (LimitName name : kWindowLimits) {
    if (!book.has_window(name)) continue;
    Window& window = book.window(name);
    int64_t limit = window.spec().limit;
    int64_t used = window.Used(now);
    windows.push_back({{"name", LimitKey(name)},
                       {"kind", WindowKindName(window.spec().kind)},
                       {"length_s", absl::ToDoubleSeconds(window.spec().length)},
                       {"limit", limit == 0 ? Json(nullptr) : Json(limit)},
                       {"used", used},
                       {"remaining", limit == 0 ? Json(nullptr) : Json(std::max<int64_t>(0, window.capacity() - used))},
                       {"max_used", window.max_used()},
                       {"reset_s", absl::ToDoubleSeconds(window.UntilReset(now))}});
  }
  int64_t concurrency = book.concurrency_limit();
  return {{"scope", book.scope()},
          {"admitted", book.admitted()},
          {"concurrency",
           {{"limit", concurrency == 0 ? Json(nullptr) : Json(concurrency)},
            {"used", book.in_flight()},
            {"max_used", book.max_in_flight()}}},
          {"windows", windows}};
}

}  // namespace

void Provider::Connected(int64_t connection, std::weak_ptr<Peer> peer) {
  ++connections_;
  peers_[connection] = std::move(peer);
}

void Provider::Disconnected(int64_t connection) { peers_.erase(connection); }

void Provider::SetLimits(const std::vector<LimitSetSpec>& limits, absl::Time now) {
  spec_.limits = limits;
  std::vector<LimitSetSpec> sets = limits;
  if (sets.empty()) sets.emplace_back();
  for (auto& entry : accounts_) entry.second.limits.Reconfigure(now, sets);
}

void Provider::SetBehaviour(const ProviderSpec& spec) {
  std::vector<LimitSetSpec> limits = std::move(spec_.limits);
  spec_ = spec;
  spec_.name = original_.name;
  spec_.listen = original_.listen;
  spec_.limits = std::move(limits);
}

size_t Provider::ReleaseStalled() {
  size_t count = 0;
  for (auto& entry : peers_) {
    std::shared_ptr<Peer> peer = entry.second.lock();
    if (peer != nullptr && peer->Release()) ++count;
  }
  return count;
}

size_t Provider::CloseConnections(bool idle_only) {
  // Closing takes a peer out of the map.
  std::vector<std::shared_ptr<Peer>> peers;
  for (auto& entry : peers_) {
    if (std::shared_ptr<Peer> peer = entry.second.lock()) peers.push_back(std::move(peer));
  }
  size_t count = 0;
  for (const auto& peer : peers) count += peer->Close(idle_only) ? 1 : 0;
  return count;
}

Json Provider::Stats(absl::Time now) {
  Json verdicts = Json::object();
  int64_t requests = 0;
  for (const auto& [verdict, count] : verdicts_) {
    verdicts[verdict] = count;
    requests += count;
  }
  Json statuses = Json::object();
  for (const auto& [status, count] : statuses_) statuses[status == 0 ? "none" : std::to_string(status)] = count;
  Json accounts = Json::object();
  for (auto& [name, account] : accounts_) {
    Json books = Json::array();
    for (const auto& book : account.limits.AllBooks()) books.push_back(DescribeBook(*book, now));
    accounts[name] = books;
  }
  return {{"name", spec_.name},
          {"uptime_s", absl::ToDoubleSeconds(now - start_)},
          {"requests", requests},
          {"verdicts", verdicts},
          {"statuses", statuses},
          {"disconnects", disconnects_},
          {"open_requests", open_requests_},
          {"max_open_requests", max_open_requests_},
          {"open_streams", open_streams_},
          {"max_open_streams", max_open_streams_},
          {"connections", {{"open", peers_.size()}, {"total", connections_}}},
          {"log_forgotten", log_.forgotten()},
          {"accounts", accounts}};
}

}  // namespace chain429::sim
