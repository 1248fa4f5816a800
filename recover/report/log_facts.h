// LogFacts: what the kernel's log tells of the crash and of the machine, for people. Pure. Every text is as
// it was logged: anybody can have written it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "recover/report/printk_log.h"

namespace warmdump {

struct TraceLine {
  std::string text;      // "panic+0x118/0x2ed", "<IRQ>"
  bool is_frame = true;  // else a mark between two stacks
  bool certain = true;   // false: "?", left over on the stack
};

// Empty where the log does not say.
struct LogFacts {
  std::optional<std::size_t> panic_record;  // index of the line that find_panic_text() takes
  std::uint64_t up_ns = 0;                  // since boot, when it was logged; 0: unknown
  std::string hardware;                     // maker, board and firmware, by DMI
  std::string command_line;                 // of the kernel
  std::string process;                      // "CPU: 1 PID: 1 Comm: init"
  std::string tainted;                      // "Not tainted", "Tainted: G  OE"
  std::string instruction;                  // "RIP: 0010:sysrq_handle_crash+0x16/0x20"
  std::vector<std::string> registers;       // lines, that of `instruction` not among them
  std::vector<TraceLine> trace;             // innermost first
  std::string modules;                      // "ext4 crc16 ..."
};

LogFacts read_log_facts(const PrintkLog& log);

}  // namespace warmdump
