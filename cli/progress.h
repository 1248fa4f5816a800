// Progress: how long commands show on standard error that they work.
//
// On a terminal one line that is redrawn at most ten times a second:
//   sending   42 % [########------------] 21.5/51.2 MiB  10.2 MiB/s  3 s left
// Elsewhere (journal, file) a line at the start and each 10 %. Nothing is ever written to standard output.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace warmdump {

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A stage begins; one that is still open is finished first. total_bytes may be 0 when it is not known.
  void begin(std::string_view label, std::uint64_t total_bytes);
  // Bytes of the stage done so far; may fall back. Cheap enough for every few KiB.
  void update(std::uint64_t done);
  // So many of the bytes done were done by an earlier run: they count for the share, not for the rate.
  void skip(std::uint64_t bytes) { skipped_ += bytes; }
  // The stage is complete: shows its average rate.
  void finish();
  // A line of its own, above the bar. Control characters are shown as '?'.
  void note(std::string_view text);

 private:
  void show(std::string_view line, bool is_final);
  std::chrono::duration<double> elapsed() const;

  const bool is_terminal_;
  bool is_open_ = false;
  bool is_line_open_ = false;  // the cursor stands behind a bar
  std::string label_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t next_tenth_ = 0;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
};

// The pure parts. "512 B", "21.5 MiB"; "8 s", "3 min 20 s", "2 h 5 min".
std::string bytes_text(std::uint64_t bytes);
std::string duration_text(std::chrono::duration<double> duration);
// One line without a line end; with a bar when bar_columns is not 0. `skipped` of the bytes done took no
// time.
std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                          std::chrono::duration<double> elapsed, unsigned bar_columns,
                          std::uint64_t skipped = 0);

}  // namespace warmdump
