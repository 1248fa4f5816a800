#include "capture/support/raw_log.h"

#include <unistd.h>

#include <cstring>

#include "common/text.h"

namespace warmdump {
namespace {

constexpr std::size_t kLineMax = 512;

}  // namespace

void log_line(std::string_view line) {
  Text<kLineMax> text;
  text << "warmdump-capture: " << line << '\n';
  const std::string_view whole = text.view();
  // A console that takes nothing must not stop the capture.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

void log_error(std::string_view subject, const Error& error) {
  Text<kLineMax> text;
  text << subject << ": " << error.what;
  if (error.where_kind == WhereKind::line) {
    text << where_text(error.where_kind) << error.where;
  } else if (error.where_kind != WhereKind::nowhere) {
    text << where_text(error.where_kind) << Hex{error.where};
  }
  if (error.system_errno != 0) text << ": " << ::strerror(error.system_errno);
  log_line(text.view());
}

}  // namespace warmdump
