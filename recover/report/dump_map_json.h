// memory-map.json of a dump directory: a DumpMap, so that the picture can be drawn again without reading
// the dump. `warmdump show --map --json` prints the same.
//
//   {"schema": 1, "page_size": 4096, "cell_pages": 1024,
//    "region": {"first_pfn": 1114112, "pages": 131072},        absent when the dump lay in a file
//    "cells": [{"first_pfn": 0, "stored": {"slab": 3}, "zero": 1, "excluded": {"free": 20}, "lost": {}},
//    ...]}
//
// Cells of one size, ascending; where there is no RAM there is none. Pages by class, with the names that
// meta.json has; what is 0 or empty is absent. Within one schema keys are added, never renamed or removed.

#pragma once

#include <string>
#include <string_view>

#include "recover/report/dump_map.h"

namespace warmdump {

inline constexpr int kMemoryMapSchema = 1;

// One cell a line, ending with a newline.
std::string to_json(const DumpMap& map);

// Errors: corrupt (no JSON, a value of the wrong type or that no map has), unsupported (newer schema).
Outcome<DumpMap> parse_dump_map(std::string_view text);

}  // namespace warmdump
