#include "dataplane/net/resolver.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace chain429 {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

constexpr size_t kMaxEntries = 1024;

}  // namespace

struct Resolver::Entry {
  std::vector<asio::ip::address> addresses;  // of the last look-up that went well
  MonoTime found_at;
  std::string error;                         // of the last look-up; empty: it went well
  MonoTime failed_at;
  std::optional<WorkGuard> under_way;        // keeps the loop running for the answer
  boost::intrusive::list<Resolve, boost::intrusive::base_hook<WaitsForName>,
                         boost::intrusive::constant_time_size<false>>
      waiting;

  void Give(const std::string& host, uint16_t port, bool stale, Resolved& resolved) const {
    if (error.empty() || stale) {
      for (const asio::ip::address& address : addresses) resolved.addresses.emplace_back(address, port);
    } else {
      resolved.error = absl::StrCat("\"", host, "\" cannot be resolved: ", error);
    }
  }
};

// Where look-up threads leave answers for this loop; outlives the resolver.
struct Resolver::Inbox {
  std::mutex mutex;
  Resolver* resolver;
};

Resolver::Resolver(asio::io_context& io, DeadlineQueue& deadlines, const Clock& clock, NameLookUps& look_ups)
    : io_(io), clock_(clock), deadlines_(deadlines), look_ups_(look_ups), inbox_(std::make_shared<Inbox>()) {
  inbox_->resolver = this;
}

Resolver::~Resolver() {
  const std::lock_guard lock(inbox_->mutex);
  inbox_->resolver = nullptr;
}

bool Resolver::Know(const std::string& host, uint16_t port, Resolved& resolved, Entry*& entry) {
  if (entries_.size() >= kMaxEntries && !entries_.contains(host)) Forget();
  std::unique_ptr<Entry>& place = entries_[host];
  if (place == nullptr) place = std::make_unique<Entry>();
  entry = place.get();
  const MonoTime now = clock_.Read().mono;
  const absl::Duration age = entry->addresses.empty() ? absl::InfiniteDuration() : now - entry->found_at;
  const bool failed_lately = !entry->error.empty() && now < entry->failed_at + kErrorTimeToLive;
  if (age >= kTimeToLive && !failed_lately) LookUp(host, *entry);
  if (age >= kServeStale && !failed_lately) return false;
  entry->Give(host, port, age < kKeep, resolved);
  return true;
}

void Resolver::LookUp(const std::string& host, Entry& entry) {
  if (entry.under_way) return;
  entry.under_way.emplace(io_.get_executor());
  look_ups_.Start(host, [inbox = inbox_, host](const NameAnswer& answer) {
    const std::lock_guard lock(inbox->mutex);
    if (inbox->resolver == nullptr) return;
    asio::post(inbox->resolver->io_, [inbox, host, answer] {
      // The destructor runs on no other thread than this loop's, or after it.
      if (inbox->resolver != nullptr) inbox->resolver->OnAnswer(host, answer);
    });
  });
}

void Resolver::OnAnswer(const std::string& host, const NameAnswer& answer) {
  Entry& entry = *entries_.find(host)->second;
  const MonoTime now = clock_.Read().mono;
  entry.under_way.reset();
  entry.error = answer.error;
  if (answer.error.empty()) {
    entry.addresses = answer.addresses;
    entry.found_at = now;
  } else {
    entry.failed_at = now;
  }
  const bool stale = !entry.addresses.empty() && now - entry.found_at < kKeep;
  while (!entry.waiting.empty()) {
    Resolve& waiting = entry.waiting.front();
    entry.Give(host, waiting.port_, stale, waiting.resolved_);
    waiting.Wake();
  }
}

// Names come from the configuration, so there are few; those of past configurations go.
void Resolver::Forget() {
  absl::erase_if(entries_, [](const auto& entry) { return !entry.second->under_way; });
}

Resolve::Resolve(Resolver& resolver, std::string host, uint16_t port, MonoTime until)
    : resolver_(resolver), host_(std::move(host)), port_(port), until_(until) {}

bool Resolve::await_ready() {
  error_code not_an_address;
  const auto address = asio::ip::make_address(host_, not_an_address);
  if (not_an_address) return resolver_.Know(host_, port_, resolved_, entry_);
  resolved_.addresses.emplace_back(address, port_);
  return true;
}

void Resolve::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  entry_->waiting.push_back(*this);
  resolver_.deadlines_.Set(*this, until_);
}

void Resolve::Cancel() {
  if (!handle_) return;
  resolved_.error = "the look-up was given up";
  Wake();
}

void Resolve::OnDeadline() {
  resolved_.timed_out = true;
  resolved_.error = absl::StrCat("\"", host_, "\" was not resolved in time");
  Wake();
}

void Resolve::Wake() {
  WaitsForName::unlink();
  ClearDeadline();
  asio::post(resolver_.io_, [handle = std::exchange(handle_, nullptr)] { handle.resume(); });
}

}  // namespace chain429
