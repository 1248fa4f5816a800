// The state of every pfn of a vmcore: in the dump, left out on purpose, or lost. Never confused.

#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_reader.h"

namespace warmdump {

enum class PageState : std::uint8_t {
  absent,    // no RAM, although a range of the vmcore covers it
  data,      // in the dump, with its bytes
  zero,      // in the dump, all zero
  excluded,  // left out by the dump level, or never read by design (broken memory, the region itself)
  lost,      // was to be kept, but is not there: see LostReason
};

enum class LostReason : std::uint8_t {
  none,
  unreadable,    // the capture could not read it
  not_stored,    // the capture ended before it was stored: died, ran out of space or time
  damaged,       // frames are missing or damaged, it may have been in one of them
  unclassified,  // not even its class is known: the capture did not get there, or that frame is lost
};

const char* lost_reason_name(LostReason reason);

struct StateRun {
  Pfn first_pfn;
  PageCount count;
  PageState state;
  LostReason lost_reason;             // none unless lost
  dump_format::PageClass page_class;  // unknown when its class map is lost
  bool kept;                          // the dump level keeps it
};

// Calls `visit` for all pfns of dump.memory(), ascending, in runs of equal state and class. Reads the class
// maps from the region as it goes. Errors: those of DumpReader::read_frame, and what `visit` returns.
Outcome<void> for_each_state_run(const DumpReader& dump,
                                 const std::function<Outcome<void>(const StateRun&)>& visit);

// What became of the pages of one class.
struct ClassCounts {
  PageCount pages = 0;
  PageCount kept = 0;  // meant to be in the dump
  PageCount data = 0;  // in the dump with their bytes
  PageCount zero = 0;  // in the dump as zero
  PageCount excluded = 0;
  PageCount lost = 0;
};

struct PageCounts {
  std::array<ClassCounts, dump_format::kPageClassCount> classes{};  // by PageClass
  std::array<PageCount, 5> lost_by_reason{};                        // by LostReason
  ClassCounts total;                                                // of all classes but absent
};

Outcome<PageCounts> count_pages(const DumpReader& dump);

}  // namespace warmdump
