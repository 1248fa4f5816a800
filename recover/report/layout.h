// Layouts: the names that the kdump tools of several systems give to a dump, so that what is made for those
// finds ours.
//
// Times are UTC in all of them. meta.json is in each; it names the others (DumpSummary::files), and that is
// where programs of ours take the names from.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace warmdump {

struct DumpLayout {
  const char* name;
  bool host_first;        // "<host>-" before the name of the directory
  const char* directory;  // in the spool. Here and below: strftime(3) of the time of the crash
  const char* vmcore;
  const char* dmesg;
  const char* readme;  // for people, in the words of that system; empty: none
  bool crash_report;   // a report for crash_sender beside it: crash_report.h
};

std::span<const DumpLayout> dump_layouts();  // the first is the default

// nullptr when there is none; empty: the first.
const DumpLayout* find_dump_layout(std::string_view name);

// `pattern` of a layout at `time_s` (seconds since 1970, UTC).
std::string layout_name(const char* pattern, std::uint64_t time_s);

// The time that names are made of: that of the crash, or now when it is unknown or beyond year 9999.
std::uint64_t layout_time(std::uint64_t crash_time_s, std::uint64_t now_s);

}  // namespace warmdump
