#include "controlplane/store/pool_memory_json.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/controlplane/store/memories.h"

namespace chain429 {
namespace {

using Json = nlohmann::json;

TEST(PoolMemoryJson, BringsBackEveryField) {
  const PoolMemory memory = FullMemory("groq/main/openai/gpt-oss-120b");
  const auto back = PoolMemoryFromJson(PoolMemoryToJson(memory));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Fields(*back), Fields(memory));
}

TEST(PoolMemoryJson, BringsBackEveryClosureUnitWindowAndProvenance) {
  for (int i = 0; i <= static_cast<int>(Closure::kOverloaded); ++i) {
    PoolMemory memory = FullMemory("p");
    memory.closure = static_cast<Closure>(i);
    EXPECT_EQ(PoolMemoryFromJson(PoolMemoryToJson(memory))->closure, memory.closure);
  }
  for (int i = 0; i <= static_cast<int>(Unit::kCredits); ++i) {
    PoolMemory memory = FullMemory("p");
    memory.learnt[0].unit = memory.marks[0].unit = static_cast<Unit>(i);
    EXPECT_EQ(Fields(*PoolMemoryFromJson(PoolMemoryToJson(memory))), Fields(memory));
  }
  for (int i = 0; i <= static_cast<int>(WindowKind::kBucket); ++i) {
    PoolMemory memory = FullMemory("p");
    memory.learnt[0].window.kind = static_cast<WindowKind>(i);
    EXPECT_EQ(PoolMemoryFromJson(PoolMemoryToJson(memory))->learnt, memory.learnt);
  }
  for (int i = 0; i <= static_cast<int>(Provenance::kInferred); ++i) {
    PoolMemory memory = FullMemory("p");
    memory.learnt[0].provenance = static_cast<Provenance>(i);
    EXPECT_EQ(PoolMemoryFromJson(PoolMemoryToJson(memory))->learnt, memory.learnt);
  }
}

TEST(PoolMemoryJson, IsOneLineWhateverTheNameHolds) {
  for (const std::string key : {"", "a\"b\\c", "line\nbreak", "\x01\x7f", "ünïcode", "p/m:free"}) {
    const std::string json = PoolMemoryToJson(FullMemory(key));
    EXPECT_EQ(json.find('\n'), std::string::npos) << json;
    const auto back = PoolMemoryFromJson(json);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->key, key);
  }
}

TEST(PoolMemoryJson, NeverThrowsForANameThatIsNoUtf8) {
  EXPECT_TRUE(PoolMemoryFromJson(PoolMemoryToJson(FullMemory("bad\xff\xc3"))).ok());
}

TEST(PoolMemoryJson, ATimeWithoutEndStaysFarInTheFuture) {
  PoolMemory memory = FullMemory("p");
  memory.closed_until = absl::InfiniteFuture();
  const auto back = PoolMemoryFromJson(PoolMemoryToJson(memory));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_GT(back->closed_until, memory.at + absl::Hours(24 * 365 * 50));
}

// Everything that is not exactly what was written: of another release, or tampered with.
struct HostileCase {
  const char* what;
  std::function<void(Json&)> change;
};

class HostileMemory : public testing::TestWithParam<HostileCase> {};

TEST_P(HostileMemory, IsAnError) {
  Json json = Json::parse(PoolMemoryToJson(FullMemory("p")));
  ASSERT_TRUE(PoolMemoryFromJson(json.dump()).ok());
  GetParam().change(json);
  EXPECT_FALSE(PoolMemoryFromJson(json.dump()).ok()) << json.dump();
}

INSTANTIATE_TEST_SUITE_P(
    PoolMemoryJson, HostileMemory,
    testing::Values(
        HostileCase{"NoKey", [](Json& json) { json.erase("key"); }},
        HostileCase{"KeyOfAnotherType", [](Json& json) { json["key"] = 5; }},
        HostileCase{"NoTime", [](Json& json) { json.erase("at_ns"); }},
        HostileCase{"TimeAsText", [](Json& json) { json["at_ns"] = "1780000000"; }},
        HostileCase{"TimeWithAFraction", [](Json& json) { json["closed_until_ns"] = 1.5; }},
        HostileCase{"TimeBeyond64Bits", [](Json& json) { json["at_ns"] = std::numeric_limits<uint64_t>::max(); }},
        HostileCase{"UnknownClosure", [](Json& json) { json["closure"] = 6; }},
        HostileCase{"NegativeClosure", [](Json& json) { json["closure"] = -1; }},
        HostileCase{"ClosureThatWouldWrapTo32Bits", [](Json& json) { json["closure"] = int64_t{1} << 32; }},
        HostileCase{"ClosureAsTruthValue", [](Json& json) { json["closure"] = true; }},
        HostileCase{"ClosureWithAFraction", [](Json& json) { json["closure"] = 1.9; }},
        HostileCase{"AuthoritativeAsNumber", [](Json& json) { json["authoritative"] = 1; }},
        HostileCase{"NegativeInferred", [](Json& json) { json["inferred"] = -1; }},
        HostileCase{"LearntIsNoList", [](Json& json) { json["learnt"] = {{"unit", 0}}; }},
        HostileCase{"LearntIsMissing", [](Json& json) { json.erase("learnt"); }},
        HostileCase{"LearntHoldsNumbers", [](Json& json) { json["learnt"] = {1, 2}; }},
        HostileCase{"UnknownUnit", [](Json& json) { json["learnt"][0]["unit"] = 6; }},
        HostileCase{"NegativeAmount", [](Json& json) { json["learnt"][0]["amount"] = -30; }},
        HostileCase{"UnknownProvenance", [](Json& json) { json["learnt"][1]["provenance"] = 4; }},
        HostileCase{"NoWindow", [](Json& json) { json["learnt"][0].erase("window"); }},
        HostileCase{"UnknownWindowKind", [](Json& json) { json["learnt"][0]["window"]["kind"] = 3; }},
        HostileCase{"WindowWithoutLength", [](Json& json) { json["learnt"][0]["window"]["length_ns"] = 0; }},
        HostileCase{"BurstOfNothing", [](Json& json) { json["marks"][0]["window"]["burst"] = 0; }},
        HostileCase{"NegativeWindow", [](Json& json) { json["marks"][0]["window"]["length_ns"] = -1; }},
        HostileCase{"AnchorBeyondTheDay",
                    [](Json& json) { json["marks"][0]["window"]["anchor_ns"] = int64_t{86'400} * 1'000'000'000; }},
        HostileCase{"NegativeAnchor", [](Json& json) { json["marks"][0]["window"]["anchor_ns"] = -1; }},
        HostileCase{"ZoneAsNumber", [](Json& json) { json["marks"][0]["window"]["zone"] = 1; }},
        HostileCase{"NegativeMark", [](Json& json) { json["marks"][1]["used"] = -5; }},
        HostileCase{"MarkWithoutUse", [](Json& json) { json["marks"][1].erase("used"); }},
        HostileCase{"MarksIsNull", [](Json& json) { json["marks"] = nullptr; }}),
    [](const auto& one) { return one.param.what; });

TEST(PoolMemoryJson, RefusesWhatIsNoObject) {
  for (const std::string text :
       {"", "{", "null", "[]", "7", "\"text\"", "{\"key\":\"p\"", "{}x", "\xff", "{\"key\":\"\xff\"}"}) {
    EXPECT_FALSE(PoolMemoryFromJson(text).ok()) << text;
  }
  EXPECT_FALSE(PoolMemoryFromJson(std::string(200'000, '[')).ok());
  EXPECT_FALSE(PoolMemoryFromJson(std::string(100'000, '[') + std::string(100'000, ']')).ok());
}

TEST(PoolMemoryJson, AMemoryCutOffAnywhereIsAnError) {
  const std::string whole = PoolMemoryToJson(FullMemory("p"));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(PoolMemoryFromJson(whole.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace chain429
