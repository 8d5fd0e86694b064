// What the proxy reads of a request and of its answer: head, body, framing, events.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "common/http/chunk_scan.h"
#include "common/http/head.h"
#include "dataplane/http/answer_scan.h"
#include "dataplane/http/body_scan.h"
#include "dataplane/http/sse_scan.h"

namespace chain429 {
namespace {

constexpr std::string_view kEvent =
    "data: "
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"m\",\"choices\":[{"
    "\"index\":0,"
    "\"delta\":{\"content\":\" proxies\"},\"finish_reason\":null}]}\n\n";

// A chat request of about `size` bytes whose text has an escape every few dozen bytes, as prompts do.
std::string ChatBody(size_t size) {
  std::string body =
      R"({"model":"coding","stream":true,"temperature":0.7,"max_tokens":256,"messages":[{"role":"user","content":")";
  while (body.size() + 80 < size)
    body.append(R"(Explain, with \"quotes\", café and a newline\n, why proxies should stream. )");
  return body.append("\"}]}");
}

void BM_RequestHead(benchmark::State& state) {
  const std::string text =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4290\r\nAuthorization: Bearer "
      "sk-0123456789abcdef\r\nAccept: */*\r\n"
      "Content-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\nX-Stainless-Lang: "
      "python\r\nContent-Length: 1024\r\n\r\n";
  RequestHead head;
  for (auto _ : state) benchmark::DoNotOptimize(ParseRequestHead(text, head));
}
BENCHMARK(BM_RequestHead);

void BM_BodyScan(benchmark::State& state) {
  std::string body = ChatBody(static_cast<size_t>(state.range(0)));
  const size_t size = body.size();
  body.resize(size + kScanPadding);
  BodyScanner scanner;
  BodyScan scan;
  for (auto _ : state) {
    const BodyError error = scanner.Scan(std::string_view(body).substr(0, size), scan);
    if (!error.ok()) std::abort();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}
BENCHMARK(BM_BodyScan)->Arg(1024)->Arg(65536);

void BM_StreamEvent(benchmark::State& state) {
  std::string payload;
  for (int i = 0; i < 64; ++i) payload.append(kEvent);
  SseScan::Event event;
  for (auto _ : state) {
    SseScan scan;
    while (scan.Next(payload, event)) benchmark::DoNotOptimize(MayMatter(event.data));
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(BM_StreamEvent);

void BM_ChunkScan(benchmark::State& state) {
  char size[8];
  std::snprintf(size, sizeof size, "%zx\r\n", kEvent.size());
  std::string raw;
  for (int i = 0; i < 64; ++i) raw.append(size).append(kEvent).append("\r\n");
  std::string out(raw.size(), '\0');
  for (auto _ : state) {
    ChunkScan scan;
    benchmark::DoNotOptimize(scan.Feed(raw.data(), raw.size(), out.data()));
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(BM_ChunkScan);

}  // namespace
}  // namespace chain429
