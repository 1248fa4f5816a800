// README.txt of the layout "suse": a few lines for people and for the tools that look at them.

#pragma once

#include <cstdint>
#include <string>

#include "recover/report/dump_summary.h"

namespace warmdump {

// `time_s`: when the dump was made, seconds since 1970.
std::string readme_text(const DumpSummary& summary, std::uint64_t time_s);

}  // namespace warmdump
