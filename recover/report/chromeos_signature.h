// The signature that ChromeOS's crash reporter gives to a kernel crash, by its own rule on the text of the
// log, so that dumps and its reports of the same fault are filed together. Pure; linear in the log.
//
//   kernel-[(TAG)-]HUMAN-HASH      HASH: eight hexadecimal digits
//
// Hash: of the names of the trace's certain frames with "|" between them, or of all its frames when none is
// certain: h = h * 16127 + c, 32 bits, c signed. Trace: the last; but after the line of a hard lockup, a soft
// lockup or a hung task the first that follows, with the tag HARDLOCKUP, SOFTLOCKUP or HANG. Lines from "
// WARNING: " to "---[ end trace" count for nothing. Human: with a tag the first certain frame that is neither
// a function of scheduling and waiting nor in angle brackets; else the function of the last RIP line, if that
// is not one of those and its time less than 0.200 s before the last frame; else the text of the last "Kernel
// panic"; else that first frame. At most 40 bytes. It is text from the log: fit for no path as it is.
//
// Source of the rule: crash-reporter/kernel_util.cc of ChromiumOS platform2, x86_64.

#pragma once

#include <string>
#include <string_view>

#include "recover/report/printk_log.h"

namespace warmdump {

// The log as its payload file has it: each line with level and time. The level of a record is not known here:
// every line has 4, the kernel's default.
std::string format_kcrash(const PrintkLog& log);

// `kcrash`: lines "<4>[    1.234567] text".
std::string chromeos_signature(std::string_view kcrash);

// "%08X" of this is the hash.
std::uint32_t chromeos_hash(std::string_view frames);

}  // namespace warmdump
