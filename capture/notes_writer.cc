#include "capture/notes_writer.h"

#include "capture/support/raw_log.h"

namespace warmdump {

using namespace dump_format;

Result<void> NotesWriter::write_all() {
  if (is_encrypted(writer_.header())) TRY(write(BlobKind::wrapped_key));
  for (const BlobKind kind :
       {BlobKind::capture_info, BlobKind::elf_headers, BlobKind::vmcoreinfo, BlobKind::elf_notes}) {
    TRY(write(kind));
  }
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) {
    log_error("no kernel log", ring.error());
    return {};
  }
  for (const PrintkRing::Piece& piece : ring->pieces) TRY(write_ring_piece(piece));
  return {};
}

Result<void> NotesWriter::write_ring_piece(const PrintkRing::Piece& piece) {
  TRY(blobs_.add_memory(piece.kind, *kernel_.page_tables, piece.address, piece.size));
  return {};
}

Result<void> NotesWriter::write(BlobKind kind) {
  switch (kind) {
    case BlobKind::capture_info:
      TRY(blobs_.add_text(kind, info_));
      return {};
    case BlobKind::elf_headers:
      TRY(blobs_.add_file_range(kind, 0, elf_.headers_size));
      return {};
    case BlobKind::vmcoreinfo:
      TRY(blobs_.add_text(kind, kernel_.info.whole_text()));
      return {};
    case BlobKind::elf_notes:
    case BlobKind::device_dumps:
      TRY(blobs_.add_notes(elf_, kind == BlobKind::device_dumps));
      return {};
    case BlobKind::wrapped_key: {
      const KeyBlob blob = make_key_blob(writer_.header());
      TRY(blobs_.add_text(kind, {reinterpret_cast<const char*>(&blob), sizeof(blob)}));
      return {};
    }
    case BlobKind::printk_ring:
    case BlobKind::printk_descs:
    case BlobKind::printk_infos:
    case BlobKind::printk_text:
      break;
  }
  const auto ring = find_printk_ring(kernel_.info, *kernel_.page_tables);
  if (!ring.has_value()) return {};
  for (const PrintkRing::Piece& piece : ring->pieces) {
    if (piece.kind == kind) return write_ring_piece(piece);
  }
  return {};
}

Result<void> NotesWriter::write_piece_again(BlobKind kind, ByteCount offset) {
  blobs_.only_piece_at(offset);
  auto written = write(kind);
  blobs_.only_piece_at({});
  return written;
}

}  // namespace warmdump
