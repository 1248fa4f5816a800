// What is done about a region that may be too small for the dump. Pure.
//
// The bulk of the pages comes in groups, most valuable first. A group that fits goes in one pass over memory;
// one that does not goes class by class, so that the region's end takes the least valuable pages and not
// those at the highest addresses. Both questions are asked again before every chunk of memory: will the rest
// of the group fit, and would this chunk fit even if it did not compress at all? After the first no, what is
// left of the group goes class by class. So a region is never filled up by a pass over several classes.
//
// To add a page class: its phases in stores_class().

#pragma once

#include <cstddef>
#include <span>

#include "common/dump_format/dump_format.h"
#include "common/units.h"

namespace warmdump {

struct BulkGroup {
  dump_format::Phase whole;                      // all of its classes in one pass
  std::span<const dump_format::Phase> by_class;  // the same pages, in this order
};

// Most valuable first.
extern const BulkGroup kKernelPages;
extern const BulkGroup kStructPages;
extern const BulkGroup kUserPages;

// True for the phases of these groups, and the parts of them.
bool is_bulk(dump_format::Phase phase);

// True when `phase`, which may be a whole group or one of its parts, stores pages of that class.
bool stores_class(dump_format::Phase phase, dump_format::PageClass page_class);

// What is still to be stored, and how it has gone so far.
struct SpaceEstimate {
  PageCount pages_left[dump_format::kPageClassCount] = {};  // to be kept, not stored yet
  PageCount pages_stored = 0;                               // zero pages too
  ByteCount bytes_stored = 0;                               // what they took in the region
  ByteCount space_left = 0;
};

// True when `group` and all groups before it will probably fit.
bool will_fit(const SpaceEstimate& estimate, const BulkGroup& group);

// Bytes that so many pages take in the region at the very most, together with as many frames under way.
ByteCount size_max(PageCount pages, unsigned frames_under_way);

}  // namespace warmdump
