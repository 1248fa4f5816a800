// SparseCore: the bytes of a synthetic /proc/vmcore in a sparse file, addressed by physical address.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump::synthetic {

struct LoadRange {
  VirtualAddress virtual_address = 0;
  PhysicalAddress physical_address = 0;
  ByteCount size = 0;
  ByteCount file_offset = 0;  // of physical_address, as in p_offset
};

class SparseCore {
 public:
  // Creates or replaces the file: ELF header, program headers, `notes`, and holes for all `loads`, whose file
  // offsets it fills in the way fs/proc/vmcore.c does: every range widened to whole pages.
  static Outcome<SparseCore> create(const std::string& path, std::span<const std::byte> notes,
                                    std::vector<LoadRange>& loads);

  // Writes to every copy the file has of these addresses: the kernel image is in it twice. Parts outside
  // all ranges are an error.
  Outcome<void> write(PhysicalAddress address, std::span<const std::byte> bytes) const;

  // Reads from the range that ends last in the file: System RAM rather than the kernel image.
  Outcome<void> read(PhysicalAddress address, std::span<std::byte> target) const;

 private:
  UniqueFd file_;
  std::vector<LoadRange> loads_;
};

}  // namespace warmdump::synthetic
