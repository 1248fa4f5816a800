// Retention: which dumps of a spool go when there are too many, or room is needed.
//
// In this order, oldest first, and only as many as it takes:
//   1. dumps that are neither the first nor the newest of their signature
//   2. the first of a signature, where a newer one of it is there
//   3. the newest of a signature
//   4. the first dump of a crash loop that stands
// Never: the newest dump of all, unless another is about to come; one that is in use. So the limits are kept
// even where every dump has a signature of its own, but for these. A dump whose signature is unknown counts
// as the only one of its kind.
//
// Room that all of them together would not make, since it is others that fill the disk, costs only those of
// line 1.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/units.h"
#include "recover/spool/saved_dumps.h"

namespace warmdump {

struct RetentionLimits {
  std::uint64_t dumps = 0;  // in the spool at most; 0: any number
  ByteCount bytes = 0;      // that they take together; 0: any
  ByteCount free = 0;       // that stay free in the file system; 0: none
  bool any() const { return dumps != 0 || bytes != 0 || free != 0; }
};

// What is to be reached, and how far to go for it.
struct RetentionGoal {
  RetentionLimits limits = {};
  ByteCount free_now = 0;
  ByteCount free_wanted = 0;      // in the file system; limits.free is not looked at
  bool one_is_to_come = false;    // the newest of all is not here yet
  bool only_superfluous = false;  // none but those of line 1
  std::string kept_id = {};       // of the first dump of a crash loop; empty: none
};

// The dumps to delete, as indices in the order of deletion. `dumps`: oldest first.
std::vector<std::size_t> plan_retention(std::span<const SavedDump> dumps, const RetentionGoal& goal);

}  // namespace warmdump
