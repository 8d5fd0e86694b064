#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/document_builder.h"
#include "nlohmann/json.hpp"

namespace chain429 {
namespace {

using Json = nlohmann::json;

// The library reports events without places. Events come in the order of the tokens, so that walking over the text in
// step with them finds each one's place; the library has validated every token before it reports it.
class EventReader final : public nlohmann::json_sax<Json> {
 public:
  EventReader(std::string_view text, const LineTable& lines, DocumentBuilder& builder)
      : text_(text), lines_(lines), builder_(builder) {}

  bool null() override { return Word(NodeKind::kNull); }
  bool boolean(bool) override { return Word(NodeKind::kBool); }
  bool number_integer(number_integer_t) override { return Word(NodeKind::kInteger); }
  bool number_unsigned(number_unsigned_t) override { return Word(NodeKind::kInteger); }
  bool number_float(number_float_t, const string_t&) override {
    // An integer too large for 64 bits arrives here as well.
    const size_t start = SkipSeparators();
    const std::string_view word = WordAt(start);
    return Word(word.find_first_of(".eE") == std::string_view::npos ? NodeKind::kInteger : NodeKind::kFloat);
  }
  bool string(string_t& value) override {
    return builder_.Scalar(NodeKind::kString, lines_.OfOffset(SkipString()), value);
  }
  bool key(string_t& value) override { return string(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return builder_.Start(NodeKind::kMapping, lines_.OfOffset(SkipBracket())); }
  bool start_array(std::size_t) override { return builder_.Start(NodeKind::kSequence, lines_.OfOffset(SkipBracket())); }
  bool end_object() override {
    SkipBracket();
    return builder_.End();
  }
  bool end_array() override { return end_object(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    return builder_.Fail(lines_.OfOffset(position > 0 ? position - 1 : 0),
                         absl::StrCat("not valid JSON: ", Reason(error.what())));
  }

 private:
  // The library's message without its place, which ours has, and without the last token, which may be a secret.
  static std::string Reason(std::string_view what) {
    for (const std::string_view marker : {std::string_view("] "), std::string_view(": ")}) {
      const size_t at = what.find(marker);
      if (at != std::string_view::npos) what.remove_prefix(at + marker.size());
    }
    return std::string(what.substr(0, what.find("; last read")));
  }

  size_t SkipSeparators() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n,:", at_), text_.size());
    return at_;
  }
  std::string_view WordAt(size_t start) const {
    const size_t end = std::min(text_.find_first_of(" \t\r\n,:]}", start), text_.size());
    return text_.substr(start, end - start);
  }
  bool Word(NodeKind kind) {
    const size_t start = SkipSeparators();
    const std::string_view word = WordAt(start);
    at_ = start + word.size();
    return builder_.Scalar(kind, lines_.OfOffset(start), word);
  }
  size_t SkipString() {
    const size_t start = SkipSeparators();
    for (at_ = start + 1; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
    return start;
  }
  size_t SkipBracket() {
    const size_t start = SkipSeparators();
    ++at_;
    return start;
  }

  const std::string_view text_;
  const LineTable& lines_;
  DocumentBuilder& builder_;
  size_t at_ = 0;
};

}  // namespace

void ParseJson(std::string_view text, const LineTable& lines, DocumentBuilder& builder) {
  EventReader reader(text, lines, builder);
  try {
    Json::sax_parse(text.begin(), text.end(), &reader);
  } catch (const std::exception&) {
    builder.Fail({1, 1}, "not valid JSON");
  }
}

}  // namespace chain429
