// Compares what became of a synthetic machine's dump with the machine.
//
// Each function returns what it saw, for people ("12345 pages, 6789 left out"). Error corrupt: what differs
// first, and how much does; other errors: it could not be read.

#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"

namespace warmdump {

// Fills `page` and returns true when it has the page.
using ReadPage = std::function<Outcome<bool>(Pfn pfn, std::span<std::byte, kPageSize> page)>;

// Every page that dump level 31 keeps is there with its bytes, and no other page is.
Outcome<std::string> verify_pages(const synthetic::VmcoreTruth& truth, const ReadPage& read);

// The dump on the region: nothing damaged, nothing missing, the capture's last word is "complete"; its pages.
Outcome<std::string> verify_region(const synthetic::VmcoreTruth& truth, const DumpReader& dump);

// The files of a dump directory.
Outcome<std::string> verify_vmcore(const synthetic::VmcoreTruth& truth, const std::filesystem::path& file);
Outcome<std::string> verify_log(const synthetic::VmcoreTruth& truth, const std::filesystem::path& file);
// `panic_text`: the line of the log that tells why the machine died.
Outcome<std::string> verify_meta(const synthetic::VmcoreTruth& truth, const std::string& panic_text,
                                 const std::filesystem::path& directory);

}  // namespace warmdump
