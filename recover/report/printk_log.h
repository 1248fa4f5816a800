// The kernel's log, out of the lockless printk ring buffer (5.10 and newer) as it lay in memory. Pure.
//
// Layout by the keys of VMCOREINFO; algorithm after kernel/printk/printk_ringbuffer.c: a ring of descriptors
// with the state of each record, as many printk_info with its time and length, and a ring of text blocks.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/kernel/vmcoreinfo.h"

namespace warmdump {

// The four pieces of memory; the views must outlive the call they are given to.
struct PrintkMemory {
  std::string_view ring;   // struct printk_ringbuffer
  std::string_view descs;  // its descriptors
  std::string_view infos;  // its struct printk_info
  std::string_view text;   // its text data
};

struct PrintkRecord {
  std::uint64_t sequence;
  std::uint64_t time_ns;    // since boot
  std::uint32_t caller_id;  // bit 31 set: processor, else thread
  std::string text;         // as it was logged, without a newline at the end; may hold several lines
  bool text_lost = false;   // `text` is empty because it was overwritten, damaged or never stored
};

struct PrintkLog {
  std::vector<PrintkRecord> records;  // oldest first
  std::uint64_t unfinished = 0;       // records a writer had reserved but not finished
  std::uint64_t lost = 0;             // records whose text or place was overwritten or damaged
};

// Errors: not_found (VMCOREINFO lacks a key, or memory is missing: says which), corrupt (sizes that cannot
// be).
Outcome<PrintkLog> decode_printk_log(const PrintkMemory& memory, const Vmcoreinfo& vmcoreinfo);

// Byte for byte what vmcore-dmesg(8) of kexec-tools prints: "[    1.234567] text", a record a line; newlines
// inside a record stay as they are, bytes that are neither printable nor space are written as \x1b. A record
// without text is a line with its time alone; reserved records are left out; no caller, level or facility.
//
// In two places vmcore-dmesg is wrong and this is not: it takes the text of a block that ends exactly with
// the ring (newer kernels make such blocks) from the start of the ring, which is another record's; and it
// believes every block without looking at the id in front, so that it prints overwritten text under the wrong
// time.
std::string format_printk_log(const PrintkLog& log);

}  // namespace warmdump
