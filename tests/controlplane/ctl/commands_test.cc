#include "controlplane/ctl/commands.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/time/time.h"
#include "controlplane/ctl/text_file.h"
#include "tests/controlplane/ctl/fake_admin.h"
#include "tests/support/temporary_folder.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

int64_t Nanos(absl::Duration duration) { return absl::ToInt64Nanoseconds(duration); }

class CommandsTest : public testing::Test {
 protected:
  CommandContext Context(OutputFormat output = OutputFormat::kText) {
    out_.str("");
    err_.str("");
    CommandContext context;
    context.control = admin_.address();
    context.output = output;
    context.out = &out_;
    context.err = &err_;
    return context;
  }
  Json OutAsJson() const { return Json::parse(out_.str()); }
  bool OutHas(const std::string& text) const { return out_.str().find(text) != std::string::npos; }
  bool ErrHas(const std::string& text) const { return err_.str().find(text) != std::string::npos; }

  static constexpr char kGood[] =
      "version: 1\n"
      "providers: {mine: {kind: openai, base_url: 'http://127.0.0.1:1/v1'}}\n"
      "chains: {c: {targets: [{provider: mine, model: m}]}}\n";
  static constexpr char kBad[] =
      "version: 1\n"
      "providers: {mine: {kind: opnai, base_url: 'http://127.0.0.1:1/v1'}}\n"
      "chainz: {}\n";

  TemporaryFolder folder_;
  FakeAdmin admin_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandsTest, ValidateNeedsNoControlPlane) {
  CommandContext context = Context();
  context.control = "127.0.0.1:1";
  const std::string path = folder_.Write("good.yaml", kGood);
  EXPECT_EQ(RunValidate(context, path), kExitOk);
  EXPECT_EQ(out_.str(), path + " is valid: 1 provider, 1 chain\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CommandsTest, ValidateShowsEveryErrorWithItsPlaceAndWhatWasMeant) {
  const std::string path = folder_.Write("bad.yaml", kBad);
  EXPECT_EQ(RunValidate(Context(), path), kExitFailed);
  EXPECT_TRUE(ErrHas(path + ":2:26: error: providers.mine.kind: ")) << err_.str();
  EXPECT_TRUE(ErrHas("(did you mean \"openai\"?)")) << err_.str();
  EXPECT_TRUE(ErrHas(path + ":3:1: error: chainz: ")) << err_.str();
  EXPECT_TRUE(ErrHas("is not valid: 2 errors")) << err_.str();
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandsTest, ValidateAsJsonHasTheSameFacts) {
  EXPECT_EQ(RunValidate(Context(OutputFormat::kJson), folder_.Write("bad.yaml", kBad)), kExitFailed);
  const Json problems = OutAsJson().at("problems");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems.at(0).at("line"), 2);
  EXPECT_EQ(problems.at(0).at("column"), 26);
  EXPECT_EQ(problems.at(0).at("path"), "providers.mine.kind");
  EXPECT_EQ(problems.at(0).at("suggestion"), "openai");
  EXPECT_EQ(problems.at(0).at("warning"), false);
  EXPECT_EQ(RunValidate(Context(OutputFormat::kJson), folder_.Write("good.yaml", kGood)), kExitOk);
  EXPECT_EQ(OutAsJson().at("problems"), Json::array());
}

TEST_F(CommandsTest, AFileThatCannotBeReadIsAMistakeOnTheCommandLine) {
  EXPECT_EQ(RunValidate(Context(), folder_.File("missing.yaml")), kExitUsage);
  EXPECT_TRUE(ErrHas("error: cannot read " + folder_.File("missing.yaml")));
  EXPECT_EQ(RunApply(Context(), folder_.File("missing.yaml"), ""), kExitUsage);
}

TEST_F(CommandsTest, AMinusReadsStandardInput) {
  const int before = dup(STDIN_FILENO);
  ASSERT_NE(freopen(folder_.Write("input", kBad).c_str(), "r", stdin), nullptr);
  EXPECT_EQ(RunValidate(Context(), "-"), kExitFailed);
  dup2(before, STDIN_FILENO);
  close(before);
  EXPECT_TRUE(ErrHas("stdin:2:26: error: ")) << err_.str();
}

TEST_F(CommandsTest, ApplySendsTheTextWithItsNameAndComment) {
  admin_.apply.set_snapshot_version(42);
  const std::string path = folder_.Write("c.yaml", kGood);
  EXPECT_EQ(RunApply(Context(), path, "second account"), kExitOk);
  EXPECT_EQ(out_.str(), "applied as version 42\n");
  EXPECT_EQ(admin_.applied.name(), path);
  EXPECT_EQ(admin_.applied.text(), kGood);
  EXPECT_EQ(admin_.applied.comment(), "second account");
}

TEST_F(CommandsTest, ApplyShowsEveryReasonOfARefusal) {
  v1::ConfigProblem* problem = admin_.apply.add_problems();
  problem->set_file("c.yaml");
  problem->set_line(3);
  problem->set_column(7);
  problem->set_path("chains.c");
  problem->set_message("is wrong");
  problem->set_suggestion("right");
  admin_.apply.add_problems()->set_message("is wrong too");
  const std::string path = folder_.Write("c.yaml", kGood);
  EXPECT_EQ(RunApply(Context(), path, ""), kExitFailed);
  EXPECT_TRUE(ErrHas("c.yaml:3:7: error: chains.c: is wrong (did you mean \"right\"?)\n")) << err_.str();
  EXPECT_TRUE(ErrHas("refused whole, nothing has changed: 2 errors")) << err_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(RunApply(Context(OutputFormat::kJson), path, ""), kExitFailed);
  EXPECT_EQ(OutAsJson().at("problems").size(), 2u);
}

TEST_F(CommandsTest, AWarningRefusesNothing) {
  admin_.apply.add_problems()->set_warning(true);
  admin_.apply.mutable_problems(0)->set_message("the environment variable \"K\" is not set");
  admin_.apply.set_snapshot_version(8);
  EXPECT_EQ(RunApply(Context(), folder_.Write("c.yaml", kGood), ""), kExitOk);
  EXPECT_TRUE(ErrHas("warning: the environment variable \"K\" is not set"));
  EXPECT_TRUE(OutHas("applied as version 8"));
}

TEST_F(CommandsTest, SnapshotIsWrittenForItsOwnersEyesAlone) {
  admin_.snapshot.set_text("{\"chains\":[]}");
  admin_.snapshot.set_snapshot_version(7);
  admin_.snapshot.add_notes("credential \"main\" stays");
  EXPECT_EQ(RunSnapshot(Context(), ""), kExitOk);
  EXPECT_EQ(out_.str(), "{\"chains\":[]}");
  EXPECT_TRUE(ErrHas("note: credential \"main\" stays"));
  const TemporaryFolder folder;
  const std::string path = folder.File("b.json");
  EXPECT_EQ(RunSnapshot(Context(), path), kExitOk);
  EXPECT_EQ(out_.str(), "");
  EXPECT_TRUE(ErrHas("wrote version 7"));
  EXPECT_EQ(*ReadTextFile(path), "{\"chains\":[]}");
  struct stat about{};
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777u, 0600u);
  EXPECT_NE(RunSnapshot(Context(), folder.File("no/such/folder")), kExitOk);
}

TEST_F(CommandsTest, WithoutAConfigurationThereIsNoSnapshot) {
  EXPECT_EQ(RunSnapshot(Context(), ""), kExitFailed);
  EXPECT_EQ(out_.str(), "");
  EXPECT_TRUE(ErrHas("429ctl apply"));
}

TEST_F(CommandsTest, GetConfigPrintsTheTextAsItWasWritten) {
  admin_.get_config.set_text(kGood);
  admin_.get_config.set_name("c.yaml");
  EXPECT_EQ(RunGetConfig(Context()), kExitOk);
  EXPECT_EQ(out_.str(), kGood);
  admin_.get_config.set_text("without end");
  EXPECT_EQ(RunGetConfig(Context()), kExitOk);
  EXPECT_EQ(out_.str(), "without end\n");
  EXPECT_EQ(RunGetConfig(Context(OutputFormat::kJson)), kExitOk);
  EXPECT_EQ(OutAsJson().at("text"), "without end");
  EXPECT_EQ(OutAsJson().at("name"), "c.yaml");
}

TEST_F(CommandsTest, StatusSaysWhatServesAndWhatWasRefused) {
  admin_.get_status.set_software_version("1.2.3");
  EXPECT_EQ(RunStatus(Context()), kExitOk);
  EXPECT_TRUE(OutHas("none yet; apply one with: 429ctl apply -f FILE")) << out_.str();
  admin_.get_status.set_snapshot_version(9);
  admin_.get_status.set_config_source("c.yaml");
  admin_.get_status.set_uptime_ns(Nanos(absl::Seconds(185)));
  admin_.get_status.set_proxies(3);
  admin_.get_status.set_last_reload_error("c.yaml:2:1: error: chainz: unknown\nc.yaml:3:1: error: more\n");
  admin_.get_status.add_warnings("c.yaml:4:1: warning: \"K\" is not set");
  EXPECT_EQ(RunStatus(Context()), kExitOk);
  EXPECT_TRUE(OutHas("1.2.3 at " + admin_.address() + ", up 3 min 5 s")) << out_.str();
  EXPECT_TRUE(OutHas("version 9 from c.yaml"));
  EXPECT_TRUE(OutHas("3 attached"));
  EXPECT_TRUE(
      OutHas("refused, the configuration before it serves:\nc.yaml:2:1: error: chainz: unknown\nc.yaml:3:1: error: "
             "more\nwarning "));
  EXPECT_TRUE(OutHas("c.yaml:4:1: warning: \"K\" is not set"));
  EXPECT_EQ(RunStatus(Context(OutputFormat::kJson)), kExitOk);
  EXPECT_EQ(OutAsJson().at("proxies"), 3);
}

TEST_F(CommandsTest, ChainsAreListedWithAliasesAndTargetsInOrder) {
  v1::ChainInfo* chain = admin_.get_status.add_chains();
  chain->set_name("coding");
  chain->add_aliases("gpt-4o");
  chain->add_aliases("gpt-4o-mini");
  chain->add_targets("groq/m");
  chain->add_targets("mine/n");
  admin_.get_status.add_chains()->set_name("other");
  EXPECT_EQ(RunChains(Context()), kExitOk);
  EXPECT_TRUE(OutHas("coding  gpt-4o, gpt-4o-mini  groq/m > mine/n\n")) << out_.str();
  EXPECT_EQ(RunChains(Context(OutputFormat::kJson)), kExitOk);
  ASSERT_EQ(OutAsJson().size(), 2u);
  EXPECT_EQ(OutAsJson().at(0).at("targets"), Json({"groq/m", "mine/n"}));
  EXPECT_EQ(OutAsJson().at(1).at("name"), "other");
  admin_.get_status.clear_chains();
  EXPECT_EQ(RunChains(Context(OutputFormat::kJson)), kExitOk);
  EXPECT_EQ(OutAsJson(), Json::array());
}

TEST_F(CommandsTest, PoolsAreListedWithWhatIsUsedOfTheirLimits) {
  v1::PoolInfo* pool = admin_.pools.add_pools();
  pool->set_key("groq/default/m");
  pool->set_closure(v1::CLOSURE_RATE_LIMITED);
  pool->set_closed_for_ns(Nanos(absl::Seconds(42)));
  pool->set_authoritative(true);
  pool->set_open_attempts(2);
  v1::LimitInfo* limit = pool->add_limits();
  limit->set_used(12);
  limit->mutable_limit()->set_unit(v1::UNIT_REQUESTS);
  limit->mutable_limit()->set_amount(30);
  limit->mutable_limit()->set_window_ns(Nanos(absl::Minutes(1)));
  admin_.pools.add_pools()->set_key("mine");
  EXPECT_EQ(RunPools(Context(), "gr", true), kExitOk);
  EXPECT_EQ(admin_.asked, "gr");
  EXPECT_TRUE(OutHas("groq/default/m  rate limited for 42 s  rpm 12/30           2\n")) << out_.str();
  EXPECT_TRUE(OutHas("mine            open                   no limit known      0\n")) << out_.str();
  EXPECT_EQ(RunPools(Context(OutputFormat::kJson), "", true), kExitOk);
  EXPECT_EQ(OutAsJson().at("pools").at(0).at("closure"), "rate_limited");
}

TEST_F(CommandsTest, PoolsThatHaveNothingToTellAreLeftOut) {
  admin_.pools.add_pools()->set_key("groq#main");
  v1::PoolInfo* refused = admin_.pools.add_pools();
  refused->set_key("groq#second");
  refused->set_closure(v1::CLOSURE_AUTH);
  EXPECT_EQ(RunPools(Context(), "", false), kExitOk);
  EXPECT_TRUE(OutHas("groq#second  key refused"));
  EXPECT_FALSE(OutHas("groq#main"));
  EXPECT_TRUE(ErrHas("1 pool is open without a known limit; --all shows it"));
}

TEST_F(CommandsTest, WithoutPoolsItSaysWhy) {
  EXPECT_EQ(RunPools(Context(), "", true), kExitOk);
  EXPECT_TRUE(ErrHas("no configuration has been applied yet"));
  EXPECT_EQ(RunPools(Context(), "gr\x1b[2Joq", true), kExitOk);
  EXPECT_TRUE(ErrHas("no pool's name begins with \"gr [2Joq\"")) << err_.str();
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandsTest, ProxiesAreListedWithWhatEachServes) {
  v1::ProxyInfo* attached = admin_.proxies.add_proxies();
  attached->set_node("alpha");
  attached->set_attached(true);
  attached->set_attached_for_ns(Nanos(absl::Minutes(2)));
  attached->set_snapshot_version(8);
  attached->set_nack("pools[0]: bad");
  attached->set_software_version("1.2.3");
  attached->set_advertise("10.0.0.7:4290");
  v1::ProxyInfo* away = admin_.proxies.add_proxies();
  away->set_node("beta");
  away->set_snapshot_version(9);
  away->set_software_version("evil\x1b]0;title\x07");
  EXPECT_EQ(RunProxies(Context()), kExitOk);
  EXPECT_TRUE(OutHas("alpha  attached 2 min  version 8, refused the newest: pools[0]: bad  1.2.3")) << out_.str();
  EXPECT_TRUE(OutHas("10.0.0.7:4290"));
  EXPECT_TRUE(OutHas("beta   away            version 9")) << out_.str();
  EXPECT_FALSE(OutHas("\x1b")) << "what a proxy says of itself cannot drive the terminal";
  EXPECT_EQ(RunProxies(Context(OutputFormat::kJson)), kExitOk);
  EXPECT_EQ(OutAsJson().at("proxies").at(1).at("attached"), false);
}

TEST_F(CommandsTest, ClearSaysWhetherThePoolWasClosed) {
  admin_.clear.set_was_closed(true);
  EXPECT_EQ(RunClear(Context(), "groq/m"), kExitOk);
  EXPECT_EQ(admin_.asked, "groq/m");
  EXPECT_EQ(out_.str(), "groq/m is open again\n");
  admin_.clear.set_was_closed(false);
  EXPECT_EQ(RunClear(Context(), "groq/m"), kExitOk);
  EXPECT_EQ(out_.str(), "groq/m was not closed\n");
  EXPECT_EQ(RunClear(Context(OutputFormat::kJson), "groq/m"), kExitOk);
  EXPECT_EQ(OutAsJson().at("was_closed"), false);
  admin_.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "there is no pool \"x\"");
  EXPECT_EQ(RunClear(Context(), "x"), kExitUsage);
  EXPECT_TRUE(ErrHas("error: there is no pool \"x\""));
}

TEST_F(CommandsTest, WhereNobodyAnswersItSaysWhereAndWhatToDo) {
  CommandContext context = Context();
  {
    // A port that was free a moment ago.
    const FakeAdmin gone;
    context.control = gone.address();
  }
  const std::function<int()> commands[] = {[&] { return RunStatus(context); },
                                           [&] { return RunChains(context); },
                                           [&] { return RunPools(context, "", true); },
                                           [&] { return RunProxies(context); },
                                           [&] { return RunClear(context, "pool"); },
                                           [&] { return RunGetConfig(context); },
                                           [&] { return RunApply(context, folder_.Write("c.yaml", kGood), ""); }};
  for (const auto& command : commands) {
    err_.str("");
    EXPECT_EQ(command(), kExitUnreachable);
    EXPECT_TRUE(ErrHas("cannot reach the control plane at " + context.control)) << err_.str();
    EXPECT_TRUE(ErrHas("429ctl up")) << err_.str();
    EXPECT_TRUE(ErrHas("--control")) << err_.str();
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandsTest, AnAddressThatIsNoneIsAMistakeOnTheCommandLine) {
  for (const std::string address : {"localhost", "127.0.0.1:http", "http://127.0.0.1:4292", ""}) {
    CommandContext context = Context();
    context.control = address;
    EXPECT_EQ(RunStatus(context), kExitUsage) << address;
    EXPECT_TRUE(ErrHas("--control: ")) << err_.str();
  }
}

TEST_F(CommandsTest, AControlPlaneCanBeReachedThroughAUnixSocket) {
  FakeAdmin admin("unix:" + folder_.File("control.sock"));
  admin.get_status.set_software_version("1.2.3");
  CommandContext context = Context();
  context.control = admin.address();
  EXPECT_EQ(RunStatus(context), kExitOk) << err_.str();
  EXPECT_TRUE(OutHas("1.2.3"));
}

TEST_F(CommandsTest, AnErrorOfTheControlPlaneIsShownInItsOwnWords) {
  admin_.status = grpc::Status(grpc::StatusCode::INTERNAL, "the disk is full");
  EXPECT_EQ(RunStatus(Context()), kExitFailed);
  EXPECT_EQ(err_.str(), "error: the disk is full\n");
  admin_.status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
  EXPECT_EQ(RunStatus(Context()), kExitFailed);
  EXPECT_TRUE(ErrHas("an older control plane, or another gRPC server"));
}

TEST_F(CommandsTest, ColoursAreOnlyThereWhereTheyAreWanted) {
  admin_.pools.add_pools()->set_closure(v1::CLOSURE_AUTH);
  CommandContext context = Context();
  EXPECT_EQ(RunPools(context, "", true) + RunStatus(context), 0);
  EXPECT_FALSE(OutHas("\x1b"));
  context.colour = true;
  EXPECT_EQ(RunPools(context, "", true), 0);
  EXPECT_TRUE(OutHas("\x1b[33m"));
}

}  // namespace
}  // namespace chain429
