// report.html: a dump on one page, for people. Complete in itself: it loads nothing from anywhere, and its
// Content-Security-Policy forbids it to. Pure.
//
// report.mustache is the page, report.css how it looks, report.js what makes the memory map answer; the build
// puts all three into the program. Every text goes through html_text() exactly once, when the template shows
// it; what the template shows with three braces is made of our own numbers and names.

#pragma once

#include <string>

#include "recover/report/dump_map.h"
#include "recover/report/dump_summary.h"
#include "recover/report/printk_log.h"

namespace warmdump {

inline constexpr ByteCount kReportSizeMax = kMiB;

// Never larger than kReportSizeMax, whatever the dump holds: long texts and lists are cut off.
std::string report_html(const DumpSummary& summary, const DumpMap& map, const PrintkLog& log);

}  // namespace warmdump
