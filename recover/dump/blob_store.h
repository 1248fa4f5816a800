// Blob: one of the few things in a dump that are not pages, put together from its pieces.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "recover/dump/frame_payload.h"

namespace warmdump {

struct Blob {
  std::string bytes;            // total_size long; what never came is zero
  ByteCount missing_bytes = 0;  // of these

  bool is_whole() const { return missing_bytes == 0; }
};

class BlobStore {
 public:
  // A blob that claims to be larger is damage.
  static constexpr ByteCount kBlobSizeMax = 256 * kMiB;

  // A later piece replaces an earlier one at the same place. Error corrupt: larger than kBlobSizeMax, or of
  // another total size than the pieces before; the store is then as it was.
  Result<void> add(const BlobPiece& piece);

  // Call once, after the last add: works out what is missing.
  void finish();

  // nullptr when no piece of it was found.
  const Blob* find(dump_format::BlobKind kind) const;

  // Its bytes, empty when no piece of it was found. Lives as long as the store.
  std::string_view bytes(dump_format::BlobKind kind) const;

  bool all_whole() const;

 private:
  struct Entry {
    Blob blob;
    std::map<ByteCount, ByteCount> pieces;  // offset -> end
  };
  std::map<dump_format::BlobKind, Entry> entries_;
};

}  // namespace warmdump
