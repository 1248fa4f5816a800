#include "selftest/crash/crash_result.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace warmdump {

const char* crash_verdict_name(CrashVerdict verdict) {
  switch (verdict) {
    case CrashVerdict::found_complete:
      return "found complete";
    case CrashVerdict::found_partial:
      return "found partial";
    case CrashVerdict::no_dump:
      return "no dump";
    case CrashVerdict::another_dump:
      return "another dump";
  }
  return "unknown";
}

nlohmann::ordered_json as_json(const CrashResult& result) {
  return {{"id", result.id},
          {"verdict", crash_verdict_name(result.verdict)},
          {"text", result.text},
          {"directory", result.directory},
          {"crashed_at", result.crashed_at},
          {"time", result.finished_at},
          {"machine", result.machine}};
}

std::string crash_text(const nlohmann::ordered_json& result) {
  const std::string directory = result.value("directory", "");
  return fmt::format("crash test {} of {}: {}: {}{}", result.value("id", "?"),
                     result.value("crashed_at", "?"), result.value("verdict", "?"), result.value("text", ""),
                     directory.empty() ? "" : " (" + directory + ")");
}

}  // namespace warmdump
