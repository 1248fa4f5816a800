// The lines of a kernel log as ChromeOS's crash reporter reads them, expression by expression: what its
// regular expressions match, without them, in linear time. All views are into the line. See
// chromeos_signature.h.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace warmdump::chromeos {

// Lines "<...>[   12.345678] text"; `text` is what the text has to start with.
bool has_text(std::string_view line, std::string_view text);

// " ---[ end trace 0123456789abcdef ]---"
bool ends_warning(std::string_view line);

// " INFO: task name:123 blocked for more than"
bool reports_hung_task(std::string_view line);

// " Call Trace:" or " Backtrace:", in any case.
bool starts_trace(std::string_view line);

struct Registers {
  float time;  // seconds
  std::string_view function;
};

// " RIP: 0010:function+0x", with the two addresses of older kernels or without.
std::optional<Registers> read_registers(std::string_view line);

struct Frame {
  float time;    // seconds
  bool certain;  // no question mark before it
  std::string_view function;
};

std::optional<Frame> read_frame(std::string_view line);

// Where " Kernel panic" ends in a line that says it right behind the time.
std::optional<std::size_t> find_end_of_panic(std::string_view line);

// A space of a regular expression, \s.
bool is_space(char c);

}  // namespace warmdump::chromeos
