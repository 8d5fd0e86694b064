#include "controlplane/ctl/up/log_line.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "controlplane/ctl/terminal.h"
#include "controlplane/ctl/up/request_line.h"

namespace chain429 {
namespace {

LineWeight WeightOf(std::string_view level) {
  if (level == "debug") return LineWeight::kQuiet;
  if (level == "warning") return LineWeight::kWarning;
  if (level == "error") return LineWeight::kError;
  return LineWeight::kPlain;
}

constexpr std::string_view kRequest = "request";  // the message of the proxy's line about one

std::string ShortOr(const LogFields& fields, std::string otherwise) {
  std::string line = RequestLine(fields);
  return line.empty() ? std::move(otherwise) : line;
}

ShownLine FromJson(const nlohmann::ordered_json& json) {
  ShownLine line;
  const auto message = json["message"].get<std::string>();
  line.text = message;
  LogFields fields;
  for (const auto& [key, value] : json.items()) {
    if (key == "message" || key == "time" || key == "level" || key == "program") continue;
    const std::string text = value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    absl::StrAppend(&line.text, " ", key, "=", text);
    fields[key] = value.is_string() ? value.get<std::string>() : text;
  }
  if (message == kRequest) line.text = ShortOr(fields, std::move(line.text));
  const auto level = json.find("level");
  if (level != json.end() && level->is_string()) line.weight = WeightOf(level->get<std::string>());
  return line;
}

// "2026-11-24T12:00:00.123Z info 429chain-proxy: text"
ShownLine FromText(std::string_view text) {
  constexpr size_t kTime = std::string_view("2026-11-24T12:00:00.123Z").size();
  const bool stamped =
      text.size() > kTime && text[4] == '-' && text[10] == 'T' && text[kTime - 1] == 'Z' && text[kTime] == ' ';
  if (!stamped) return {std::string(text), LineWeight::kPlain};
  const std::string_view rest = text.substr(kTime + 1);
  const size_t space = rest.find(' ');
  const size_t colon = rest.find(": ");
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space)
    return {std::string(text), LineWeight::kPlain};
  std::string shown(rest.substr(colon + 2));
  if (shown.starts_with(kRequest) && shown.substr(kRequest.size()).starts_with(" "))
    shown = ShortOr(ReadLogFields(rest.substr(colon + 2 + kRequest.size())), std::move(shown));
  return {std::move(shown), WeightOf(rest.substr(0, space))};
}

}  // namespace

ShownLine ReadLogLine(std::string_view line) {
  ShownLine out;
  const auto json = line.starts_with("{") ? nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false)
                                          : nlohmann::ordered_json();
  if (json.is_object() && json.contains("message") && json["message"].is_string()) {
    out = FromJson(json);
  } else {
    out = FromText(line);
  }
  out.text = Printable(out.text);
  return out;
}

}  // namespace chain429
