// FrameCipher: encrypts payloads so that only who has the fleet's private key can read them. Pure, no heap.
//
// `arm` draws an encryption key for each crash image, whose clear form is in that image only. Beside it lies
// the wrapped key: encryption key and secret of the boot, sealed for the fleet's public key. It goes into the
// dump. So the machine, which has the secret, can tell that a dump is genuine, and cannot read it.
//
//   key of a dump = BLAKE2b-256(key: encryption key, "warmdump crypt 1", dump_id)
//   payload       = payload xor ChaCha20(key of the dump, nonce: cipher_number, little-endian)
//
// A nonce counts the payloads encrypted in one dump, not its frames: a frame that is made again keeps its
// sequence, has other bytes, and gets a number of its own. Another dump has another dump_id, so another key.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/dump_format/dump_format.h"

namespace warmdump::dump_format {

inline constexpr std::size_t kEncryptionKeySize = 32;

class FrameCipher {
 public:
  // Changes nothing.
  FrameCipher() = default;
  // Of one dump.
  FrameCipher(std::span<const unsigned char, kEncryptionKeySize> key,
              std::span<const unsigned char, 16> dump_id);

  bool is_set() const { return is_set_; }

  // Encrypts, or makes clear again what was encrypted with this number. To encrypt, a number must be used
  // once in the life of a dump, and never 0.
  void apply(std::uint64_t cipher_number, std::span<std::byte> payload) const;

 private:
  unsigned char key_[32] = {};
  bool is_set_ = false;
};

// What a capture is given to encrypt its dump with.
struct DumpEncryption {
  unsigned char key[kEncryptionKeySize] = {};
  unsigned char key_id[kKeyIdSize] = {};
  unsigned char wrapped_key[kWrappedKeySize] = {};
  bool is_set = false;

  // Unset when the key is.
  FrameCipher cipher_of(std::span<const unsigned char, 16> dump_id) const {
    return is_set ? FrameCipher(key, dump_id) : FrameCipher();
  }
};

inline bool is_encrypted(const RegionHeader& header) {
  return (header.incompatible_flags & kIncompatibleEncrypted) != 0;
}

// Fills in what a header says of its dump's encryption. Nothing when it is not set.
void describe_encryption(const DumpEncryption& encryption, RegionHeader& header);

// The same for dumps whose headers will be lost. Of the header of an encrypted, sealed dump.
KeyBlob make_key_blob(const RegionHeader& header);

}  // namespace warmdump::dump_format
