// The report of a crash for ChromeOS's crash_sender: two small files of text, the log and what goes with it.
// The vmcore is no part of it: that channel has no kind for one.
//
// Names: kernel.YYYYMMDD.HHMMSS.NNNNN.0 with .kcrash and .meta; NNNNN is made of the crash's time and kernel,
// so that a report written twice has one name. Keys of .meta in the order in which crash_reporter writes
// them, `done=1` last: without it the sender waits. Source: crash-reporter/crash_collector.cc of ChromiumOS
// platform2.

#pragma once

#include <cstdint>
#include <string>

#include "recover/report/dump_summary.h"

namespace warmdump {

struct CrashReport {
  std::string payload_name;
  std::string meta_name;
  std::string payload;  // format_kcrash() of the log, always redacted: it leaves the machine by itself
  std::string meta;
};

// `time_s`: layout_time() of the crash; `now_ms`: since 1970.
CrashReport make_crash_report(const DumpSummary& summary, const PrintkLog& log, std::uint64_t time_s,
                              std::uint64_t now_ms);

}  // namespace warmdump
