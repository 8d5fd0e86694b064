#include "common/provider/catalogue.h"

#include <algorithm>
#include <string>

#include "common/provider/rules.h"
#include "gtest/gtest.h"

namespace chain429 {
namespace {

TEST(Catalogue, EveryBuiltinEntryIsWhole) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_GE(catalogue->Kinds().size(), 4u);
  for (const std::string& kind : catalogue->Kinds()) {
    const CatalogueEntry* entry = catalogue->Find(kind);
    EXPECT_EQ(entry->kind, kind);
    EXPECT_FALSE(entry->title.empty());
    EXPECT_TRUE(ProviderRules::Compile(entry->json).ok()) << kind;
    EXPECT_TRUE(entry->limits.empty() || !entry->as_of.empty()) << kind << ": limits without a date";
    for (const Limit& limit : entry->limits) EXPECT_EQ(limit.provenance, Provenance::kCatalogue);
  }
  EXPECT_EQ(catalogue->Find("nothing"), nullptr);
}

TEST(Catalogue, TheCommonKindNeedsItsUrlSaid) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  EXPECT_TRUE(catalogue->Find("openai")->base_url.empty());
  EXPECT_TRUE(catalogue->Find("openai")->limits.empty());
  EXPECT_TRUE(catalogue->Find("openai")->pool_per_credential);
  EXPECT_FALSE(catalogue->Find("groq")->pool_per_credential);
}

TEST(Catalogue, ReadsWhatAnEntrySays) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Parse({{"a.yaml", R"(
kind: acme
title: Acme
base_url: https://acme.example/v1
auth: {header: X-Acme-Key}
pool_scope: model
ask_usage: false
first_token: 180s
as_of: 2026-01-02
windows: {rpd: {kind: fixed, anchor: "00:30", zone: America/Los_Angeles}}
limits: {rpm: 5, rpd: 100, itpm: 7, concurrency: 2}
models:
  big/model:free: {canonical: big, aliases: [huge, "large"], context: 4096, limits: {tpd: 9}}
)"}});
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  const CatalogueEntry& entry = *catalogue->Find("acme");
  EXPECT_EQ(entry.title, "Acme");
  EXPECT_EQ(entry.base_url, "https://acme.example/v1");
  EXPECT_EQ(entry.auth, (AuthStyle{AuthStyle::Kind::kHeader, "x-acme-key"}));
  EXPECT_EQ(entry.pool_scope, PoolScope::kModel);
  EXPECT_FALSE(entry.ask_usage);
  EXPECT_EQ(entry.first_token, absl::Seconds(180));
  EXPECT_EQ(entry.as_of, "2026-01-02");
  ASSERT_EQ(entry.limits.size(), 4u);
  const auto rpd = std::find_if(entry.limits.begin(), entry.limits.end(),
                                [](const Limit& l) { return l.window.length == absl::Hours(24); });
  EXPECT_EQ(rpd->window.kind, WindowKind::kFixed);
  EXPECT_EQ(rpd->window.anchor, absl::Minutes(30));
  EXPECT_EQ(rpd->window.zone, "America/Los_Angeles");
  ASSERT_EQ(entry.models.size(), 1u);
  EXPECT_EQ(entry.models[0].id, "big/model:free");
  EXPECT_EQ(entry.models[0].canonical, "big");
  EXPECT_EQ(entry.models[0].aliases, (std::vector<std::string>{"huge", "large"}));
  EXPECT_EQ(entry.models[0].context, 4096);
  ASSERT_EQ(entry.models[0].limits.size(), 1u);
  EXPECT_EQ((*ProviderRules::Compile(entry.json))->auth().header, "x-acme-key");
}

TEST(Catalogue, ReadsWhatAFirstConfigurationNeeds) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Parse({{"a.yaml", R"(
kind: acme
setup:
  keys: [ACME_KEY, ACME_TOKEN]
  keys_url: https://acme.example/keys
  title: Acme Inc.
  base_url: https://acme.example/v1
  plan: credit
  as_of: 2026-01-02
  note: one dollar
  limits: {rpm: 7}
  models: {big: {quality: 9, speed: 1, context: 4096}}
)"}});
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  const CatalogueEntry& entry = *catalogue->Find("acme");
  ASSERT_TRUE(entry.setup.has_value());
  const CatalogueSetup& setup = *entry.setup;
  EXPECT_EQ(setup.keys, (std::vector<std::string>{"ACME_KEY", "ACME_TOKEN"}));
  EXPECT_EQ(setup.keys_url, "https://acme.example/keys");
  EXPECT_EQ(setup.title, "Acme Inc.");
  EXPECT_EQ(setup.base_url, "https://acme.example/v1");
  EXPECT_EQ(setup.plan, Plan::kCredit);
  EXPECT_EQ(PlanWord(setup.plan), "credit");
  EXPECT_EQ(setup.as_of, "2026-01-02");
  EXPECT_EQ(setup.note, "one dollar");
  ASSERT_EQ(setup.limits.size(), 1u);
  EXPECT_EQ(setup.limits[0].amount, 7);
  ASSERT_EQ(setup.models.size(), 1u);
  EXPECT_EQ(setup.models[0].id, "big");
  EXPECT_EQ(setup.models[0].quality, 9);
  EXPECT_EQ(setup.models[0].speed, 1);
  EXPECT_EQ(setup.models[0].context, 4096);
  EXPECT_TRUE(entry.limits.empty()) << "what is only said is not kept to";
  EXPECT_EQ(entry.json, Catalogue::Parse({{"a", "kind: acme\n"}})->Find("acme")->json) << "proxies need none of it";
}

TEST(Catalogue, ASetupIsNotInherited) {
  const absl::StatusOr<Catalogue> catalogue =
      Catalogue::Parse({{"a", "kind: base\nsetup: {plan: local}\n"}, {"b", "kind: other\nextends: base\n"}});
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_TRUE(catalogue->Find("base")->setup.has_value());
  EXPECT_FALSE(catalogue->Find("other")->setup.has_value());
}

TEST(Catalogue, EveryFaultOfASetupIsSaidWithItsPath) {
  const absl::Status status =
      Catalogue::Parse(
          {{"a.yaml", "kind: acme\nsetup: {plan: gratis, keyz: [A], models: {m: {quality: 10, speed: 0}, n: 7}}\n"},
           {"b.yaml", "kind: bare\nsetup: {keys: [A]}\n"}})
          .status();
  for (const std::string part :
       {"acme.setup.plan: \"gratis\" is none of free", "acme.setup.keyz: unknown key; did you mean \"keys\"?",
        "acme.setup.models.m.quality: a number from 1 to 9", "acme.setup.models.m.speed: a number from 1 to 9",
        "acme.setup.models.n: an object is wanted", "bare.setup.plan: is missing",
        "bare.setup.plan: without `keys` and `models` only a local server"})
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << part << "\n" << status;
}

TEST(Catalogue, AnEntryIsJsonTooAndTheSameEitherWay) {
  const absl::StatusOr<Catalogue> yaml = Catalogue::Parse({{"a", "kind: acme\nlimits: {rpm: 5}\n"}});
  const absl::StatusOr<Catalogue> json = Catalogue::Parse({{"a", R"({"limits": {"rpm": 5}, "kind": "acme"})"}});
  ASSERT_TRUE(yaml.ok() && json.ok());
  EXPECT_EQ(yaml->Find("acme")->json, json->Find("acme")->json);
  EXPECT_EQ(json->Find("acme")->json, R"({"kind":"acme","limits":{"rpm":5}})");
}

TEST(Catalogue, AnExtendedEntryKeepsItsOwnRulesFirst) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Parse({{"base", R"(
kind: base
base_url: https://base.example
headers: {readings: [{unit: requests, limit: x-limit-requests}]}
errors: [{when: {status: 418}, class: auth}, {when: {status: 419}, class: auth}]
)"},
                                                                {"own", R"(
kind: own
extends: base
errors: [{when: {status: 418}, class: overloaded}]
)"}});
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_TRUE(catalogue->Find("own")->base_url.empty());
  const auto rules = ProviderRules::Compile(catalogue->Find("own")->json);
  ASSERT_TRUE(rules.ok());
  ReadingList readings;
  EXPECT_EQ((*rules)->Classify(418, {}, "", absl::UnixEpoch(), readings).error_class, ErrorClass::kOverloaded);
  EXPECT_EQ((*rules)->Classify(419, {}, "", absl::UnixEpoch(), readings).error_class, ErrorClass::kAuth);
  (*rules)->ReadHeaders(std::vector<HeaderField>{{"x-limit-requests", "5"}}, absl::UnixEpoch(), readings);
  EXPECT_EQ(readings.size(), 1u);
}

TEST(Catalogue, NamesEveryFaultAtOnce) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Parse({{"bad.yaml", R"(
kind: acme
base_url: ftp://x
pool_scop: model
limits: {rpm: 0, rpx: 3}
models: {m: {contxt: 5}}
errors: [{when: {status: 9}, class: nope}, {class: auth}]
)"},
                                                                {"worse.yaml", "kind: [1"},
                                                                {"twice.yaml", "kind: b\nkind: c\n"},
                                                                {"lost.yaml", "kind: lost\nextends: nobody\n"}});
  ASSERT_FALSE(catalogue.ok());
  const std::string message(catalogue.status().message());
  for (const std::string part :
       {"acme.base_url", "acme.pool_scop: unknown key; did you mean \"pool_scope\"?", "acme.limits.rpm",
        "acme.limits.rpx: unknown key", "acme.models.m.contxt: unknown key; did you mean \"context\"?",
        "acme.errors[0].when.status", "acme.errors[0].class", "acme.errors[1].when",
        "worse.yaml:", "twice.yaml:2:1: \"kind\" is there twice", "lost.extends"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << "\nis not in\n" << message;
  }
}

TEST(Catalogue, RefusesRingsBombsAndDepth) {
  EXPECT_FALSE(Catalogue::Parse({{"a", "kind: a\nextends: b"}, {"b", "kind: b\nextends: a"}}).ok());
  EXPECT_FALSE(Catalogue::Parse({{"a", "kind: a\nextends: a"}}).ok());
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ",";
    bomb += "]\n";
  }
  EXPECT_FALSE(Catalogue::Parse({{"bomb", bomb}}).ok());
  EXPECT_FALSE(Catalogue::Parse({{"deep", "kind: " + std::string(5000, '[')}}).ok());
  EXPECT_FALSE(Catalogue::Parse({{"self", "kind: a\nmodels: &m {x: *m}\n"}}).ok());
  EXPECT_FALSE(Catalogue::Parse({{"empty", ""}}).ok());
  EXPECT_FALSE(Catalogue::Parse({{"two", "kind: a\n---\nkind: b\n"}}).ok());
}

TEST(Catalogue, ReadsHowAKindCharges) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Parse({{"a.yaml", R"(
kind: acme
charge: {tokens: up_front_kept, default_output: 4096, refused: counted, failed: free}
windows: {cpd: {kind: bucket, burst: 12.5}, rpmo: {kind: fixed, zone: UTC}}
limits: {cpd: 10000, rpmo: 5, otps: 3}
models:
  m: {credits: {request: 0.5, input_per_mtok: 31876, output_per_mtok: 0.000001}}
)"},
                                                                {"b.yaml", "kind: plain\nextends: acme\n"}});
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  const CatalogueEntry& entry = *catalogue->Find("acme");
  EXPECT_EQ(entry.charging, (ChargeRule{TokenCharge::kUpFrontKept, 4096, true, false}));
  EXPECT_EQ(entry.models[0].rates, (CreditRates{500'000, 31'876 * kMicrosPerCredit, 1}));
  ASSERT_EQ(entry.limits.size(), 3u);
  for (const Limit& limit : entry.limits) {
    if (limit.unit == Unit::kCredits) {
      EXPECT_EQ(limit.amount, 10'000 * kMicrosPerCredit);
      EXPECT_EQ(limit.window.burst, 12'500'000);
    } else if (limit.unit == Unit::kRequests) {
      EXPECT_EQ(limit.window, (WindowSpec{WindowKind::kFixed, kMonth, absl::ZeroDuration()}));
    } else {
      EXPECT_EQ(limit.window.length, absl::Seconds(1));
    }
  }
  EXPECT_TRUE(ProviderRules::Compile(entry.json).ok());
  EXPECT_EQ(catalogue->Find("plain")->charging, ChargeRule()) << "how a kind charges is not inherited";
}

TEST(Catalogue, SaysWhatIsWrongWithAChargeOrABurst) {
  const absl::Status status = Catalogue::Parse({{"a.yaml", R"(
kind: acme
charge: {tokens: later, default_output: 5, refused: yes, faild: free}
windows: {rpm: {kind: fixed, burst: 5}, tpm: {kind: bucket, burst: 0}}
limits: {cpd: 5, cpm: -1}
models: {m: {credits: {request: 1e9}}, n: {}}
)"}})
                                  .status();
  for (const std::string part :
       {"acme.charge.tokens: \"later\" is none of on_use, up_front, up_front_kept",
        "acme.charge.default_output: means nothing", "acme.charge.refused: \"yes\" is none of counted, free",
        "acme.charge.faild: unknown key; did you mean \"failed\"?", "acme.windows.rpm.burst: only a bucket has one",
        "acme.windows.tpm.burst: more than 0", "acme.limits.cpm: a number from 0 on",
        "acme.models.m.credits.request: a number from 0 on",
        "acme.models: \"n\" has a limit of credits and no `credits`"})
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << part << "\n" << status;
}

TEST(Catalogue, ThoseThatReserveTheOutputAreKnown) {
  const absl::StatusOr<Catalogue> catalogue = Catalogue::Builtin();
  ASSERT_TRUE(catalogue.ok()) << catalogue.status();
  EXPECT_EQ(catalogue->Find("cerebras")->charging, (ChargeRule{TokenCharge::kUpFront, 16'384, false, true}));
  EXPECT_EQ(catalogue->Find("azure")->charging.tokens, TokenCharge::kUpFrontKept);
  EXPECT_EQ(catalogue->Find("groq")->charging, ChargeRule());
  EXPECT_EQ(catalogue->Find("openai")->charging, ChargeRule());
}

}  // namespace
}  // namespace chain429
