#include "dataplane/request/trace_fields.h"

#include <algorithm>

#include "common/base/text.h"
#include "dataplane/http/response.h"
#include "dataplane/http/traceparent.h"

namespace chain429 {
namespace {

constexpr std::string_view kParent = "traceparent";
constexpr std::string_view kState = "tracestate";

bool Is(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && EqualsIgnoreCase(name, lower);
}

}  // namespace

void Trace::Read(const RequestHead& head) {
  id.clear();
  const std::string_view value = head.Find(kParent);
  if (value.empty()) return;
  const auto count = std::count_if(head.fields.begin(), head.fields.end(),
                                   [](const HeaderField& field) { return Is(field.name, kParent); });
  const std::optional<TraceParent> parent = ParseTraceparent(value);
  // Two of them are as good as none: nobody knows which one holds.
  if (!parent || count != 1) return;
  id.assign(parent->trace_id);
  sampled = parent->sampled;
}

void AppendTraceFields(std::string& out, const Trace& trace, const RequestHead& head, const Provider& provider,
                       uint64_t span) {
  if (trace.id.empty()) return;
  const bool configured = std::any_of(provider.headers.begin(), provider.headers.end(), [](const Header& header) {
    return Is(header.name, kParent) || Is(header.name, kState);
  });
  if (configured) return;
  AppendField(out, kParent, FormatTraceparent(trace.id, span, trace.sampled));
  for (const HeaderField& field : head.fields) {
    if (Is(field.name, kState)) AppendField(out, kState, field.value);
  }
}

}  // namespace chain429
