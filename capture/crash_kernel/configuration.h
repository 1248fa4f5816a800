// What the crash kernel's capture is told: /warmdump.conf of the crash image, and over it the
// warmdump.KEY=VALUE words of the kernel command line. No heap.
//
// A mistake in a setting must not cost the dump: it is kept for the log and the setting stays as it was. Only
// the settings that say where the dump may be written, and for whom, are vital.

#pragma once

#include <cstddef>
#include <span>

#include "capture/capture_options.h"
#include "common/error.h"
#include "common/result.h"

namespace warmdump {

inline constexpr std::size_t kConfigurationSizeMax = 16 * kKiB;

struct ConfigurationProblem {
  const char* key = "";  // as it was written; borrowed from the text
  Error error;
};

class ConfigurationReader {
 public:
  // Settings go to `options`, info lines to `info_buffer`, which `options` then borrows.
  ConfigurationReader(CaptureOptions& options, std::span<char> info_buffer)
      : options_(options), info_buffer_(info_buffer) {}

  // Each takes a source; a later one goes over an earlier one. The text is cut into zero-terminated strings
  // that `options` borrows; text[size] must be writable too.
  //
  // A "key=value" a line; '#' begins a comment line.
  void read_lines(char* text, std::size_t size);
  // Words "warmdump.key=value" of a kernel command line, in quotes as the kernel takes them, up to a lone
  // "--".
  void read_words(char* text, std::size_t size);

  // Call after the last source. Error invalid when a vital setting is wrong.
  Result<void> check_values() const;
  // The same for a crash kernel; error not_found, too, when nothing says where the dump may go.
  Result<void> check() const;

  // What was wrong and passed over: the first few, and how many in all.
  std::span<const ConfigurationProblem> problems() const;
  std::size_t problem_count() const { return problem_count_; }

 private:
  static constexpr std::size_t kProblemsKept = 16;

  void take(char* setting, std::uint64_t line);
  void take_info(const char* info, const char* key, std::uint64_t line);
  void note(const char* key, const Error& error, std::uint64_t line);

  CaptureOptions& options_;
  std::span<char> info_buffer_;
  std::size_t info_size_ = 0;
  Error vital_error_;
  ConfigurationProblem problems_[kProblemsKept];
  std::size_t problem_count_ = 0;
};

}  // namespace warmdump
