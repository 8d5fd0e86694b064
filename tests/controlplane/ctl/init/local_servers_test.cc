#include "controlplane/ctl/init/local_servers.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/io/http_server.h"
#include "common/io/loop.h"

namespace chain429 {
namespace {

using Strings = std::vector<std::string>;

TEST(ReadModelList, TakesTheFirstFewThatCanChat) {
  EXPECT_EQ(ReadModelList(R"({"object":"list","data":[{"id":"nomic-embed-text"},{"id":"a"},{"id":"b:latest"},
                              {"id":"c","owned_by":"library"},{"id":"d"}]})"),
            (Strings{"a", "b:latest", "c"}));
}

TEST(ReadModelList, LeavesOutWhatNoConfigurationCouldName) {
  EXPECT_EQ(ReadModelList(R"({"data":[{"id":""},{"id":" a"},{"id":"b\n"},{"id":7},{},7,{"id":"ü"},{"id":"good"}]})"),
            Strings{"good"});
  EXPECT_EQ(ReadModelList(absl::StrCat(R"({"data":[{"id":")", std::string(257, 'a'), R"("}]})")), Strings());
}

TEST(ReadModelList, AnythingElseIsNoModelServer) {
  for (const std::string body :
       {"", "hello", "[]", "{}", R"({"data":{}})", R"({"data":[]})", R"({"models":[{"id":"a"}]})"})
    EXPECT_EQ(ReadModelList(body), Strings()) << body;
}

TEST(ReadModelList, AGatewayOfThisKindWouldBeCalledInACircle) {
  EXPECT_EQ(ReadModelList(R"({"data":[{"id":"m","owned_by":"groq"},{"id":"auto","owned_by":"429chain"}]})"), Strings());
}

// A server that gives one answer to everything.
class LocalServersTest : public testing::Test {
 public:
  ~LocalServersTest() override {
    loop_.Run([&] { server_.reset(); });
  }

 protected:
  LocalServersTest() {
    loop_.Run([&] {
      HttpServerOptions options;
      options.listen = {"127.0.0.1", 0};
      server_ =
          *HttpServer::Listen(loop_.context(), options, HttpServer::AsyncHandler([this](auto request, auto reply) {
                                path_ = request.path;
                                if (status_ == 0) {
                                  held_.push_back(std::move(reply));
                                } else {
                                  reply(TextResponse(body_, status_));
                                }
                              }));
    });
  }

  std::vector<LocalServer> Find(absl::Duration timeout) {
    catalogue_ = *Catalogue::Parse(
        {{"a", absl::StrCat("kind: acme\ntitle: Acme\nbase_url: http://", server_->address().ToString(),
                            "/v1\nsetup: {plan: local}\n")},
         {"b", "kind: nobody\nbase_url: http://127.0.0.1:1/v1\nsetup: {plan: local}\n"},
         {"c", absl::StrCat("kind: other\nbase_url: http://", server_->address().ToString(), "/v1\n")}});
    return FindLocalServers(catalogue_, timeout);
  }

  Loop loop_{"local"};
  std::unique_ptr<HttpServer> server_;
  Catalogue catalogue_;
  std::vector<HttpServer::Reply> held_;
  std::string path_;
  std::string body_ = R"({"data":[{"id":"llama3.2:latest"}]})";
  int status_ = 200;  // 0: no answer
};

TEST_F(LocalServersTest, FindsWhoAnswersWithModels) {
  const std::vector<LocalServer> found = Find(absl::Seconds(20));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].entry->kind, "acme");
  EXPECT_EQ(found[0].base_url, absl::StrCat("http://", server_->address().ToString(), "/v1"));
  EXPECT_EQ(found[0].models, Strings{"llama3.2:latest"});
  EXPECT_EQ(path_, "/v1/models");
}

TEST_F(LocalServersTest, AnErrorOrARubbishAnswerIsNoServer) {
  status_ = 401;
  EXPECT_TRUE(Find(absl::Seconds(20)).empty());
  status_ = 200;
  body_ = "<html>It works!</html>";
  EXPECT_TRUE(Find(absl::Seconds(20)).empty());
}

TEST_F(LocalServersTest, WhoDoesNotAnswerIsNotWaitedFor) {
  status_ = 0;
  EXPECT_TRUE(Find(absl::Milliseconds(50)).empty());
}

TEST(LocalKinds, AreThreeWellKnownServers) {
  const Catalogue catalogue = *Catalogue::Builtin();
  Strings urls;
  for (const CatalogueEntry* entry : LocalKinds(catalogue)) urls.push_back(entry->base_url);
  EXPECT_EQ(urls, (Strings{"http://127.0.0.1:8080/v1", "http://127.0.0.1:11434/v1", "http://127.0.0.1:8000/v1"}));
}

}  // namespace
}  // namespace chain429
