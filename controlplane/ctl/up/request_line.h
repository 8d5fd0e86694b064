#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace chain429 {

// The fields of a log line as text, by name.
using LogFields = std::map<std::string, std::string, std::less<>>;

// Of a text line's rest: ` key=value key="two words"`.
LogFields ReadLogFields(std::string_view rest);

// What the proxy says of one request, as short as a person wants it who watches many go by:
// "demo -> groq/m 200 in 480 ms, first content after 123 ms". Empty: it has more to say, or is none.
std::string RequestLine(const LogFields& fields);

}  // namespace chain429
