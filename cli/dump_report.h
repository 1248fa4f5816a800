// The dump, for people: the text of `warmdump show`.

#pragma once

#include <string>

#include "cli/terminal.h"
#include "recover/report/dump_map.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

// Several lines, each ending with a newline. Says of every class what was kept, left out and lost.
std::string dump_report(const DumpSummary& summary, const TerminalLook& look = {});

// How its `vmcore`, the name of a file, is opened: commands to be copied, and what each is for.
std::string commands_report(const DumpSummary& summary, const std::string& vmcore,
                            const TerminalLook& look = {});

// Text from a dump, fit for a terminal: no control characters.
std::string harmless(std::string text);

// An authenticity_name(), with a warning where it is not "sealed".
std::string seal_text(const std::string& authenticity);

// Of a region that holds no dump, or one that is not to be read; `dump` says which.
std::string region_report(const RegionSummary& region, const std::string& dump = "none",
                          const TerminalLook& look = {});

// `warmdump show --map`: a letter a cell, and what the letters mean.
std::string map_report(const DumpMap& map, const TerminalLook& look = {});

}  // namespace warmdump
