// What self-tests remember over a reset, as JSON files of root alone (0600) in /var/lib/warmdump (0700):
//
//   retention.json   a retention test under way (retention/retention_record.h)
//   crash-test.json  a crash test under way (crash/crash_record.h)
//   selftest.json    {"schema": 1, "retention": {...}, "crash": {...}}: the outcome of the last test of each
//                    kind; for `warmdump status` and people

#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr const char* kStateDirectory = "/var/lib/warmdump";
inline constexpr const char* kRetentionFile = "retention.json";
inline constexpr const char* kCrashTestFile = "crash-test.json";
inline constexpr const char* kResultsFile = "selftest.json";
inline constexpr int kStateSchema = 1;

class StateDirectory {
 public:
  explicit StateDirectory(std::filesystem::path path = kStateDirectory) : path_(std::move(path)) {}

  // Nothing when there is no such file. Errors: corrupt (not JSON, no object), unsupported (a newer schema),
  // io.
  Outcome<std::optional<nlohmann::ordered_json>> load(const std::string& file) const;

  // Replaces the file, durable on return; makes the directory. Adds the schema.
  Outcome<void> store(const std::string& file, nlohmann::ordered_json json) const;

  // Removes the file, durably; nothing to do when there is none.
  Outcome<void> remove(const std::string& file) const;

  // Replaces the outcome of one kind of test in selftest.json. A file there that cannot be understood is
  // replaced.
  Outcome<void> store_result(const std::string& kind, nlohmann::ordered_json result) const;

  // The last outcome of a kind of test, if there was one. Errors as for load().
  Outcome<std::optional<nlohmann::ordered_json>> load_result(const std::string& kind) const;

  std::string path_of(const std::string& file) const { return path_ / file; }

 private:
  Outcome<void> make() const;
  Outcome<void> flush() const;

  std::filesystem::path path_;
};

// "2026-01-31T12:00:00Z".
std::string utc_now_text();

}  // namespace warmdump
