#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/sim/provider.h"

namespace chain429::sim {

// Reads one HTTP request from the bytes that come. Takes content-length and chunked bodies and Expect; keeps the head
// as it was sent.
class RequestReader {
 public:
  RequestReader();
  ~RequestReader();

  // Returns how many of the bytes were used; the rest is to be offered again, with what follows.
  size_t Feed(std::string_view bytes);

  bool begun() const { return !head_.empty(); }
  bool done() const { return malformed_ || whole_; }
  // Whether the client waits for "100 Continue"; true only once.
  bool TakeExpectation();
  // REQUIRES: done().
  IncomingRequest Take();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::string head_;
  bool whole_ = false;
  bool malformed_ = false;
  bool expects_ = false;
};

}  // namespace chain429::sim
