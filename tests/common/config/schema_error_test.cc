#include "gtest/gtest.h"

#include <string>

#include "tests/common/config/catalogue_for_tests.h"

namespace chain429 {
namespace {

// A provider and a chain without fault, to be put before or after a faulty part.
constexpr std::string_view kBase =
    "version: 1\n"
    "providers:\n"
    "  local:\n"
    "    kind: openai\n"
    "    base_url: http://127.0.0.1:8000/v1\n"
    "chains:\n"
    "  c:\n"
    "    targets: [{provider: local, model: m}]\n";

struct ErrorCase {
  const char* name;
  std::string text;
  std::string expected;  // all problems, without "c.yaml:" and ": error"
};

std::string Provider(std::string_view lines) {
  return "version: 1\nproviders:\n  p:\n    kind: openai\n    base_url: http://127.0.0.1:1/v1\n" + std::string(lines);
}
std::string Chain(std::string_view lines) { return std::string(kBase) + std::string(lines); }
std::string Credential(std::string_view item) {
  return Provider("    credentials:\n      - " + std::string(item) + "\n");
}
std::string Client(std::string_view item) {
  return "version: 1\nauth:\n  client_keys:\n    - " + std::string(item) + "\n";
}
std::string Url(std::string_view url) {
  return "version: 1\nproviders:\n  p:\n    kind: openai\n    base_url: " + std::string(url) + "\n";
}

class SchemaError : public testing::TestWithParam<ErrorCase> {};

TEST_P(SchemaError, IsReportedWithPlacePathAndSuggestion) {
  const ParseOutcome outcome = ParseForTests(GetParam().text);
  EXPECT_EQ(outcome.parsed, nullptr);
  std::string expected;
  std::string_view rest = GetParam().expected;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const size_t place_end = line.find(": ");
    expected.append("c.yaml:")
        .append(line.substr(0, place_end))
        .append(": error")
        .append(line.substr(place_end))
        .append("\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  EXPECT_EQ(outcome.text, expected);
}

std::string NameOf(const testing::TestParamInfo<ErrorCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Top, SchemaError,
    testing::Values(
        ErrorCase{"NoMapping", "[1]", "1:1: expected a mapping, found a list"},
        ErrorCase{"NoVersion", "chains: {}\n", "1:1: \"version\" is missing"},
        ErrorCase{"VersionIsAString", "version: \"1\"\n",
                  "1:10: version: expected a whole number, found a string (remove the quotes)"},
        ErrorCase{"VersionIsAFraction", "version: 1.0\n",
                  "1:10: version: expected a whole number, found a fractional number"},
        ErrorCase{"OtherVersion", "version: 2\n", "1:10: version: this version of the format is not known: write 1"},
        ErrorCase{"VersionZero", "version: 0\n", "1:10: version: must be at least 1"},
        ErrorCase{"UnknownKey", "version: 1\nchain: {}\n",
                  "2:1: chain: unknown key \"chain\" (did you mean \"chains\"?)"},
        ErrorCase{"MergeKeysAreUnknown", "version: 1\n<<: {}\n", "2:1: [\"<<\"]: unknown key \"<<\""},
        ErrorCase{"ProvidersIsAList", "version: 1\nproviders: []\n",
                  "2:12: providers: expected a mapping, found a list"},
        ErrorCase{"UnknownDefaultChain", Chain("default_chain: d\n"), "9:16: default_chain: there is no chain \"d\""},
        ErrorCase{"EmptyDefaultChain", Chain("default_chain: \"\"\n"), "9:16: default_chain: must not be empty"},
        ErrorCase{"Nodes", Chain("nodes: [{match: a, chains: [c]}]\n"),
                  "9:1: nodes: giving nodes their chains: not supported yet"},
        ErrorCase{"Prices", Chain("prices: {a/b: {}}\n"), "9:1: prices: prices: not supported yet"},
        ErrorCase{"Webhooks", Chain("webhooks: [{url: x}]\n"), "9:1: webhooks: webhooks: not supported yet"},
        ErrorCase{"WebhooksWrongType", Chain("webhooks: {}\n"), "9:11: webhooks: expected a list, found a mapping"},
        ErrorCase{"LogLevel", Chain("log: {level: inof}\n"),
                  "9:14: log.level: \"inof\" is not known here: write debug, info, warning or error (did you mean "
                  "\"info\"?)"},
        ErrorCase{"LogFileEmpty", Chain("log: {file: ''}\n"),
                  "9:13: log.file: must be the path of a file; leave it out, or write null, for stderr"},
        ErrorCase{"LogFileFolder", Chain("log: {file: /tmp/}\n"),
                  "9:13: log.file: must be the path of a file; leave it out, or write null, for stderr"},
        ErrorCase{"LogFileBraces", Chain("log: {file: '/tmp/{nod}.log'}\n"),
                  "9:13: log.file: what may stand in braces is {program} and {node}"},
        ErrorCase{"LogRotation", Chain("log: {rotate_mb: 0, keep: -1}\n"),
                  "9:18: log.rotate_mb: must be at least 1\n9:27: log.keep: must be at least 0"},
        ErrorCase{"LogBodies", Chain("log: {bodies: error}\n"),
                  "9:15: log.bodies: \"error\" is not known here: write off, errors or all (did you mean \"errors\"?)"},
        ErrorCase{"LogBodiesFalse", Chain("log: {bodies: false}\n"),
                  "9:15: log.bodies: expected off, errors or all, found true or false"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Providers, SchemaError,
    testing::Values(
        ErrorCase{"NoKind", "version: 1\nproviders:\n  p:\n    base_url: http://127.0.0.1\n",
                  "3:3: providers.p: \"kind\" is missing"},
        ErrorCase{"UnknownKind", "version: 1\nproviders:\n  p: {kind: grok}\n",
                  "3:13: providers.p.kind: \"grok\" is not known here: write cerebras, groq, keyless, neurons, openai, "
                  "pacific or router (did you mean \"groq\"?)"},
        ErrorCase{"NoBaseUrl", "version: 1\nproviders:\n  p:\n    kind: openai\n",
                  "3:3: providers.p: \"base_url\" is missing"},
        ErrorCase{"NoCredentials", "version: 1\nproviders:\n  p: {kind: groq}\n",
                  "3:3: providers.p: \"credentials\" is missing: Groq wants a key"},
        ErrorCase{"BadName", "version: 1\nproviders:\n  Groq: {kind: keyless}\n",
                  "3:3: providers.Groq: \"Groq\" is not a name: at most 63 of a-z, 0-9, \".\", \"_\" and \"-\", a "
                  "letter or digit first"},
        ErrorCase{"NoValue", "version: 1\nproviders:\n  p:\n", "3:3: providers.p: expected a mapping, found nothing"},
        ErrorCase{"UnknownKey", Provider("    modles: {}\n"),
                  "6:5: providers.p.modles: unknown key \"modles\" (did you mean \"models\"?)"},
        ErrorCase{"Tokens", Provider("    tokens: p96\n"),
                  "6:13: providers.p.tokens: \"p96\" is not known here: write p95 or strict (did you mean \"p95\"?)"},
        ErrorCase{"WhenDisconnected", Provider("    when_disconnected: opne\n"),
                  "6:24: providers.p.when_disconnected: \"opne\" is not known here: write share, deny or open (did you "
                  "mean \"open\"?)"},
        ErrorCase{"EnabledIsAString", Provider("    enabled: \"true\"\n"),
                  "6:14: providers.p.enabled: expected true or false, found a string (remove the quotes)"},
        ErrorCase{"EnabledIsYes", Provider("    enabled: yes\n"),
                  "6:14: providers.p.enabled: expected true or false, found a string"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    BaseUrl, SchemaError,
    testing::Values(
        ErrorCase{"NoHost", Url("https:///v1"), "5:15: providers.p.base_url: the URL has no host"},
        ErrorCase{"PortTooLarge", Url("https://h:65536/v1"),
                  "5:15: providers.p.base_url: the port must be a number from 1 to 65535"},
        ErrorCase{"OtherScheme", Url("ftp://h/v1"), "5:15: providers.p.base_url: the scheme must be https or http"},
        ErrorCase{"LineBreak", Url("\"https://h/v1\\r\\nX: y\""),
                  "5:15: providers.p.base_url: a blank, control or non-ASCII character is not allowed in a URL"},
        ErrorCase{"PlainHttpElsewhere", Url("http://example.com/v1"),
                  "5:15: providers.p.base_url: http:// sends keys and prompts in the clear: use https://, or say "
                  "allow_http: true"},
        ErrorCase{"Password", Url("https://u:sk-secret@h/v1"),
                  "5:15: providers.p.base_url: a user or password in the URL is not allowed; use credentials"},
        ErrorCase{"WrongType", Url("[x]"), "5:15: providers.p.base_url: expected a string, found a list"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Limits, SchemaError,
    testing::Values(
        ErrorCase{"Zero", Provider("    limits: {rpm: 0}\n"), "6:19: providers.p.limits.rpm: must be at least 1"},
        ErrorCase{"Null", Provider("    limits: {rpm: }\n"),
                  "6:19: providers.p.limits.rpm: expected a whole number, found nothing"},
        ErrorCase{"Negative", Provider("    limits: {rpm: -5}\n"), "6:19: providers.p.limits.rpm: must be at least 1"},
        ErrorCase{"Fraction", Provider("    limits: {tpm: 1.5}\n"),
                  "6:19: providers.p.limits.tpm: expected a whole number, found a fractional number"},
        ErrorCase{"String", Provider("    limits: {tpm: \"60\"}\n"),
                  "6:19: providers.p.limits.tpm: expected a whole number, found a string (remove the quotes)"},
        ErrorCase{"TooLarge", Provider("    limits: {tpd: 99999999999999999999}\n"),
                  "6:19: providers.p.limits.tpd: must be at most 1000000000000"},
        ErrorCase{"Unknown", Provider("    limits: {rpmm: 1}\n"),
                  "6:14: providers.p.limits.rpmm: unknown key \"rpmm\" (did you mean \"rpm\"?)"},
        ErrorCase{"Model", Provider("    models: {m: {limits: {rpm: none}}}\n"),
                  "6:32: providers.p.models.m.limits.rpm: expected a whole number, found a string"},
        ErrorCase{"ModelContext", Provider("    models: {a/b: {context: 0}}\n"),
                  "6:29: providers.p.models[\"a/b\"].context: must be at least 1"},
        ErrorCase{"ModelName", Provider("    models: {\"\": {}}\n"),
                  "6:14: providers.p.models[\"\"]: must not be empty"},
        ErrorCase{"WindowKind", Provider("    windows: {rpd: {kind: slidng}}\n"),
                  "6:27: providers.p.windows.rpd.kind: \"slidng\" is not known here: write sliding, fixed or bucket "
                  "(did you mean \"sliding\"?)"},
        ErrorCase{"WindowWithoutKind", Provider("    windows:\n      rpd: {anchor: \"00:00\"}\n"),
                  "7:7: providers.p.windows.rpd: \"kind\" is missing"},
        ErrorCase{"WindowAnchor", Provider("    windows: {rpd: {kind: fixed, anchor: \"24:00\"}}\n"),
                  "6:42: providers.p.windows.rpd.anchor: not a time of day: write it as \"00:00\""},
        ErrorCase{"SlidingWithAnchor", Provider("    windows: {rpd: {kind: sliding, anchor: \"00:00\", zone: UTC}}\n"),
                  "6:36: providers.p.windows.rpd.anchor: only a fixed window has an anchor\n6:53: "
                  "providers.p.windows.rpd.zone: only a fixed window has a zone"},
        ErrorCase{"UnknownZone", Provider("    windows: {rpd: {kind: fixed, zone: America/Los_Angles}}\n"),
                  "6:40: providers.p.windows.rpd.zone: \"America/Los_Angles\" is not a known time zone: write an IANA "
                  "name such as America/Los_Angeles (did you "
                  "mean \"America/Los_Angeles\"?)"},
        ErrorCase{"BurstOfAFixedWindow", Provider("    windows: {rpd: {kind: fixed, burst: 5}}\n"),
                  "6:34: providers.p.windows.rpd.burst: only a bucket has a burst"},
        ErrorCase{"BurstOfNothing", Provider("    windows: {rpd: {kind: bucket, burst: 0}}\n"),
                  "6:42: providers.p.windows.rpd.burst: must be at least 1"},
        ErrorCase{"UnreadableKindHidesNoOtherFault", Provider("    windows: {rpd: {kind: 1, burst: 5, burts: 5}}\n"),
                  "6:27: providers.p.windows.rpd.kind: expected sliding, fixed or bucket, found a number\n6:40: "
                  "providers.p.windows.rpd.burts: unknown key \"burts\" (did you mean \"burst\"?)"},
        ErrorCase{"UnknownMonth", Provider("    limits: {rpmon: 5}\n"),
                  "6:14: providers.p.limits.rpmon: unknown key \"rpmon\" (did you mean \"rpmo\"?)"},
        ErrorCase{"UnknownUnit", Provider("    limits: {itpmm: 5}\n"),
                  "6:14: providers.p.limits.itpmm: unknown key \"itpmm\" (did you mean \"itpm\"?)"},
        ErrorCase{"FractionOfARequest", Provider("    limits: {rpd: 0.5}\n"),
                  "6:19: providers.p.limits.rpd: expected a whole number, found a fractional number"},
        ErrorCase{"CreditsWithTooManyDigits", Provider("    limits: {cpd: 0.0000001}\n"),
                  "6:19: providers.p.limits.cpd: must be a plain number such as 0.05, at most 1000000000, with at most "
                  "six digits after its point"},
        ErrorCase{"CreditsOfNothing", Provider("    limits: {cpd: 0}\n"),
                  "6:19: providers.p.limits.cpd: must be more than 0"},
        ErrorCase{"NegativeCredits", Provider("    limits: {cpd: -1}\n"),
                  "6:19: providers.p.limits.cpd: must be a plain number such as 0.05, at most 1000000000, with at most "
                  "six digits after its point"},
        ErrorCase{"CreditsAsText", Provider("    limits: {cpd: \"5\"}\n"),
                  "6:19: providers.p.limits.cpd: expected a number, found a string (remove the quotes)"},
        ErrorCase{"RatesThatSayNothing", Provider("    models: {m: {credits: {}}}\n"),
                  "6:27: providers.p.models.m.credits: must say at least one of request, input_per_mtok and "
                  "output_per_mtok"},
        ErrorCase{"UnknownRate", Provider("    models: {m: {credits: {requests: 1}}}\n"),
                  "6:28: providers.p.models.m.credits.requests: unknown key \"requests\" (did you mean \"request\"?)"},
        ErrorCase{
            "CreditsOfAModelThatHasNoRates", Provider("    limits: {cpd: 5}\n    models: {m: {context: 5}}\n"),
            "7:14: providers.p.models.m: the limit \"cpd\" counts credits, and what \"m\" costs is not known: write "
            "credits: {request: …, input_per_mtok: …, output_per_mtok: …} under providers.p.models"},
        ErrorCase{
            "CreditsOfACredential",
            Provider("    credentials: [{name: a, env: E, limits: {cpmo: 5}}]\n") +
                "chains:\n  c:\n    targets:\n      - {provider: p, model: m}\n",
            "10:9: chains.c.targets[0]: the limit \"cpmo\" counts credits, and what \"m\" costs is not known: write "
            "credits: {request: …, input_per_mtok: …, output_per_mtok: …} under providers.p.models"},
        ErrorCase{
            "CreditsOfATarget",
            Chain("  d:\n    targets: [{provider: local, model: m, limits: {cph: 5}}, {provider: local, model: m, "
                  "limits: {cps: 5}}]\n"),
            "10:15: chains.d.targets[0]: the limit \"cph\" counts credits, and what \"m\" costs is not known: write "
            "credits: {request: …, input_per_mtok: …, output_per_mtok: …} under providers.local.models"},
        ErrorCase{
            "CreditsOfAModelOfTheCatalogue",
            "version: 1\nproviders:\n  n: {kind: neurons, credentials: [{name: a, env: E}], limits: {cpd: "
            "5}}\nchains:\n"
            "  c: {targets: [{provider: n, model: small}, {provider: n, model: unpriced}]}\n",
            "5:46: chains.c.targets[1]: the limit \"cpd\" counts credits, and what \"unpriced\" costs is not known: "
            "write credits: {request: …, input_per_mtok: …, output_per_mtok: …} under providers.n.models"},
        ErrorCase{"WindowOfConcurrency", Provider("    windows: {concurrency: {kind: fixed}}\n"),
                  "6:15: providers.p.windows.concurrency: concurrency has no window"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Credentials, SchemaError,
    testing::Values(
        ErrorCase{
            "NoSource", Credential("{name: a}"),
            "7:9: providers.p.credentials[0]: no source of the key: write one of env, file, proxy_env or proxy_file"},
        ErrorCase{"TwoSources", Credential("{name: a, env: A, file: /b}"),
                  "7:27: providers.p.credentials[0]: more than one source of the key: write only one of env, file, "
                  "proxy_env or proxy_file"},
        ErrorCase{"Stored", Credential("{name: a, stored: x}"),
                  "7:19: providers.p.credentials[0].stored: stored secrets: not supported yet"},
        ErrorCase{"NoName", Credential("{env: A}"), "7:9: providers.p.credentials[0]: \"name\" is missing"},
        ErrorCase{"BadName", Credential("{name: sk-SECRET, env: A}"),
                  "7:16: providers.p.credentials[0].name: this is not a name: at most 63 of a-z, 0-9, \".\", \"_\" and "
                  "\"-\", a letter or digit first"},
        ErrorCase{"KeyInsteadOfVariable", Credential("{name: a, env: sk-secret}"),
                  "7:24: providers.p.credentials[0].env: not the name of an environment variable; the key itself does "
                  "not belong here"},
        ErrorCase{
            "InlineKey", Credential("{name: a, key: sk-secret}"),
            "7:9: providers.p.credentials[0]: no source of the key: write one of env, file, proxy_env or proxy_file\n"
            "7:19: providers.p.credentials[0].key: unknown key \"key\""},
        ErrorCase{"SlipOfTheComma", Credential("{name: a, env: A, sk-secret}"),
                  "7:27: providers.p.credentials[0]: unknown key"},
        ErrorCase{"AString", Credential("sk-secret"),
                  "7:9: providers.p.credentials[0]: expected a mapping, found a string"},
        ErrorCase{"NoList", Provider("    credentials: sk-secret\n"),
                  "6:18: providers.p.credentials: expected a list, found a string"},
        ErrorCase{"EnvIsANumber", Credential("{name: a, env: 42}"),
                  "7:24: providers.p.credentials[0].env: expected a string, found a number (put it in quotes)"},
        ErrorCase{"EmptyFile", Credential("{name: a, file: \"\"}"),
                  "7:25: providers.p.credentials[0].file: the name of a file is missing"},
        ErrorCase{
            "Near", Credential("{name: a, evn: A}"),
            "7:9: providers.p.credentials[0]: no source of the key: write one of env, file, proxy_env or proxy_file\n"
            "7:19: providers.p.credentials[0].evn: unknown key \"evn\" (did you mean \"env\"?)"},
        ErrorCase{"SameName", Provider("    credentials:\n      - {name: a, env: A}\n      - {name: a, env: B}\n"),
                  "8:16: providers.p.credentials[1]: another credential of this provider has the same name"},
        ErrorCase{"PoolName", Credential("{name: a, env: A, pool: \"a b\"}"),
                  "7:33: providers.p.credentials[0].pool: this is not a name: at most 63 of a-z, 0-9, \".\", \"_\" and "
                  "\"-\", a letter or digit first"},
        ErrorCase{"Limit", Credential("{name: a, env: A, limits: {rpm: 0}}"),
                  "7:41: providers.p.credentials[0].limits.rpm: must be at least 1"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    ClientKeys, SchemaError,
    testing::Values(
        ErrorCase{"NoSource", Client("{name: a}"),
                  "4:7: auth.client_keys[0]: no source of the key: write one of env or file"},
        ErrorCase{
            "ByProxy", Client("{name: a, proxy_env: A}"),
            "4:17: auth.client_keys[0].proxy_env: a client's key is resolved by the control plane: use env or file"},
        ErrorCase{"SameName", Client("{name: a, env: A}\n    - {name: a, env: B}"),
                  "5:14: auth.client_keys[1].name: another client key has the same name"},
        ErrorCase{"UnknownChain", Client("{name: a, env: A, chains: [nope]}"),
                  "4:34: auth.client_keys[0].chains[0]: there is no chain \"nope\""},
        ErrorCase{"NoChains", Client("{name: a, env: A, chains: []}"),
                  "4:33: auth.client_keys[0].chains: an empty list allows nothing: leave it out to allow every chain"},
        ErrorCase{"ChainsIsAString", Client("{name: a, env: A, chains: secret}"),
                  "4:33: auth.client_keys[0].chains: expected a list, found a string"},
        ErrorCase{"UnknownInAuth", "version: 1\nauth: {clientkeys: []}\n",
                  "2:8: auth.clientkeys: unknown key \"clientkeys\" (did you mean \"client_keys\"?)"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Headers, SchemaError,
    testing::Values(
        ErrorCase{"LineBreak", Provider("    headers: {x-team: \"a\\r\\nX: secret\"}\n"),
                  "6:23: providers.p.headers.x-team: not a header's value: printable ASCII in one line, without blanks "
                  "around it"},
        ErrorCase{"Name", Provider("    headers: {\"x team\": a}\n"), "6:15: providers.p.headers: not a header's name"},
        ErrorCase{"Authorization", Provider("    headers: {Authorization: Bearer secret}\n"),
                  "6:15: providers.p.headers.Authorization: keys belong under credentials, where they are never shown"},
        ErrorCase{
            "HopByHop", Provider("    headers: {Transfer-Encoding: chunked}\n"),
            "6:15: providers.p.headers.Transfer-Encoding: this header belongs to the connection and cannot be set"},
        ErrorCase{"Ours", Provider("    headers: {x-429chain-target: a}\n"),
                  "6:15: providers.p.headers.x-429chain-target: x-429chain- headers are the proxy's own"},
        ErrorCase{"ContentType", Provider("    headers: {content-type: a}\n"),
                  "6:15: providers.p.headers.content-type: the proxy sets this header itself"},
        ErrorCase{"Twice", Provider("    headers: {x-a: a, X-A: b}\n"),
                  "6:23: providers.p.headers.X-A: this header is there twice"},
        ErrorCase{"Number", Provider("    headers: {x-a: 1}\n"),
                  "6:20: providers.p.headers.x-a: expected a string, found a number (put it in quotes)"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Chains, SchemaError,
    testing::Values(
        ErrorCase{"NoTargets", Chain("  d:\n    wait: 0s\n"), "9:3: chains.d: \"targets\" is missing"},
        ErrorCase{"EmptyTargets", Chain("  d: {targets: []}\n"),
                  "9:16: chains.d.targets: a chain needs at least one target"},
        ErrorCase{"NoModel",
                  Chain("  d:\n    targets:\n      - {provider: local, model: m}\n      - provider: local\n"),
                  "12:9: chains.d.targets[1]: \"model\" is missing"},
        ErrorCase{"EmptyModel", Chain("  d: {targets: [{provider: local, model: \"\"}]}\n"),
                  "9:42: chains.d.targets[0].model: must not be empty"},
        ErrorCase{"ModelKey", Chain("  d: {targets: [{provider: local, modle: m}]}\n"),
                  "9:17: chains.d.targets[0]: \"model\" is missing\n9:35: chains.d.targets[0].modle: unknown key "
                  "\"modle\" (did you mean \"model\"?)"},
        ErrorCase{"ModelIsANumber", Chain("  d: {targets: [{provider: local, model: 4}]}\n"),
                  "9:42: chains.d.targets[0].model: expected a string, found a number (put it in quotes)"},
        ErrorCase{"Nothing", Chain("  d: {targets: [{enabled: true}]}\n"),
                  "9:17: chains.d.targets[0]: a target is {provider, model}, {model} or {chain}"},
        ErrorCase{"AString", Chain("  d: {targets: [local/m]}\n"),
                  "9:17: chains.d.targets[0]: expected a mapping, found a string"},
        ErrorCase{"ChainAndModel", Chain("  d: {targets: [{chain: c, model: m}]}\n"),
                  "9:28: chains.d.targets[0].model: does not go together with \"chain\""},
        ErrorCase{"UnknownProvider", Chain("  d: {targets: [{provider: lcoal, model: m}]}\n"),
                  "9:28: chains.d.targets[0].provider: there is no provider \"lcoal\" (did you mean \"local\"?)"},
        ErrorCase{"NearProvider", Chain("  d: {targets: [{provider: locall, model: m}]}\n"),
                  "9:28: chains.d.targets[0].provider: there is no provider \"locall\" (did you mean \"local\"?)"},
        ErrorCase{"UnknownChain", Chain("  d: {targets: [{chain: e}]}\n"),
                  "9:25: chains.d.targets[0].chain: there is no chain \"e\""},
        ErrorCase{"Tier", Chain("  d: {targets: [{provider: local, model: m, tier: 1}]}\n"),
                  "9:45: chains.d.targets[0].tier: tiers: not supported yet"},
        ErrorCase{"Routing", Chain("    routing: fastest\n"),
                  "9:14: chains.c.routing: this way of routing: not supported yet"},
        ErrorCase{"UnknownRouting", Chain("    routing: orderd\n"),
                  "9:14: chains.c.routing: \"orderd\" is not known here: write ordered, fastest or spread (did you "
                  "mean \"ordered\"?)"},
        ErrorCase{"StreamBreak", Chain("    on_stream_break: continue\n"),
                  "9:22: chains.c.on_stream_break: continuing a broken stream: not supported yet"},
        ErrorCase{"Cache", Chain("    cache: {ttl: 5m}\n"), "9:18: chains.c.cache.ttl: caching: not supported yet"},
        ErrorCase{"MaxAttempts", Chain("    max_attempts: 0\n"), "9:19: chains.c.max_attempts: must be at least 1"},
        ErrorCase{"BareDuration", Chain("    wait: 5\n"),
                  "9:11: chains.c.wait: a duration needs a unit: 500ms, 3s, 10m, 1h"},
        ErrorCase{"BareZero", Chain("    wait: 0\n"),
                  "9:11: chains.c.wait: a duration needs a unit: 500ms, 3s, 10m, 1h"},
        ErrorCase{"NegativeDuration", Chain("    wait: -5s\n"),
                  "9:11: chains.c.wait: \"-5s\" is not a duration (it is negative); write a number with a unit: 500ms, "
                  "3s, 10m, 1h"},
        ErrorCase{"UnknownUnit", Chain("    timeouts: {total: 5d}\n"),
                  "9:23: chains.c.timeouts.total: \"5d\" is not a duration (unknown unit); write a number with a unit: "
                  "500ms, 3s, 10m, 1h"},
        ErrorCase{"NoTimeAtAll", Chain("    timeouts: {connect: 0s}\n"),
                  "9:25: chains.c.timeouts.connect: must be longer than 0s"},
        ErrorCase{"UnknownTimeout", Chain("    timeouts: {first_tokn: 5s}\n"),
                  "9:16: chains.c.timeouts.first_tokn: unknown key \"first_tokn\" (did you mean \"first_token\"?)"},
        ErrorCase{"AliasIsAChain", Chain("    aliases: [gpt, c]\n"),
                  "9:20: chains.c.aliases[1]: \"c\" is already the name or an alias of a chain"},
        ErrorCase{"AliasTwice", Chain("    aliases: [gpt, gpt]\n"),
                  "9:20: chains.c.aliases[1]: \"gpt\" is already the name or an alias of a chain"},
        ErrorCase{"EmptyAlias", Chain("    aliases: [\"\"]\n"), "9:15: chains.c.aliases[0]: must not be empty"},
        ErrorCase{"TwoChainsOfOneName", Chain("  c:\n    targets: [{model: m}]\n"),
                  "9:3: chains.c: this key is there twice; the first is at line 7"}),
    NameOf);

TEST(Schema, AllErrorsOfAllStagesComeAtOnce) {
  const ParseOutcome outcome = ParseForTests(
      "version: \"1\"\n"
      "providers:\n"
      "  p: {kind: openai, base_url: ftp://x, limits: {rpm: -1}}\n"
      "  p: {}\n"
      "chains:\n"
      "  a: {targets: [{provider: q, model: m}], wait: 3}\n"
      "  b: {targets: [{chain: b}]}\n"
      "defaultchain: a\n");
  EXPECT_EQ(outcome.text,
            "c.yaml:1:10: error: version: expected a whole number, found a string (remove the quotes)\n"
            "c.yaml:3:31: error: providers.p.base_url: the scheme must be https or http\n"
            "c.yaml:3:54: error: providers.p.limits.rpm: must be at least 1\n"
            "c.yaml:4:3: error: providers.p: this key is there twice; the first is at line 3\n"
            "c.yaml:6:28: error: chains.a.targets[0].provider: there is no provider \"q\"\n"
            "c.yaml:6:49: error: chains.a.wait: a duration needs a unit: 500ms, 3s, 10m, 1h\n"
            "c.yaml:7:25: error: chains.b.targets[0].chain: chains lead in a circle: b -> b\n"
            "c.yaml:8:1: error: defaultchain: unknown key \"defaultchain\" (did you mean \"default_chain\"?)\n");
}

TEST(Schema, JsonGivesTheSameErrors) {
  const ParseOutcome outcome =
      ParseForTests("{\"version\": 1,\n\"chains\": {\"c\": {\"targets\": [{\"provider\": \"groq\"}]}}}", "c.json");
  EXPECT_EQ(outcome.text,
            "c.json:2:30: error: chains.c.targets[0]: \"model\" is missing\n"
            "c.json:2:43: error: chains.c.targets[0].provider: there is no provider \"groq\"\n");
}

TEST(Schema, MissingTimeZoneDataIsSaid) {
  ConfigProblems problems;
  const auto none = [](std::string_view zone) { return zone == "UTC" ? ZoneAnswer::kKnown : ZoneAnswer::kNoData; };
  ParseConfig("version: 1\nproviders:\n  p: {kind: pacific, credentials: [{name: a, env: A}]}\n", "c.yaml",
              CatalogueForTests(), none, problems);
  EXPECT_EQ(FormatProblems("c.yaml", problems.Sorted()),
            "c.yaml:3:3: error: providers.p: no time zone data is installed on this machine (package tzdata), so that "
            "windows in a zone other than UTC cannot be used\n");
}

}  // namespace
}  // namespace chain429
