#include "recover/dump/blob_store.h"

#include <algorithm>
#include <cstring>

namespace warmdump {

Result<void> BlobStore::add(const BlobPiece& piece) {
  if (piece.total_size > kBlobSizeMax) return Error::make(ErrorCode::corrupt, "blob of an impossible size");
  const auto known = entries_.find(piece.kind);
  if (known != entries_.end() && known->second.blob.bytes.size() != piece.total_size) {
    return Error::make(ErrorCode::corrupt, "pieces of one blob disagree about its size");
  }
  Entry& entry = entries_[piece.kind];
  entry.blob.bytes.resize(piece.total_size);
  if (piece.bytes.empty()) return {};
  std::memcpy(entry.blob.bytes.data() + piece.offset, piece.bytes.data(), piece.bytes.size());
  ByteCount& end = entry.pieces[piece.offset];
  end = std::max(end, piece.offset + piece.bytes.size());
  return {};
}

void BlobStore::finish() {
  for (auto& [kind, entry] : entries_) {
    ByteCount covered_to = 0;
    for (const auto& [offset, end] : entry.pieces) {
      if (offset > covered_to) entry.blob.missing_bytes += offset - covered_to;
      covered_to = std::max(covered_to, end);
    }
    entry.blob.missing_bytes += entry.blob.bytes.size() - covered_to;
    entry.pieces.clear();
  }
}

const Blob* BlobStore::find(dump_format::BlobKind kind) const {
  const auto entry = entries_.find(kind);
  return entry == entries_.end() ? nullptr : &entry->second.blob;
}

std::string_view BlobStore::bytes(dump_format::BlobKind kind) const {
  const Blob* blob = find(kind);
  return blob == nullptr ? std::string_view() : std::string_view(blob->bytes);
}

bool BlobStore::all_whole() const {
  return std::all_of(entries_.begin(), entries_.end(),
                     [](const auto& entry) { return entry.second.blob.is_whole(); });
}

}  // namespace warmdump
