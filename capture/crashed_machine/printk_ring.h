// Where the crashed kernel's printk ring lies (kernel/printk/printk_ringbuffer.h, Linux 5.10 and later). The
// capture stores it as it is; recover decodes it. No heap.

#pragma once

#include <cstddef>

#include "common/arch/page_tables_x86_64.h"
#include "common/dump_format/dump_format.h"
#include "common/kernel/vmcoreinfo.h"
#include "common/result.h"

namespace warmdump {

struct PrintkRing {
  struct Piece {
    dump_format::BlobKind kind;
    VirtualAddress address;
    ByteCount size;
  };
  static constexpr std::size_t kPieceCount = 4;
  Piece pieces[kPieceCount];  // ring, descriptors, infos, text
};

// Errors: not_found (VMCOREINFO has no keys for the ring), corrupt (sizes no kernel has), or the error of
// reading it.
Result<PrintkRing> find_printk_ring(const Vmcoreinfo& info, PageTables& page_tables);

}  // namespace warmdump
