#include "dataplane/request/session.h"

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "common/http/chunk_scan.h"
#include "common/http/target.h"
#include "common/io/address.h"
#include "common/io/tls_server.h"
#include "dataplane/http/response.h"
#include "dataplane/request/capacity.h"
#include "dataplane/request/chat.h"
#include "dataplane/request/client_auth.h"
#include "dataplane/request/models.h"

namespace chain429 {
namespace {

constexpr absl::Duration kHeadTime = absl::Seconds(15);     // from a request's first byte to its head's end
constexpr absl::Duration kIdleTime = absl::Seconds(75);     // between requests
constexpr absl::Duration kBodyTime = absl::Seconds(60);     // between two pieces of a body
constexpr absl::Duration kWriteTime = absl::Seconds(60);    // between two pieces of an answer that the client takes
// A body may come slowly, but not so slowly that its connection is held for hours: after kBodyTime this many bytes a
// second are expected on average.
constexpr size_t kBodyRate = 1024;
constexpr absl::Duration kLingerTime = absl::Seconds(1);
constexpr size_t kLingerBytes = 256 * 1024;
constexpr size_t kWatchRoom = 256;  // space behind a request for the read that notices the client's leaving
constexpr size_t kPipelineLimit = 64 * 1024;
constexpr std::string_view kModels = "/v1/models";
constexpr std::string_view kChains = "/v1/chains/";
constexpr std::string_view kCapacity = "/capacity";

// "192.0.2.7:41234".
std::string PeerOf(const Socket& socket) {
  boost::system::error_code gone;
  const boost::asio::ip::tcp::endpoint peer = socket.remote_endpoint(gone);
  if (gone) return "";
  return SocketAddress{peer.address().to_string(), peer.port()}.ToString();
}

}  // namespace

void Session::Start(WorkerContext& worker, Socket socket, List& sessions, std::function<void()> ended) {
  std::unique_ptr<Session> session(new Session(worker, std::move(socket), std::move(ended)));
  sessions.push_back(*session);
  Run(std::move(session));
}

Session::Session(WorkerContext& worker, Socket socket, std::function<void()> ended)
    : worker_(worker),
      ended_(std::move(ended)),
      connection_(new Connection(std::move(socket))),
      client_(worker, *connection_),
      peer_(PeerOf(connection_->socket())) {
  worker_.counters.client_connections.Add();
}

Session::~Session() {
  connection_->set_watcher(nullptr);
  connection_->Abort();
  worker_.counters.client_connections.Sub();
  if (ended_) ended_();
}

Detached Session::Run(std::unique_ptr<Session> self) {
  try {
    co_await self->Serve();
  } catch (const std::exception& error) {
    // Nothing on this path throws on purpose; running out of memory must not take the other clients along.
    self->worker_.logger.Error("a request was given up", {{"error", std::string_view(error.what())}});
  }
}

void Session::OnDeadline() { connection_->Abort(); }

void Session::OnPeerEvent() {
  if (connection_->end() != IoEnd::kOpen) {
    client_.OnGone();
  } else if (connection_->input().size() < kPipelineLimit && connection_->HasRoom()) {
    connection_->StartReading();  // a pipelined request; the client's leaving is still to be noticed
  }
}

// While an answer is made no other deadline of this session stands.
void Session::OnWriteWaits() { worker_.deadlines().Set(*this, worker_.now() + kWriteTime); }

void Session::EndSoon() {
  client_.set_close(true);
  if (!busy_) connection_->Abort();
}

void Session::Abort() { connection_->Abort(); }

Task<bool> Session::Serve() {
  if (worker_.tls != nullptr) {
    const bool started = co_await StartTls();
    if (!started) co_return false;
  }
  for (;;) {
    const bool read = co_await ReadHead();
    if (!read) co_return false;
    busy_ = true;
    const bool usable = co_await Handle();
    busy_ = false;
    Note();
    connection_->set_watcher(nullptr);
    if (client_.gone() || connection_->aborted()) co_return false;
    if (!usable || client_.close() || !body_read_ || worker_.stopping) {
      co_await Linger();
      co_return false;
    }
    connection_->Consume(head_size_ + body_size_);
    connection_->Shrink();
  }
}

Task<bool> Session::StartTls() {
  worker_.deadlines().Set(*this, worker_.now() + kHeadTime);
  SSL* ssl = worker_.tls->NewSession(connection_->socket().native_handle());
  if (ssl == nullptr) co_return false;
  Task<TlsStart> accepting = connection_->AcceptTls(ssl);
  const TlsStart start = co_await accepting;
  if (start == TlsStart::kDone) co_return true;
  worker_.counters.tls_handshakes_failed.Add();
  if (start == TlsStart::kPlainHttp) {
    Task<bool> refusing = RefuseHead(400, "this port speaks TLS, use https://");
    co_await refusing;
  }
  co_return false;
}

Task<bool> Session::ReadHead() {
  head_size_ = body_size_ = 0;
  body_read_ = false;
  between_requests_ = true;
  worker_.deadlines().Set(*this, worker_.now() + kIdleTime);
  for (;;) {
    const std::string_view input = connection_->input();
    if (!input.empty()) {
      if (between_requests_) {
        between_requests_ = false;
        worker_.deadlines().Set(*this, worker_.now() + kHeadTime);
      }
      const ParseResult parsed = ParseRequestHead(input, head_);
      if (parsed.state == ParseState::kDone) {
        head_size_ = parsed.consumed;
        co_return true;
      }
      if (parsed.state == ParseState::kBad) {
        co_await RefuseHead(parsed.status, parsed.reason);
        co_return false;
      }
    } else if (worker_.stopping) {
      co_return false;
    }
    const bool more = co_await connection_->Fill();
    if (!more) co_return false;
  }
}

Task<bool> Session::RefuseHead(int status, std::string_view reason) {
  head_.Clear();
  client_.Begin(head_);
  client_.set_close(true);
  Task<bool> refusing = client_.SendError(
      status, std::string("The request cannot be read: ").append(reason).append("."), {}, "malformed_request");
  co_await refusing;
  Note();
  co_await Linger();
  co_return false;
}

void Session::Note() {
  RequestFacts& facts = client_.facts();
  // An answer that was begun and could not be written is a client that left, too.
  facts.gone = client_.gone() || connection_->aborted();
  if (!facts.chain.empty()) {
    worker_.counters.request_duration.Observe(worker_.now() - facts.started);
    const std::string_view chain = facts.in_chain ? std::string_view(facts.chain) : ChainTable::kDirect;
    worker_.counters.chains.For(chain).requests[WorkerCounters::ClassOf(facts.status)].Add();
  }
  if (!worker_.log->enabled()) return;
  worker_.log->Write(facts, client_.request_id(), peer_,
                     worker_.routes == nullptr ? nullptr : &worker_.routes->snapshot());
}

Task<bool> Session::Linger() {
  connection_->ShutdownSend();
  worker_.deadlines().Set(*this, worker_.now() + kLingerTime);
  size_t seen = connection_->input().size();
  while (seen < kLingerBytes) {
    connection_->Consume(connection_->input().size());
    const bool more = co_await connection_->Fill();
    if (!more) break;
    seen += connection_->input().size();
  }
  co_return true;
}

Task<bool> Session::Handle() {
  client_.Begin(head_);
  const std::string_view path = head_.target.substr(0, head_.target.find('?'));
  const bool reads = head_.method == "GET" || head_.method == "HEAD";
  // What is answered without reading the body ends the connection if one was announced.
  body_read_ = !head_.chunked && head_.content_length.value_or(0) == 0;
  if (!body_read_) client_.set_close(true);
  if (!IsKnownMethod(head_.method)) {
    Task<bool> refusing = client_.SendError(
        501, std::string("The method \"").append(head_.method.substr(0, 32)).append("\" is not known here."), {},
        "unknown_method");
    const bool sent = co_await refusing;
    co_return sent;
  }
  if (head_.method == "TRACE") {
    Task<bool> refusing = WrongMethod("GET, HEAD, POST");
    const bool sent = co_await refusing;
    co_return sent;
  }
  if (path == "/health") {
    Task<bool> answering =
        reads ? client_.Send(200, "application/json", R"({"status":"ok"})") : WrongMethod("GET, HEAD");
    const bool sent = co_await answering;
    co_return sent;
  }
  const bool chat = path == "/v1/chat/completions";
  const bool models =
      path == kModels || (path.starts_with(kModels) && path.size() > kModels.size() + 1 && path[kModels.size()] == '/');
  const bool capacity =
      path.size() > kChains.size() + kCapacity.size() && path.starts_with(kChains) && path.ends_with(kCapacity);
  if (!chat && !models && !capacity) {
    Task<bool> refusing = client_.SendError(404,
                                            std::string("There is nothing at ")
                                                .append(path.substr(0, 200))
                                                .append("; the API is POST /v1/chat/completions, GET /v1/models and "
                                                        "GET /v1/chains/NAME/capacity."),
                                            {}, "not_found");
    const bool sent = co_await refusing;
    co_return sent;
  }
  if (chat ? head_.method != "POST" : !reads) {
    Task<bool> refusing = WrongMethod(chat ? "POST" : "GET, HEAD");
    const bool sent = co_await refusing;
    co_return sent;
  }
  std::shared_ptr<RouteTable> routes = worker_.routes;
  if (routes == nullptr) {
    Task<bool> refusing =
        client_.SendError(503, "The proxy has no configuration yet: it is waiting for its control plane.", {},
                          "not_ready", "retry-after: 1\r\n");
    const bool sent = co_await refusing;
    co_return sent;
  }
  const std::string_view shown = head_.Find("authorization");
  const AuthResult auth = Authenticate(routes->snapshot(), shown);
  if (auth.key != nullptr) client_.facts().client_key.assign(auth.key->name);
  if (!auth.allowed) {
    Task<bool> refusing =
        client_.SendError(401,
                          shown.empty() ? "No API key was given: send it as \"Authorization: Bearer KEY\"."
                                        : "The API key is not known here.",
                          {}, "invalid_api_key", "www-authenticate: Bearer\r\n");
    const bool sent = co_await refusing;
    co_return sent;
  }
  if (!chat) {
    Task<bool> answering = models ? Models(auth.key, *routes, path) : Capacity(auth.key, *routes, path);
    const bool sent = co_await answering;
    co_return sent;
  }
  Task<bool> answering = Chat(auth.key, std::move(routes));
  const bool sent = co_await answering;
  co_return sent;
}

Task<bool> Session::WrongMethod(std::string_view allow) {
  Task<bool> refusing =
      client_.SendError(405,
                        std::string("The method ")
                            .append(head_.method)
                            .append(" is not allowed here; allowed: ")
                            .append(allow)
                            .append("."),
                        {}, "method_not_allowed", std::string("allow: ").append(allow).append("\r\n"));
  const bool sent = co_await refusing;
  co_return sent;
}

Task<bool> Session::Models(const ClientKey* key, const RouteTable& routes, std::string_view path) {
  std::string body;
  if (path == kModels) {
    body = ModelList(routes.snapshot(), key);
  } else {
    const std::string_view asked = path.substr(kModels.size() + 1);
    const std::string id = PercentDecode(asked).value_or(std::string(asked));
    body = ModelObject(routes.snapshot(), key, id);
    if (body.empty()) {
      Task<bool> refusing =
          client_.SendError(404, UnknownModelMessage(routes.snapshot(), key, id), "model", "model_not_found");
      const bool sent = co_await refusing;
      co_return sent;
    }
  }
  Task<bool> answering = client_.Send(200, "application/json", std::move(body));
  const bool sent = co_await answering;
  co_return sent;
}

Task<bool> Session::Capacity(const ClientKey* key, RouteTable& routes, std::string_view path) {
  const std::string_view asked = path.substr(kChains.size(), path.size() - kChains.size() - kCapacity.size());
  const std::string name = PercentDecode(asked).value_or(std::string(asked));
  const Snapshot& snapshot = routes.snapshot();
  const bool known = snapshot.chain_by_name.contains(name);
  const std::shared_ptr<const ResolvedChain> chain = known ? routes.Resolve(name) : nullptr;
  const bool allowed = known && MayUse(key, chain->name);
  Task<bool> answering =
      allowed ? client_.Send(200, "application/json", CapacityJson(worker_.desk, snapshot, *chain, worker_.now()))
              : client_.SendError(known ? 403 : 404, UnknownChainMessage(snapshot, key, name), {},
                                  known ? "chain_not_allowed" : "chain_not_found");
  const bool sent = co_await answering;
  co_return sent;
}

Task<bool> Session::Chat(const ClientKey* key, std::shared_ptr<RouteTable> routes) {
  const Body body = co_await ReadBody();
  if (body != Body::kRead) co_return false;
  ClearDeadline();
  // From here on a read is always under way, for the client may leave.
  connection_->set_watcher(this);
  connection_->StartReading();
  if (connection_->end() != IoEnd::kOpen) {
    client_.OnGone();
    co_return false;
  }
  worker_.counters.requests_open.Add();
  Task<bool> answering =
      AnswerChat(worker_, client_, head_, connection_->input().substr(head_size_, body_size_), key, std::move(routes));
  const bool answered = co_await answering;
  worker_.counters.requests_open.Sub();
  if (client_.gone()) {
    worker_.counters.clients_gone.Add();
    if (!client_.started()) worker_.counters.CountAnswer(0);
  }
  co_return answered;
}

// The body stays where it was read, behind its head.
Task<Session::Body> Session::ReadBody() {
  // Of a pipelined request the head may have come while the last one was answered, and then a read is still under way
  // into memory that is moved and rewritten here.
  co_await connection_->PauseReading();
  const std::optional<uint64_t> length =
      head_.chunked ? std::nullopt : std::optional<uint64_t>(head_.content_length.value_or(0));
  const bool announced_too_large = length.value_or(0) > worker_.max_body_bytes;
  if (!announced_too_large && head_.expect_continue && connection_->input().size() == head_size_) {
    auto write = connection_->Write(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
    const bool sent = co_await write;
    if (!sent) co_return Body::kLost;
  }
  if (!announced_too_large) connection_->Reserve(head_size_ + length.value_or(0) + kWatchRoom);
  ChunkScan chunks;
  bool done = false;
  bool bad = false;
  const MonoTime began = worker_.now();
  while (!announced_too_large) {
    const size_t raw_at = head_size_ + body_size_;
    const size_t raw = connection_->input().size() - raw_at;
    if (length) {
      body_size_ = std::min<size_t>(*length, body_size_ + raw);
      done = body_size_ == *length;
    } else {
      char* data = connection_->input_data() + raw_at;
      const ChunkScan::Step step = chunks.Feed(data, raw, data);
      connection_->Cut(raw_at + step.payload, raw_at + step.consumed);
      body_size_ += step.payload;
      done = step.state == ChunkScan::State::kDone;
      bad = step.state == ChunkScan::State::kBad;
    }
    if (done || bad || body_size_ > worker_.max_body_bytes) break;
    const MonoTime latest = began + kBodyTime + absl::Seconds(1) * static_cast<int64_t>(body_size_ / kBodyRate);
    worker_.deadlines().Set(*this, std::min(latest, worker_.now() + kBodyTime));
    const bool more = co_await connection_->Fill();
    if (!more) co_return Body::kLost;
  }
  if (!done || body_size_ > worker_.max_body_bytes) {
    client_.set_close(true);
    body_read_ = false;
    Task<bool> refusing =
        bad ? client_.SendError(400, "The request's chunked body cannot be read.", {}, "malformed_request")
            : client_.SendError(413,
                                absl::StrCat("The request body is larger than ", worker_.max_body_bytes, " bytes."), {},
                                "body_too_large");
    co_await refusing;
    co_return Body::kRefused;
  }
  body_read_ = true;
  client_.set_close(!head_.KeepsAlive() || worker_.draining || worker_.stopping);
  if (!connection_->HasRoom()) connection_->Reserve(connection_->input().size() + kWatchRoom);
  // The buffer may have moved while it grew: the head's views must point into it anew.
  ParseRequestHead(connection_->input(), head_);
  co_return Body::kRead;
}

}  // namespace chain429
