#include "common/base/log.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace chain429 {

void Logger::Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  LogTime time;
  std::string text;
  const LogFormat made_in = format();
  LogLine line(text, made_in, time.Format(clock_.Read().wall), level, program_, message);
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { line.Add(field.key, value); }, field.value);
  }
  line.End();
  Write(std::move(text), 1, made_in);
}

void Logger::Write(std::string lines, uint64_t count, LogFormat format) const {
  if (sink_ != nullptr) {
    sink_->Write(std::move(lines), count, format);
    return;
  }
  // A full or closed stderr must not stop the program, and there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(fd_, lines.data(), lines.size());
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace chain429
