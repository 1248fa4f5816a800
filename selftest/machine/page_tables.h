// PageTables: x86_64 kernel page tables of a synthetic machine, kept in memory until they are written.

#pragma once

#include <array>
#include <functional>
#include <map>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump::synthetic {

inline constexpr ByteCount kPageSize = 4 * kKiB;
inline constexpr ByteCount kHugePageSize = 2 * kMiB;

class PageTables {
 public:
  using Table = std::array<std::uint64_t, 512>;
  using TakePage = std::function<Outcome<PhysicalAddress>()>;

  // `take_page` gives the physical page of every table but the root. `sme_mask` is set in every entry.
  PageTables(unsigned levels, std::uint64_t sme_mask, PhysicalAddress root, TakePage take_page);

  // Maps one page of 4 KiB, 2 MiB or 1 GiB; both addresses are multiples of `page_size`.
  // Error invalid when something else is mapped there already.
  Outcome<void> map(VirtualAddress virtual_address, PhysicalAddress physical_address, ByteCount page_size);

  // Maps a range with the largest pages that fit; both addresses are multiples of 4 KiB.
  Outcome<void> map_range(VirtualAddress virtual_address, PhysicalAddress physical_address, ByteCount size);

  // By physical address; the root is one of them.
  const std::map<PhysicalAddress, Table>& tables() const { return tables_; }

 private:
  unsigned levels_;
  std::uint64_t sme_mask_;
  PhysicalAddress root_;
  TakePage take_page_;
  std::map<PhysicalAddress, Table> tables_;
};

}  // namespace warmdump::synthetic
