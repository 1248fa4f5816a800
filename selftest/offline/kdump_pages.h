// Reads the pages of a kdump-compressed file with code of its own: nothing of what wrote the file is used but
// the numbers of the format, so that a fault of the writer does not hide itself. Pages compressed with LZO,
// which no dump of a self-test has, count as damaged.

#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"
#include "recover/output/kdump_format.h"

namespace warmdump {

class KdumpPages {
 public:
  // Errors: corrupt (not such a file, or cut off); those of open(2) and read(2).
  static Outcome<KdumpPages> open(const std::filesystem::path& path);

  // Fills `page` when the file has it and says whether it does. Pages are read fastest in ascending order.
  // Errors: corrupt, io.
  Outcome<bool> read(Pfn pfn, std::span<std::byte, kPageSize> page);

  Pfn pfn_end() const { return pfn_end_; }  // exclusive
  PageCount page_count() const { return page_count_; }

 private:
  explicit KdumpPages(UniqueFd file) : file_(std::move(file)) {}
  Outcome<void> read_at(ByteCount offset, std::span<std::byte> target) const;
  bool has(Pfn pfn) const;
  PageCount rank(Pfn pfn);

  UniqueFd file_;
  Pfn pfn_end_ = 0;
  PageCount page_count_ = 0;
  ByteCount descriptors_ = 0;      // file offset
  std::vector<std::byte> bitmap_;  // a bit a pfn: in the file
  Pfn counted_to_ = 0;             // rank() goes on from here
  PageCount counted_ = 0;          // pages of the file below counted_to_
};

}  // namespace warmdump
