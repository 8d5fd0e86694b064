#include <exception>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/text.h"
#include "common/config/document_builder.h"
#include "yaml-cpp/depthguard.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace chain429 {
namespace {

// Thrown through the parser, which has no other way to be stopped.
struct Stopped {};

NodeKind KindOf(const std::string& tag, const std::string& value, bool& known) {
  known = true;
  if (tag == "?") return PlainKind(value);
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return NodeKind::kString;
  known = tag.empty();
  return PlainKind(value);
}

// The parser does not say how a null was spelled.
std::string_view NullAt(std::string_view text) {
  for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
    if (text.starts_with(word)) return word;
  }
  return {};
}

class EventReader final : public YAML::EventHandler {
 public:
  EventReader(const LineTable& lines, DocumentBuilder& builder) : lines_(lines), builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Go(builder_.Fail(At(mark), "a second document: one file holds one configuration"));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Go(builder_.Scalar(NodeKind::kNull, At(mark), NullAt(lines_.From(mark.line, mark.column)), anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { Go(builder_.Alias(At(mark), anchor)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    bool known = false;
    const NodeKind kind = KindOf(tag, value, known);
    if (!known) Go(builder_.Fail(At(mark), "tags are not supported here"));
    Go(builder_.Scalar(kind, At(mark), value, anchor));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Collection(NodeKind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Go(builder_.End()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Collection(NodeKind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override { Go(builder_.End()); }

  Position At(const YAML::Mark& mark) const { return lines_.OfLine(mark.line, mark.column); }

 private:
  void Collection(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (tag != "?" && !tag.empty()) Go(builder_.Fail(At(mark), "tags are not supported here"));
    Go(builder_.Start(kind, At(mark), anchor));
  }
  static void Go(bool on) {
    if (!on) throw Stopped();
  }

  const LineTable& lines_;
  DocumentBuilder& builder_;
  int documents_ = 0;
};

// Some messages end in a piece of the file after a colon; the file may hold secrets.
std::string_view FixedPart(std::string_view message) { return message.substr(0, message.find(": ")); }

}  // namespace

void ParseYaml(std::string_view text, const LineTable& lines, DocumentBuilder& builder) {
  EventReader reader(lines, builder);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(reader)) {
    }
  } catch (const Stopped&) {
    return;
  } catch (const YAML::DeepRecursion& error) {
    builder.Fail(reader.At(error.mark), "nested too deep");
  } catch (const YAML::Exception& error) {
    builder.Fail(reader.At(error.mark), absl::StrCat("not valid YAML: ", ToAbsl(FixedPart(error.msg))));
  } catch (const std::exception&) {
    builder.Fail({1, 1}, "not valid YAML");
  }
}

}  // namespace chain429
