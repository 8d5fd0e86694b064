// The simulator on real sockets.
#include <thread>

#include "boost/asio/read.hpp"
#include "boost/asio/read_until.hpp"
#include "boost/asio/write.hpp"
#include "gtest/gtest.h"
#include "tests/sim/port.h"

namespace chain429::sim {
namespace {

namespace asio = boost::asio;

// A client that does exactly what it is told.
class Client {
 public:
  explicit Client(const std::string& address) : socket_(io_) {
    size_t colon = address.rfind(':');
    socket_.connect({asio::ip::make_address(address.substr(0, colon)),
                     static_cast<uint16_t>(std::stoi(address.substr(colon + 1)))});
  }

  void Send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }

  std::string ReadUntil(const std::string& end) {
    boost::system::error_code error;
    size_t size = asio::read_until(socket_, asio::dynamic_buffer(received_), end, error);
    if (error) size = received_.size();
    std::string text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  // Everything until the server closes; `error` says how it did.
  std::string ReadToEnd(boost::system::error_code* error) {
    asio::read(socket_, asio::dynamic_buffer(received_), *error);
    return std::move(received_);
  }

  // One whole answer with a content-length.
  std::string ReadAnswer() {
    std::string head = ReadUntil("\r\n\r\n");
    size_t at = head.find("content-length: ");
    if (at == std::string::npos) return head;
    size_t size = std::stoul(head.substr(at + 16));
    if (received_.size() < size) {
      asio::read(socket_, asio::dynamic_buffer(received_), asio::transfer_exactly(size - received_.size()));
    }
    std::string body = received_.substr(0, size);
    received_.erase(0, size);
    return head + body;
  }

  std::string Ask(const std::string& method, const std::string& target, const std::string& body = "") {
    Send(method + " " + target + " HTTP/1.1\r\nhost: sim\r\ncontent-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body);
    return ReadAnswer();
  }

  Json AskJson(const std::string& method, const std::string& target, const std::string& body = "") {
    std::string answer = Ask(method, target, body);
    return Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  void Close() { socket_.close(); }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  std::string received_;
};

class SimServer : public testing::Test {
 protected:
  void Begin(const std::string& yaml) {
    absl::StatusOr<Document> document = ParseYaml("providers: [" + yaml + "]", "test");
    ASSERT_TRUE(document.ok()) << document.status();
    absl::StatusOr<Scenario> scenario = ReadScenario(*document);
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    for (const ProviderSpec& spec : scenario->providers) {
      providers_.push_back(std::make_unique<Provider>(spec, 1, clock_.start()));
    }
    ASSERT_TRUE(port_.Listen("127.0.0.1:0").ok());
    for (const auto& provider : providers_) {
      port_.Add(providers_.size() == 1 ? "" : "/" + provider->spec().name, provider.get());
    }
    port_.Serve();
    address_ = port_.address();
    thread_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Client Connect() const { return Client(address_); }

  asio::io_context io_{1};
  SimClock clock_;
  std::vector<std::unique_ptr<Provider>> providers_;
  Port port_{io_, clock_};
  std::string address_;
  std::thread thread_;
};

constexpr char kChat[] = "/v1/chat/completions";
constexpr char kPlain[] = R"({"model":"m"})";
constexpr char kStream[] = R"({"model":"m","stream":true})";

TEST_F(SimServer, KeepsConnectionsAndLogsWhatCame) {
  Begin("{name: p, style: groq, limits: {rpm: 2}}");
  Client client = Connect();
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 429"));
  Json log = client.AskJson("GET", "/__sim/log?bodies=1");
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[1]["verdict"], "ok");
  EXPECT_EQ(log[1]["reused"], true);
  EXPECT_EQ(log[1]["body"], "eyJtb2RlbCI6Im0ifQ==");
  EXPECT_TRUE(log[1]["head"].get<std::string>().starts_with("POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\n"));
  EXPECT_EQ(log[2]["verdict"], "rate_limited");
  EXPECT_EQ(log[2]["limit"], "rpm");
  EXPECT_EQ(log[2]["status"], 429);
  EXPECT_EQ(client.AskJson("GET", "/__sim/log?since=2").size(), 1u);
  Json stats = client.AskJson("GET", "/__sim/stats");
  EXPECT_EQ(stats["verdicts"]["ok"], 2);
  EXPECT_EQ(stats["accounts"][""][0]["windows"][0]["max_used"], 2);
}

TEST_F(SimServer, TakesChunkedBodiesAndExpect) {
  Begin("{name: p, answer: {content: sha256}}");
  Client client = Connect();
  client.Send(
      "POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("6\r\n{\"mode\r\n");
  client.Send("7\r\nl\":\"x\"}\r\n0\r\n\r\n");
  EXPECT_NE(client.ReadAnswer().find("78b0e11c6754fc9671c2034f4a068d3a0e53c1c22a5a33900dd46bc8cd9136f3"),
            std::string::npos);
}

TEST_F(SimServer, RefusesWrongKeysModelsAndPaths) {
  Begin("{name: p, keys: [sk-right], models: [m]}");
  Client client = Connect();
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 401"));
  std::string authorized =
      std::string("/v1/chat/completions HTTP/1.1\r\nauthorization: Bearer sk-right\r\nhost: sim\r\n");
  client.Send("POST " + authorized + "content-length: 13\r\n\r\n{\"model\":\"n\"}");
  EXPECT_NE(client.ReadAnswer().find("model_not_found"), std::string::npos);
  client.Send("POST " + authorized + "content-length: 13\r\n\r\n" + kPlain);
  EXPECT_TRUE(client.ReadAnswer().starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.Ask("GET", "/nowhere").starts_with("HTTP/1.1 404"));
  Json log = client.AskJson("GET", "/__sim/log");
  EXPECT_EQ(log[0]["verdict"], "unauthorized");
  EXPECT_EQ(log[1]["verdict"], "model_not_found");
  EXPECT_EQ(log[2]["key"], "ight");
  EXPECT_EQ(log[3]["verdict"], "not_found");
}

TEST_F(SimServer, SeesAClientGoInMidStream) {
  Begin("{name: p, faults: [{fault: stall, after_chunks: 2}]}");
  Client client = Connect();
  client.Send(std::string("POST ") + kChat + " HTTP/1.1\r\nhost: sim\r\ncontent-length: 27\r\n\r\n" + kStream);
  client.ReadUntil("\r\n\r\n");
  // The role's event and two with content: going before they have come would be a race with their sending.
  for (int event = 0; event < 3; ++event) client.ReadUntil("\n\n");
  client.Close();
  Client control = Connect();
  Json log = control.AskJson("GET", "/__sim/log?wait=30&finished=1");
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0]["disconnected"], true);
  EXPECT_EQ(log[0]["chunks_sent"], 2);
  EXPECT_EQ(control.AskJson("GET", "/__sim/stats")["open_streams"], 0);
}

TEST_F(SimServer, AStallEndsWhenReleased) {
  Begin("{name: p, faults: [{fault: stall, at: content}]}");
  Client client = Connect();
  client.Send(std::string("POST ") + kChat + " HTTP/1.1\r\nhost: sim\r\ncontent-length: 27\r\n\r\n" + kStream);
  client.ReadUntil("\r\n\r\n");
  Client control = Connect();
  control.Ask("GET", "/__sim/log?wait=30");
  // The role chunk is on its way when the stall begins.
  client.ReadUntil("assistant");
  Json released = {{"released", 0}};
  while (released["released"] == 0) released = control.AskJson("POST", "/__sim/release");
  EXPECT_TRUE(client.ReadUntil("0\r\n\r\n").ends_with("[DONE]\n\n\r\n0\r\n\r\n"));
}

TEST_F(SimServer, ResetsAndCloses) {
  Begin("{name: p, faults: [{fault: reset, next: 1}, {fault: close, next: 1}]}");
  for (boost::system::error_code expected :
       {boost::system::error_code(asio::error::connection_reset), boost::system::error_code(asio::error::eof)}) {
    Client client = Connect();
    client.Send(std::string("POST ") + kChat + " HTTP/1.1\r\nhost: sim\r\ncontent-length: 13\r\n\r\n" + kPlain);
    boost::system::error_code error;
    EXPECT_EQ(client.ReadToEnd(&error), "");
    EXPECT_EQ(error, expected);
  }
  Client client = Connect();
  Json log = client.AskJson("GET", "/__sim/log?wait=30&count=2&finished=1");
  EXPECT_EQ(log[0]["verdict"], "fault:reset");
  EXPECT_EQ(log[0]["status"], nullptr);
  EXPECT_EQ(log[1]["verdict"], "fault:close");
}

TEST_F(SimServer, IsChangedWhileItRuns) {
  Begin("{name: p}");
  Client client = Connect();
  EXPECT_TRUE(
      client.Ask("POST", "/__sim/faults", R"({"fault":"status","status":503,"next":1})").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 200"));
  client.Ask("POST", "/__sim/limits", R"({"rpm":2})");
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 429"));
  client.Ask("POST", "/__sim/answer", R"({"text":"hello"})");
  client.Ask("POST", "/__sim/provider", R"({"keys":["k"]})");
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 401"));
  EXPECT_NE(client.Ask("POST", "/__sim/faults", R"({"fault":"stats"})").find("must be one of"), std::string::npos);
  client.Ask("POST", "/__sim/reset");
  EXPECT_TRUE(client.Ask("POST", kChat, kPlain).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(client.AskJson("GET", "/__sim/log").size(), 1u);
}

TEST_F(SimServer, LiesAboutItsLimits) {
  Begin("{name: p, limits: {rpm: 5}, faults: [{fault: lie, remaining: 77, reset: 9s}]}");
  Client client = Connect();
  std::string answer = client.Ask("POST", kChat, kPlain);
  EXPECT_NE(answer.find("x-ratelimit-remaining-requests: 77\r\nx-ratelimit-reset-requests: 9s\r\n"), std::string::npos);
}

TEST_F(SimServer, A429CanComeWithoutAFullLimit) {
  Begin("{name: p, style: groq, faults: [{fault: rate_limit, limits: [tpm], retry_after: 7s}]}");
  Client client = Connect();
  std::string answer = client.Ask("POST", kChat, kPlain);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 429")) << answer;
  EXPECT_NE(answer.find("retry-after: 7\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("on tokens per minute (TPM)"), std::string::npos) << answer;
}

TEST_F(SimServer, SeveralProvidersShareAPort) {
  Begin("{name: a, limits: {rpm: 1}}, {name: b}");
  Client client = Connect();
  EXPECT_TRUE(client.Ask("POST", "/a/v1/chat/completions", kPlain).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(client.Ask("POST", "/a/v1/chat/completions", kPlain).starts_with("HTTP/1.1 429"));
  EXPECT_TRUE(client.Ask("POST", "/b/v1/chat/completions", kPlain).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(client.AskJson("GET", "/b/__sim/log").size(), 1u);
}

TEST_F(SimServer, AnswersWhatIsNoHttpWith400) {
  Begin("{name: p}");
  Client client = Connect();
  client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_TRUE(client.ReadAnswer().starts_with("HTTP/1.1 400"));
}

}  // namespace
}  // namespace chain429::sim
