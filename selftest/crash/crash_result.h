// The outcome of a crash test, as selftest.json keeps it under "crash", and in words.

#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace warmdump {

enum class CrashVerdict {
  found_complete,  // the dump of this very crash came back, with all that was to be kept
  found_partial,   // it came back, and lacks something
  no_dump,         // none came back
  another_dump,    // one came back, of another crash
};
const char* crash_verdict_name(CrashVerdict verdict);

struct CrashResult {
  std::string id;
  CrashVerdict verdict = CrashVerdict::no_dump;
  std::string text;                            // what was found, or what the region tells of why nothing was
  std::string directory;                       // of the dump, in the spool; empty: none
  std::string crashed_at;                      // UTC; when the panic was asked for
  std::string finished_at;                     // UTC
  std::map<std::string, std::string> machine;  // gather_machine_facts() of the system that crashed
};

// {"id", "verdict": crash_verdict_name(), "text", "directory", "crashed_at", "time", "machine"}
nlohmann::ordered_json as_json(const CrashResult& result);

// One line, of what as_json() made.
std::string crash_text(const nlohmann::ordered_json& result);

}  // namespace warmdump
