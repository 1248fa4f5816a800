// A dump in plain words, the same on the page and on a terminal. Pure.

#pragma once

#include <cstdint>
#include <string>

#include "recover/report/dump_summary.h"

namespace warmdump {

// "2025-01-31 12:00:00 UTC"; empty when unknown or no time of day.
std::string utc_text(std::uint64_t seconds);

// "420 ms", "12.5 s", "3 min 20 s", "2 h 5 min", "9 d 3 h".
std::string milliseconds_text(std::uint64_t milliseconds);

// "1 234 567", with spaces that do not break.
std::string grouped(std::uint64_t number);

// One sentence each: what the dump lacks and what that means for who reads it; who made it, as far as the
// seal tells.
std::string completeness_text(const DumpSummary& summary);
std::string authenticity_text(const std::string& authenticity);

// "kernel pages" of "kernel_pages" and such: a step of timings_ms in words.
std::string timing_text(const std::string& step);

}  // namespace warmdump
