#include "capture/writer/blob_frames.h"

#include <algorithm>
#include <cstring>

namespace warmdump {

using namespace dump_format;

namespace {

// PRSTATUS of 8192 CPUs is 3 MiB. Damaged notes that claim more must not take the room of the pages.
constexpr ByteCount kElfNotesMax = 8 * kMiB;

}  // namespace

template <class Fill>
Result<bool> BlobFrames::add(BlobKind kind, ByteCount size, Fill fill) {
  for (ByteCount offset = 0; offset < size;) {
    const ByteCount piece = std::min(size - offset, kPieceMax);
    if (only_piece_ && *only_piece_ != offset) {
      offset += piece;
      continue;
    }
    FrameSlot& slot = *TRY(writer_.acquire());
    BlobPrefix prefix{};
    prefix.kind = static_cast<std::uint32_t>(kind);
    prefix.total_size = size;
    prefix.offset = offset;
    std::memcpy(slot.raw, &prefix, sizeof(prefix));
    fill(offset, std::span(slot.raw).subspan(sizeof(prefix), piece));
    slot.origin = {.first = offset, .type = FrameType::blob, .detail = static_cast<std::uint16_t>(kind)};
    slot.payload = std::span(slot.raw).first(sizeof(prefix) + piece);
    TRY(writer_.submit(slot));
    if (writer_.is_full() && !only_piece_) return false;
    offset += piece;
  }
  return true;
}

Result<bool> BlobFrames::add_text(BlobKind kind, std::string_view text) {
  return add(kind, text.size(), [text](ByteCount offset, std::span<std::byte> target) {
    std::memcpy(target.data(), text.data() + offset, target.size());
  });
}

Result<bool> BlobFrames::add_file_range(BlobKind kind, ByteCount start, ByteCount size) {
  return add(kind, size, [this, start](ByteCount offset, std::span<std::byte> target) {
    if (!vmcore_.read_at(start + offset, target).has_value()) std::memset(target.data(), 0, target.size());
  });
}

Result<bool> BlobFrames::add_memory(BlobKind kind, PageTables& page_tables, VirtualAddress address,
                                    ByteCount size) {
  return add(kind, size, [&page_tables, address](ByteCount offset, std::span<std::byte> target) {
    if (!page_tables.read(address + offset, target).has_value()) std::memset(target.data(), 0, target.size());
  });
}

Result<bool> BlobFrames::add_notes(const VmcoreElf& elf, bool device_dumps) {
  const auto is_wanted = [device_dumps](const NoteLocation& note) {
    return note.is("LINUX", kNoteTypeDeviceDump) == device_dumps;
  };
  ByteCount size = 0;
  NoteWalker counting(vmcore_, elf.notes_offset, elf.notes_size);
  for (NoteLocation note; counting.next(note);) size += is_wanted(note) ? note.size : 0;
  if (!device_dumps) size = std::min(size, kElfNotesMax);

  // Bytes of the wanted notes that lie in [offset, offset + target size), counted without the others.
  const auto kind = device_dumps ? BlobKind::device_dumps : BlobKind::elf_notes;
  return add(kind, size, [&](ByteCount offset, std::span<std::byte> target) {
    std::memset(target.data(), 0, target.size());
    NoteWalker notes(vmcore_, elf.notes_offset, elf.notes_size);
    ByteCount position = 0;
    for (NoteLocation note; notes.next(note);) {
      if (!is_wanted(note)) continue;
      const ByteCount first = std::max(position, offset);
      const ByteCount last = std::min(position + note.size, offset + target.size());
      if (first < last) {
        const auto piece = target.subspan(first - offset, last - first);
        if (!vmcore_.read_at(note.offset + (first - position), piece).has_value()) return;
      }
      position += note.size;
    }
  });
}

}  // namespace warmdump
