// NotesWriter: puts into the dump what is no page: notes, VMCOREINFO, the printk ring, device dumps. No heap.

#pragma once

#include <string_view>

#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/crashed_machine/printk_ring.h"
#include "capture/writer/blob_frames.h"
#include "common/dump_format/dump_format.h"
#include "common/file_device.h"
#include "common/kernel/vmcore_elf.h"
#include "common/result.h"

namespace warmdump {

class NotesWriter {
 public:
  // All must outlive this object; `info` is stored as it is.
  NotesWriter(DumpWriter& writer, const FileDevice& vmcore, const VmcoreElf& elf, CrashedKernel& kernel,
              std::string_view info)
      : writer_(writer), elf_(elf), kernel_(kernel), info_(info), blobs_(writer, vmcore) {}

  // All but the device dumps. A kernel without a log that can be found is logged, and no error.
  Result<void> write_all();
  Result<void> write_device_dumps() { return write(dump_format::BlobKind::device_dumps); }

  // The piece at `offset` of a blob once more.
  Result<void> write_piece_again(dump_format::BlobKind kind, ByteCount offset);

 private:
  Result<void> write(dump_format::BlobKind kind);
  Result<void> write_ring_piece(const PrintkRing::Piece& piece);

  DumpWriter& writer_;
  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  std::string_view info_;
  BlobFrames blobs_;
};

}  // namespace warmdump
