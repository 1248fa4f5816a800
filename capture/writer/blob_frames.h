// Blobs: the few things in a dump that are not pages. No heap.

#pragma once

#include <optional>
#include <string_view>

#include "capture/crashed_machine/printk_ring.h"
#include "capture/writer/dump_writer.h"
#include "common/arch/page_tables_x86_64.h"
#include "common/file_device.h"
#include "common/kernel/vmcore_elf.h"
#include "common/result.h"

namespace warmdump {

class BlobFrames {
 public:
  // Both must outlive this object.
  BlobFrames(DumpWriter& writer, const FileDevice& vmcore) : writer_(writer), vmcore_(vmcore) {}

  // Each stores one blob. False when the region is full. Bytes that cannot be read are stored as zeros.
  Result<bool> add_text(dump_format::BlobKind kind, std::string_view text);
  Result<bool> add_file_range(dump_format::BlobKind kind, ByteCount offset, ByteCount size);
  Result<bool> add_memory(dump_format::BlobKind kind, PageTables& page_tables, VirtualAddress address,
                          ByteCount size);
  // The notes of the vmcore: those of devices (vmcoredd, can be tens of MiB), or all others.
  Result<bool> add_notes(const VmcoreElf& elf, bool device_dumps);

  // From now on each call stores only the piece at this offset of its blob; empty: all pieces again.
  void only_piece_at(std::optional<ByteCount> offset) { only_piece_ = offset; }

 private:
  static constexpr ByteCount kPieceMax = 256 * kKiB;

  // Stores a blob piece by piece; fill(offset, target) provides the bytes.
  template <class Fill>
  Result<bool> add(dump_format::BlobKind kind, ByteCount size, Fill fill);

  DumpWriter& writer_;
  const FileDevice& vmcore_;
  std::optional<ByteCount> only_piece_;
};

}  // namespace warmdump
