// The dump, for people: the text of `warmdump show`.

#pragma once

#include <string>

#include "recover/report/dump_summary.h"

namespace warmdump {

// Several lines, each ending with a newline. Says of every class what was kept, left out and lost.
std::string dump_report(const DumpSummary& summary);

// Text from a dump, fit for a terminal: no control characters.
std::string harmless(std::string text);

// Of a region that holds no dump.
std::string region_report(const RegionSummary& region);

}  // namespace warmdump
