#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace chain429 {

// A message as indented JSON for `-o json`: field names as in the .proto, every field there, numbers as numbers
// (protobuf's own JSON makes strings of 64-bit ones), enums by their names without the prefix and in lower case. 64-bit
// ids, which no JSON number can hold, are strings.
std::string MessageJson(const google::protobuf::Message& message);

}  // namespace chain429
