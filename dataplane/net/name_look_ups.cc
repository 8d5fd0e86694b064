#include "dataplane/net/name_look_ups.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace chain429 {
namespace {

namespace ip = boost::asio::ip;

ip::address AddressOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes, v6.sin6_scope_id);
}

NameAnswer AskTheSystem(const std::string& name) {
  NameAnswer answer;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (failed != 0) {
    answer.error = failed == EAI_SYSTEM ? std::system_category().message(errno) : gai_strerror(failed);
    return answer;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    ip::address address = AddressOf(entry->ai_addr);
    if (std::find(answer.addresses.begin(), answer.addresses.end(), address) == answer.addresses.end())
      answer.addresses.push_back(std::move(address));
  }
  if (answer.addresses.empty()) answer.error = "it has no address";
  return answer;
}

}  // namespace

// Outlives the NameLookUps while a thread is still in getaddrinfo.
struct NameLookUps::State {
  explicit State(Function f) : function(std::move(f)) {}
  const Function function;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> queue;
  absl::flat_hash_map<std::string, std::vector<Done>> asked;  // names queued or being looked up
  size_t threads = 0;
  size_t idle = 0;
  bool stopping = false;
};

NameLookUps::NameLookUps(Function function)
    : state_(std::make_shared<State>(function ? std::move(function) : AskTheSystem)) {}

NameLookUps::~NameLookUps() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  state_->queue.clear();
  state_->asked.clear();
  state_->changed.notify_all();
}

void NameLookUps::Start(const std::string& name, Done done) {
  const std::lock_guard lock(state_->mutex);
  std::vector<Done>& waiting = state_->asked[name];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  state_->queue.push_back(name);
  if (state_->queue.size() > state_->idle && state_->threads < kMaxThreads) {
    try {
      std::thread([state = state_] { Work(state); }).detach();
      ++state_->threads;
      return;
    } catch (const std::system_error&) {
      // The system has no thread to spare: one of those that are there serves, or one is started with the next name.
    }
  }
  state_->changed.notify_one();
}

void NameLookUps::Work(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), "names");
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait(lock, [&] { return state->stopping || !state->queue.empty(); });
    --state->idle;
    if (state->stopping) return;
    const std::string name = std::move(state->queue.front());
    state->queue.pop_front();
    lock.unlock();
    const NameAnswer answer = state->function(name);
    lock.lock();
    const auto asked = state->asked.find(name);
    if (asked == state->asked.end()) continue;
    const std::vector<Done> waiting = std::move(asked->second);
    state->asked.erase(asked);
    // Under the lock, so that nobody is told after the destructor has returned.
    for (const Done& done : waiting) done(answer);
  }
}

}  // namespace chain429
