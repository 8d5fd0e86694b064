#include "common/config/document.h"

#include <string>

#include "gtest/gtest.h"

namespace chain429 {
namespace {

struct Parsed {
  std::optional<ConfigNode> root;
  std::vector<ConfigProblem> problems;
};

Parsed Parse(std::string_view text, DocumentFormat format) {
  ConfigProblems problems;
  Parsed parsed;
  parsed.root = ParseDocument(text, format, problems);
  parsed.problems = problems.Sorted();
  return parsed;
}
Parsed Yaml(std::string_view text) { return Parse(text, DocumentFormat::kYaml); }
Parsed Json(std::string_view text) { return Parse(text, DocumentFormat::kJson); }

std::string First(const Parsed& parsed) {
  return parsed.problems.empty() ? "" : FormatProblem("f", parsed.problems.front());
}

TEST(Document, YamlKeysAndValuesKnowTheirPlace) {
  const Parsed parsed = Yaml("a: 1\nb:\n  - x\n  - {c: \"y\"}\n");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(parsed.root->members[0].key_at, (Position{1, 1}));
  EXPECT_EQ(parsed.root->members[0].value.at, (Position{1, 4}));
  const ConfigNode& b = parsed.root->members[1].value;
  EXPECT_EQ(b.items[0].at, (Position{3, 5}));
  EXPECT_EQ(b.items[1].at, (Position{4, 5}));
  EXPECT_EQ(b.items[1].members[0].key_at, (Position{4, 6}));
  EXPECT_EQ(b.items[1].members[0].value.at, (Position{4, 9}));
}

TEST(Document, JsonKeysAndValuesKnowTheirPlace) {
  const Parsed parsed = Json("{\n  \"a\\\"b\": -1.5e3, \"l\" : [ true ,null,\"\\\\\", 7],\n \"o\":{}, \"e\":[]}");
  ASSERT_TRUE(parsed.root) << First(parsed);
  ASSERT_EQ(parsed.root->members.size(), 4u);
  EXPECT_EQ(parsed.root->members[0].key, "a\"b");
  EXPECT_EQ(parsed.root->members[0].key_at, (Position{2, 3}));
  EXPECT_EQ(parsed.root->members[0].value.at, (Position{2, 11}));
  EXPECT_EQ(parsed.root->members[0].value.text, "-1.5e3");
  const ConfigNode& list = parsed.root->members[1].value;
  EXPECT_EQ(list.at, (Position{2, 25}));
  EXPECT_EQ(list.items[0].at, (Position{2, 27}));
  EXPECT_EQ(list.items[1].kind, NodeKind::kNull);
  EXPECT_EQ(list.items[2].text, "\\");
  EXPECT_EQ(list.items[3].at, (Position{2, 44}));
  EXPECT_EQ(parsed.root->members[2].value.at, (Position{3, 6}));
  EXPECT_EQ(parsed.root->members[3].value.at, (Position{3, 14}));
}

TEST(Document, ColumnsCountCharacters) {
  EXPECT_EQ(Yaml("{é: ü, b: 1}").root->members[1].key_at, (Position{1, 8}));
  EXPECT_EQ(Json("{\"é\": \"ü\", \"b\": 1}").root->members[1].key_at, (Position{1, 12}));
}

TEST(Document, ByteOrderMarkIsSkipped) {
  EXPECT_EQ(Yaml("\xEF\xBB\xBF"
                 "a: 1")
                .root->members[0]
                .key_at,
            (Position{1, 1}));
  EXPECT_EQ(Json("\xEF\xBB\xBF{\"a\": 1}").root->members[0].key_at, (Position{1, 2}));
}

TEST(Document, ScalarsFollowTheCoreSchema) {
  const struct {
    const char* text;
    NodeKind kind;
  } kCases[] = {{"1", NodeKind::kInteger},     {"-5", NodeKind::kInteger},
                {"0x1F", NodeKind::kInteger},  {"0o17", NodeKind::kInteger},
                {"1.5", NodeKind::kFloat},     {".5", NodeKind::kFloat},
                {"1e3", NodeKind::kFloat},     {".inf", NodeKind::kFloat},
                {"true", NodeKind::kBool},     {"FALSE", NodeKind::kBool},
                {"null", NodeKind::kNull},     {"~", NodeKind::kNull},
                {"", NodeKind::kNull},         {"yes", NodeKind::kString},
                {"off", NodeKind::kString},    {"1_000", NodeKind::kString},
                {"12:30", NodeKind::kString},  {"\"1\"", NodeKind::kString},
                {"'true'", NodeKind::kString}, {"\"\"", NodeKind::kString},
                {"3s", NodeKind::kString},     {"0x", NodeKind::kString},
                {"1e", NodeKind::kString},     {"!!str 1", NodeKind::kString},
                {"-", NodeKind::kSequence},    {"+1", NodeKind::kInteger},
                {"1.2.3", NodeKind::kString},  {"2026-01-01", NodeKind::kString}};
  for (const auto& test : kCases) {
    const Parsed parsed = Yaml(std::string("k: ") + (std::string_view(test.text) == "-" ? "[]" : test.text));
    ASSERT_TRUE(parsed.root) << test.text << First(parsed);
    EXPECT_EQ(parsed.root->members[0].value.kind, test.kind) << test.text;
  }
}

TEST(Document, JsonTypes) {
  const Parsed parsed = Json(R"({"a":1,"b":1.0,"c":"1","d":true,"e":null,"f":123456789012345678901234567890})");
  ASSERT_TRUE(parsed.root);
  const NodeKind kKinds[] = {NodeKind::kInteger, NodeKind::kFloat, NodeKind::kString,
                             NodeKind::kBool,    NodeKind::kNull,  NodeKind::kInteger};
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(parsed.root->members[i].value.kind, kKinds[i]) << i;
}

TEST(Document, JsonSurrogatePairsAreOneCharacter) {
  const Parsed parsed = Json(R"({"a":"\ud83d\ude00","b":1})");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(parsed.root->members[0].value.text, "\xF0\x9F\x98\x80");
  EXPECT_EQ(parsed.root->members[1].key_at, (Position{1, 21}));
  EXPECT_FALSE(Json(R"({"a":"\ud83d"})").root);
}

TEST(Document, AnchorsAndAliasesAreCopied) {
  const Parsed parsed = Yaml("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n");
  ASSERT_TRUE(parsed.root) << First(parsed);
  EXPECT_EQ(parsed.root->members[1].value.members[0].value.text, "1");
  EXPECT_EQ(parsed.root->members[2].value.items[1].members[0].key, "k");
}

TEST(Document, DuplicateKeysAreRefusedInBothFormats) {
  const Parsed yaml = Yaml("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n");
  ASSERT_EQ(yaml.problems.size(), 2u);
  EXPECT_EQ(FormatProblem("f", yaml.problems[0]), "f:5:3: error: b.c: this key is there twice; the first is at line 3");
  EXPECT_EQ(FormatProblem("f", yaml.problems[1]), "f:6:1: error: a: this key is there twice; the first is at line 1");
  EXPECT_EQ(yaml.root->members.size(), 2u);
  EXPECT_EQ(First(Json("{\"a\": [{\"b\": 1,\n\"\\u0062\": 2}]}")),
            "f:2:1: error: a[0].b: this key is there twice; the first is at line 1");
  EXPECT_EQ(Yaml("'a': 1\n\"a\": 2\n").problems.size(), 1u);
}

TEST(Document, RefusalsNameThePlace) {
  const struct {
    const char* name;
    std::string text;
    DocumentFormat format;
    const char* expected;
  } kCases[] = {
      {"two documents", "a: 1\n---\nb: 2\n", DocumentFormat::kYaml,
       "f:2:1: error: a second document: one file holds one configuration"},
      {"NUL", std::string("a: 1\nb: \0\n", 11), DocumentFormat::kYaml, "f:2:4: error: a NUL byte is not allowed"},
      {"NUL in JSON", std::string("{\"a\": \"\0\"}", 10), DocumentFormat::kJson,
       "f:1:8: error: a NUL byte is not allowed"},
      {"escaped NUL", "a: \"\\0\"\n", DocumentFormat::kYaml, "f:1:4: error: a: a NUL character is not allowed"},
      {"escaped NUL in JSON", "{\"a\": \"\\u0000\"}", DocumentFormat::kJson,
       "f:1:7: error: a: a NUL character is not allowed"},
      {"control character", "a: \x1b[0m\n", DocumentFormat::kYaml, "f:1:4: error: a control character is not allowed"},
      {"tab", "a:\n\tb: 1\n", DocumentFormat::kYaml, "f:2:1: error: a tab in the indentation: use spaces"},
      {"tab after blanks", "a:\n  \tb: 1\n", DocumentFormat::kYaml,
       "f:2:3: error: a tab in the indentation: use spaces"},
      {"invalid UTF-8", "a: 1\nb: \xC3\x28\n", DocumentFormat::kYaml, "f:2:4: error: not valid UTF-8"},
      {"overlong UTF-8", "a: \xC0\x80\n", DocumentFormat::kYaml, "f:1:4: error: not valid UTF-8"},
      {"surrogate in UTF-8", "{\"a\": \"\xED\xA0\x80\"}", DocumentFormat::kJson, "f:1:8: error: not valid UTF-8"},
      {"beyond Unicode", "a: \xF5\x80\x80\x80\n", DocumentFormat::kYaml, "f:1:4: error: not valid UTF-8"},
      {"cut UTF-8", "a: \xE2\x82", DocumentFormat::kYaml, "f:1:4: error: not valid UTF-8"},
      {"self-reference", "a: &x\n  b: *x\n", DocumentFormat::kYaml,
       "f:2:6: error: an alias inside the value that it stands for"},
      {"tags", "a: !!binary aGk=\n", DocumentFormat::kYaml, "f:1:4: error: tags are not supported here"},
      {"list as key", "? [a]\n: b\n", DocumentFormat::kYaml, "f:1:3: error: a key must be a plain word, not a list"},
      {"null as key", "~: b\n", DocumentFormat::kYaml, "f:1:1: error: a key must be a plain word, not nothing"},
      {"empty", "", DocumentFormat::kYaml,
       "f:1:1: error: the file is empty: `version: 1` is the least that it must hold"},
      {"only a comment", "# hello\n", DocumentFormat::kYaml,
       "f:1:1: error: the file is empty: `version: 1` is the least that it must hold"},
      {"trailing comma", "{\"a\": 1,}", DocumentFormat::kJson,
       "f:1:9: error: not valid JSON: syntax error while parsing object key - unexpected '}'; expected string literal"},
      {"two JSON values", "{} {}", DocumentFormat::kJson,
       "f:1:4: error: not valid JSON: syntax error while parsing value - unexpected '{'; expected end of input"},
      {"comment in JSON", "{}\n// x", DocumentFormat::kJson,
       "f:2:1: error: not valid JSON: syntax error while parsing value - invalid literal"},
      {"empty JSON", "", DocumentFormat::kJson,
       "f:1:1: error: not valid JSON: syntax error while parsing value - unexpected end of input; expected '[', '{', "
       "or a literal"},
  };
  for (const auto& test : kCases) {
    const Parsed parsed = Parse(test.text, test.format);
    EXPECT_FALSE(parsed.root) << test.name;
    EXPECT_EQ(First(parsed), test.expected) << test.name;
    EXPECT_EQ(parsed.problems.size(), 1u) << test.name;
  }
}

TEST(Document, SyntaxErrorsNeverRepeatTheText) {
  for (const char* text :
       {"a: *sk-secret-anchor\n", "a: \"\\qsecret\"\n", "a: b: secret\n", "a: [secret\n", "a: 'secret\n", "&secret",
        "a: @secret\n", "a: `secret\n", "!<secret", "%YAML secret\n", "a: %secret\n", "a: |secret\n  x\n"}) {
    const Parsed parsed = Yaml(text);
    EXPECT_EQ(First(parsed).find("secret"), std::string::npos) << First(parsed);
  }
  for (const char* text :
       {"{\"a\": secret}", "{\"a\": \"\\qsecret\"}", "{secret: 1}", "{\"a\" \"secret\"}", "{\"a\": \"secret"}) {
    const Parsed parsed = Json(text);
    EXPECT_FALSE(parsed.root) << text;
    EXPECT_EQ(First(parsed).find("secret"), std::string::npos) << First(parsed);
  }
}

TEST(Document, AliasBombsAreRefusedWithinBounds) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "" : ",") + previous;
    bomb += "]\n";
  }
  EXPECT_NE(First(Yaml(bomb)).find("too many values"), std::string::npos);
  // Few nodes, much text.
  std::string text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) text += "*a,";
  EXPECT_NE(First(Yaml(text + "]\n")).find("too much text"), std::string::npos);
  // Every level a copy of all below.
  std::string nested;
  for (int i = 0; i < 30; ++i) nested += "&n" + std::to_string(i) + " [";
  for (int i = 0; i < 20'000; ++i) nested += "x,";
  nested += std::string(30, ']');
  EXPECT_NE(First(Yaml("a: " + nested + "\n")).find("too many values"), std::string::npos);
}

TEST(Document, DeepNestingIsRefusedWithinBounds) {
  for (const char* open : {"[", "{a: ", "- ", "? ", "[{"}) {
    std::string text;
    while (text.size() < 200'000) text += open;
    EXPECT_FALSE(Yaml(text).root) << open;
  }
  std::string indented;
  for (int i = 0; i < 600; ++i) indented += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(Yaml(indented).root);
  for (const char* open : {"[", "{\"a\":"}) {
    std::string text;
    while (text.size() < 500'000) text += open;
    EXPECT_NE(First(Json(text)).find("nested deeper than 32"), std::string::npos) << open;
  }
}

TEST(Document, LargeFilesAreRefusedUnread) {
  EXPECT_EQ(First(Yaml(std::string(kLargestDocument + 1, '['))), "f:1:1: error: larger than 1 MiB");
}

TEST(Document, TheNameTellsTheFormatElseTheText) {
  EXPECT_EQ(FormatOf("a.json", "a: 1"), DocumentFormat::kJson);
  EXPECT_EQ(FormatOf("a.JSON", ""), DocumentFormat::kJson);
  EXPECT_EQ(FormatOf("a.yaml", "{}"), DocumentFormat::kYaml);
  EXPECT_EQ(FormatOf("a.yml", "{}"), DocumentFormat::kYaml);
  EXPECT_EQ(FormatOf("config", " \n {}"), DocumentFormat::kJson);
  EXPECT_EQ(FormatOf("config", "version: 1"), DocumentFormat::kYaml);
}

TEST(Document, AKeyIsAWordWhateverItWouldBeAsAValue) {
  const Parsed parsed = Parse("null: 1\nNull: 2\ntrue: 3\n12: 4\n", DocumentFormat::kYaml);
  ASSERT_TRUE(parsed.root) << First(parsed);
  std::vector<std::string> keys;
  for (const ConfigMember& member : parsed.root->members) keys.push_back(member.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"null", "Null", "true", "12"}));
}

}  // namespace
}  // namespace chain429
