// meta.json: a DumpSummary as JSON, for programs. `warmdump show --json` prints the same.
//
// Stable: within one schema version keys are added, never renamed or removed; numbers are plain integers
// (bytes, pages, milliseconds, seconds since 1970), unknown texts are empty.

#pragma once

#include <string>
#include <string_view>

#include "recover/report/dump_summary.h"

namespace warmdump {

inline constexpr int kMetaSchema = 1;

// Indented, ending with a newline. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const DumpSummary& summary);

// Of a region without a dump: only "schema" and "region".
std::string to_json(const RegionSummary& region);

// Reads what to_json wrote; keys that are missing keep their default. Errors: corrupt (no JSON, or a value
// of the wrong type), unsupported (newer schema).
Outcome<DumpSummary> parse_meta_json(std::string_view text);

}  // namespace warmdump
