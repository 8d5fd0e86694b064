#include "controlplane/ctl/up/traffic.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/io/http_client.h"

namespace chain429 {
namespace {

constexpr std::chrono::seconds kPace(2);

}  // namespace

DemoTraffic::DemoTraffic(SocketAddress api, std::string chain, std::function<void(std::string)> tell)
    : api_(std::move(api)), chain_(std::move(chain)), tell_(std::move(tell)), thread_([this] { Run(); }) {}

DemoTraffic::~DemoTraffic() {
  Stop();
  thread_.join();
}

void DemoTraffic::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

void DemoTraffic::Run() {
  TrafficStory story;
  std::unique_lock<std::mutex> lock(mutex_);
  for (int64_t number = 0; !stopping_; ++number) {
    lock.unlock();
    const TrafficResult result = Ask(number);
    lock.lock();
    // What fails because everything is being stopped is no news.
    if (stopping_) break;
    if (const auto line = story.Tell(result)) tell_(*line);
    wake_.wait_for(lock, kPace, [this] { return stopping_; });
  }
  tell_(story.Summary());
}

TrafficResult DemoTraffic::Ask(int64_t number) const {
  HttpCall call;
  call.address = api_;
  call.method = "POST";
  call.target = "/v1/chat/completions";
  call.headers = {{"content-type", "application/json"}};
  call.body = absl::StrCat(R"({"model":")", chain_, R"(","stream":)", number % 2 == 1 ? "true" : "false",
                           R"(,"max_tokens":64,"messages":[{"role":"user","content":"Tell me something, number )",
                           number, R"("}]})");
  call.timeout = absl::Seconds(30);
  const auto response = CallHttp(call);
  TrafficResult result;
  if (!response.ok()) {
    result.error = std::string(response.status().message());
    return result;
  }
  result.status = response->status;
  for (const HttpField& field : response->headers) {
    if (field.name == "x-429chain-target") result.target = field.value;
    if (field.name == "x-429chain-trail") result.trail = field.value;
  }
  return result;
}

}  // namespace chain429
