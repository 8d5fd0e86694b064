#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain429::sim {

using Header = std::pair<std::string, std::string>;

// A whole answer, before it is framed.
struct HttpAnswer {
  int status = 200;
  std::vector<Header> headers;
  std::string content_type = "application/json";
  std::string body;
};

std::string_view ReasonOf(int status);

// "HTTP/1.1 200 OK" with the headers in the given order and the empty line.
std::string HeadText(int status, const std::vector<Header>& headers);

// One chunk of a chunked body.
std::string ChunkText(std::string_view data);

}  // namespace chain429::sim
