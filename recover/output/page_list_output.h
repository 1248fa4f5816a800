// Writes what became of every page, as JSON lines: for tools that show, compare or account for dumps.
//
//   {"format":"warmdump-pages","version":1,"page_size":4096,"incomplete":false,"release":"6.1.0","pfn_end":1310720}
//   {"first_pfn":16,"count":8,"state":"present","class":"slab","kept":true}
//   {"first_pfn":24,"count":1,"state":"lost","class":"slab","kept":true,"reason":"damaged"}
//   {"end":true,"runs":2,"pages":8}
//
// Runs are ascending and do not overlap; pfns in none of them are no memory. states, classes and reasons:
// page_walk.h and page_class_name(). Fields may be added to a version; those it has keep their meaning.

#pragma once

#include "recover/output/output_format.h"

namespace warmdump {

// Contract of OutputFormat::write. No compression.
Outcome<OutputReport> write_page_list(const DumpReader& dump, OutputTarget& target,
                                      const OutputOptions& options, const ProgressFunction& progress);

}  // namespace warmdump
