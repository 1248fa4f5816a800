// DumpSummary: everything worth telling about one dump, as plain values: for people (show, recover), for
// meta.json, for the exit code.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "recover/dump/dump_reader.h"
#include "recover/dump/page_walk.h"
#include "recover/report/crash_trace.h"
#include "recover/report/kernel_identity.h"
#include "recover/report/printk_log.h"
#include "recover/report/signature.h"

namespace warmdump {

// The region header, for people. Of a region without a dump this is all there is.
struct RegionSummary {
  std::string state;       // state_name(), "lost" when both headers are damaged
  std::string phase;       // what the capture did last
  std::string error;       // error_code_name() of what ended it, empty for none
  int system_errno = 0;    // that went with it
  std::string error_text;  // what the capture said about it
  std::uint64_t captures_refused = 0;
  std::uint64_t region_start = 0;  // physical address
  ByteCount region_size = 0;
  std::uint64_t capture_ms = 0;  // from the start of the capture to its last write of the header

  // What the capture found when it read its frames back: other hands had written into the region.
  std::uint64_t frames_damaged = 0;     // over all passes
  std::uint64_t frames_rewritten = 0;   // of these, made again and stored
  std::uint64_t frames_unrepaired = 0;  // left damaged
  std::uint64_t check_passes = 0;
  std::uint64_t headers_rewritten = 0;

  // Of the crash kernel, as the capture found it: what `warmdump arm --trim` goes by. 0: unknown.
  ByteCount memory_total = 0;
  ByteCount memory_free_min = 0;

  bool is_record_without_frames = false;  // a crash whose capture could not even begin: see error_text
};

// What one phase of the capture stored.
struct PhaseSummary {
  std::string name;  // phase_name()
  PageCount data = 0;
  PageCount zero = 0;
  ByteCount bytes = 0;  // as stored
};

struct DumpSummary {
  RegionSummary region;

  bool complete = false;     // everything that was to be kept is here
  std::string completeness;  // in words: "complete", or what is missing and why
  std::string authenticity;  // authenticity_name()

  bool encrypted = false;  // only what is visible without the key is known
  std::string key_id;      // of the fleet key it was encrypted for, also when it is in clear now; empty: none

  std::string panic_text;  // empty: unknown
  CrashTrace trace;
  CrashSignature signature;
  KernelIdentity kernel;
  std::string build_id;            // of the kernel; empty: unknown
  std::uint64_t crash_time_s = 0;  // since 1970; 0: unknown
  unsigned dump_level = 0;
  std::size_t cpu_count = 0;                        // processors whose registers are in the dump
  std::map<std::string, std::string> capture_info;  // boot_id, armed_at ... as arm and capture left them

  PageCounts pages;
  std::vector<PhaseSummary> phases;  // in the order of the capture; empty when it did not tell
  ByteCount bytes_raw = 0;           // of the pages stored with their bytes
  ByteCount bytes_stored = 0;        // of all frames
  DamageReport damage;
  std::vector<std::string> missing_parts;  // blobs that are missing or have holes

  std::uint64_t log_records = 0;
  std::uint64_t log_unfinished = 0;
  std::uint64_t log_lost = 0;
  std::string log_error;  // why there is no log, empty when there is

  bool redacted = false;  // personal data is left out of the text files

  // Of a dump directory only.
  std::string layout;                        // a name in dump_layouts()
  std::map<std::string, std::string> files;  // "vmcore", "dmesg" ...: what the layout calls them
  std::optional<ByteCount> vmcore_size;
  std::map<std::string, std::uint64_t> timings_ms;
};

// What write_dump_directory and show have of a dump besides its pages.
struct DumpContents {
  DumpSummary summary;
  PrintkLog log;
};

// Reads the class maps once more. Errors: reading the region failed.
Outcome<DumpContents> summarize(const DumpReader& dump);

RegionSummary summarize_region(const dump_format::RegionHeader& header);

}  // namespace warmdump
