#include "cli/journal_stream.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace warmdump {
namespace {

bool is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace

const char* journal_prefix(JournalPriority priority) {
  static const bool is_used = is_journal();
  if (!is_used) return "";
  switch (priority) {
    case JournalPriority::error:
      return "<3>";
    case JournalPriority::warning:
      return "<4>";
    case JournalPriority::notice:
      return "<5>";
    case JournalPriority::info:
      return "<6>";
  }
  return "";
}

}  // namespace warmdump
