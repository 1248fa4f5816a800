// DumpSeal: marks frames and headers so that only who has the secret of the boot can have made them. Pure, no
// heap.
//
// A region was ordinary memory before the crash: any program can have left a perfect dump there, with every
// checksum right. Tags are BLAKE2b (RFC 7693) with a key that only the crash image and root have, so they
// find that, and frames of another boot or another dump, moved frames, and changed ones. What is missing at
// the end is told by the frame count of the sealed end frame.
//
//   key of a dump = BLAKE2b-256(key: secret, "warmdump dump 1" 0x00, dump_id[0, 8), boot id)
//   tag           = BLAKE2b-128(key: key of the dump, header with what is left out as zero, payload)
//
// Left out of a frame's header: tag, header_crc. Left out of a region header: seal_tag, header_crc, and what
// others may change later: sequence, state, captures_refused. Left out of an image's mark: seal_tag,
// mark_crc.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/dump_format/dump_format.h"

namespace warmdump::dump_format {

inline constexpr std::size_t kSecretSize = 32;

class DumpSeal {
 public:
  // Seals nothing, and matches nothing.
  DumpSeal() = default;
  // Of one dump. `boot_id` as text, at most kBootIdSizeMax bytes; a longer one is cut.
  DumpSeal(std::span<const unsigned char, kSecretSize> secret, std::string_view boot_id,
           std::span<const unsigned char, 8> dump_id);

  bool is_set() const { return is_set_; }

  // Fills in `tag`; the rest of the header but header_crc is final. Nothing when not set.
  void seal(FrameHeader& header, std::span<const std::byte> payload) const;
  // Fills in the flag, boot_id and seal_tag; the rest but header_crc is final. Nothing when not set.
  void seal(RegionHeader& header) const;

  // Fills in `seal_tag`; the rest but mark_crc is final. Nothing when not set.
  void seal(ImageMark& mark) const;

  // False when not set. Takes the same time for every wrong tag.
  bool matches(const FrameHeader& header, std::span<const std::byte> payload) const;
  bool matches(const RegionHeader& header) const;
  bool matches(const ImageMark& mark) const;

 private:
  void make_tag(const FrameHeader& header, std::span<const std::byte> payload,
                std::span<unsigned char, kSealTagSize> tag) const;
  void make_tag(const RegionHeader& header, std::span<unsigned char, kSealTagSize> tag) const;
  void make_tag(const ImageMark& mark, std::span<unsigned char, kSealTagSize> tag) const;

  unsigned char key_[32] = {};
  char boot_id_[kBootIdSizeMax] = {};
  bool is_set_ = false;
};

// What a capture is given to seal its dump with.
struct BootSecret {
  unsigned char secret[kSecretSize] = {};
  std::string_view boot_id;  // borrowed
  bool is_set = false;

  // Unset when the secret is.
  DumpSeal seal_of(std::span<const unsigned char, 16> dump_id) const {
    return is_set ? DumpSeal(secret, boot_id, dump_id.first<8>()) : DumpSeal();
  }
};

// The boot a sealed header says it is of; empty when it is not sealed.
std::string_view sealed_boot_id(const RegionHeader& header);

}  // namespace warmdump::dump_format
