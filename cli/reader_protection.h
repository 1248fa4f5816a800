// What is told of the process that reads a dump, to whoever asks with --verbose.

#pragma once

#include <cstdio>
#include <functional>
#include <string>

namespace warmdump {

inline constexpr const char* kVerboseText =
    "Say what protection of the process that reads the dump is missing";

// With `is_verbose`, says on standard error what protection this system lacks; otherwise nothing.
inline std::function<void(const std::string&)> tell_missing_protection(bool is_verbose) {
  if (!is_verbose) return {};
  return [](const std::string& what) {
    std::fprintf(stderr, "warmdump: the dump is read with less protection on this system: %s\n",
                 what.c_str());
  };
}

}  // namespace warmdump
