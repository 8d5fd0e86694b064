#include "tests/dst/workload.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace chain429::dst {
namespace {

// From the standard normal distribution.
double Normal(Random& random) {
  return std::sqrt(-2 * std::log1p(-random.Uniform())) * std::cos(2 * M_PI * random.Uniform());
}

}  // namespace

Workload::Workload(Fleet& fleet, Options options, MonoTime end)
    : fleet_(fleet), options_(std::move(options)), end_(end), random_(fleet.world().Fork()) {}

void Workload::Next() {
  const absl::Duration gap = Gap(random_, absl::Minutes(1) / options_.per_minute);
  if (fleet_.world().now() + gap >= end_) return;
  fleet_.world().In(gap, [this] {
    const ClientRequest request = options_.shape(random_);
    wishes_.push_back({fleet_.world().now(), request});
    Send(request, options_.retries);
    Next();
  });
}

void Workload::Send(const ClientRequest& request, int retries) {
  Proxy& proxy = fleet_.proxy(random_.Below(fleet_.size()));
  proxy.Ask(request, [this, request, retries](int status, absl::Duration retry_after) {
    if (status == 200) {
      ++answered_;
    } else if (status == 429) {
      ++exhausted_;
      if (retries <= 0) return;
      const absl::Duration whole = absl::Ceil(retry_after, absl::Seconds(1));
      fleet_.world().In(whole + Between(random_, absl::ZeroDuration(), absl::Seconds(1)), [this, request, retries] {
        if (fleet_.world().now() < end_) Send(request, retries - 1);
      });
    } else {
      ++other_;
    }
  });
}

std::function<ClientRequest(Random&)> SmallRequests(const std::string& chain) {
  return [chain](Random& random) {
    ClientRequest request;
    request.chain = chain;
    request.prompt_tokens = 20 + static_cast<int64_t>(random.Below(300));
    request.body_bytes = static_cast<int64_t>(static_cast<double>(request.prompt_tokens) * (3 + 2 * random.Uniform()));
    request.output_tokens = 10 + static_cast<int64_t>(random.Below(100));
    request.stream = random.Below(2) == 0;
    request.first_content = Between(random, absl::Milliseconds(100), absl::Milliseconds(600));
    request.duration = request.first_content + Between(random, absl::ZeroDuration(), absl::Seconds(3));
    return request;
  };
}

std::function<ClientRequest(Random&)> HeavyTail(const std::string& chain, int64_t median, int64_t most) {
  return [chain, median, most](Random& random) {
    ClientRequest request;
    request.chain = chain;
    request.prompt_tokens = 50 + static_cast<int64_t>(random.Below(400));
    request.body_bytes = static_cast<int64_t>(static_cast<double>(request.prompt_tokens) * (3.5 + random.Uniform()));
    request.max_output = most;
    const double output = static_cast<double>(median) * std::exp(1.3 * Normal(random));
    request.output_tokens = std::clamp<int64_t>(static_cast<int64_t>(output), 1, most);
    request.stream = true;
    request.first_content = Between(random, absl::Milliseconds(100), absl::Milliseconds(600));
    request.duration = request.first_content + absl::Milliseconds(10) * request.output_tokens;
    return request;
  };
}

}  // namespace chain429::dst
