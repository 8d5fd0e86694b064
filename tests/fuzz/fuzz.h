#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/random.h"

// What each target implements. Returns 0; whatever must not be, ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace chain429::fuzz {

[[noreturn]] inline void Fail(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: this must hold for any input: %s\n", file, line, condition);
  std::abort();
}

#define FUZZ_ASSERT(condition)                                                \
  do {                                                                        \
    if (!(condition)) ::chain429::fuzz::Fail(__FILE__, __LINE__, #condition); \
  } while (false)

inline std::string_view Text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// Choices (where to cut, what to put behind) are drawn from the bytes themselves, so that corpora stay plain texts.
inline Random ChoicesFor(std::string_view bytes) { return Random(StableId(bytes)); }

}  // namespace chain429::fuzz
