#include "common/dump_format/dump_seal.h"

#include <sodium/crypto_generichash_blake2b.h>

#include <algorithm>
#include <cstring>

namespace warmdump::dump_format {
namespace {

constexpr unsigned char kContext[16] = {'w', 'a', 'r', 'm', 'd', 'u', 'm', 'p',
                                        ' ', 'd', 'u', 'm', 'p', ' ', '1', 0};

// Keyed BLAKE2b over several pieces. The library's calls fail only for sizes that are fixed here.
template <std::size_t kSize>
class KeyedHash {
 public:
  explicit KeyedHash(std::span<const unsigned char, 32> key) {
    crypto_generichash_blake2b_init(&state_, key.data(), key.size(), kSize);
  }
  ~KeyedHash() {
    volatile auto* bytes = reinterpret_cast<volatile unsigned char*>(&state_);
    for (std::size_t i = 0; i < sizeof(state_); ++i) bytes[i] = 0;
  }
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;

  void add(const void* bytes, std::size_t size) {
    crypto_generichash_blake2b_update(&state_, static_cast<const unsigned char*>(bytes), size);
  }
  void finish(std::span<unsigned char, kSize> result) {
    crypto_generichash_blake2b_final(&state_, result.data(), result.size());
  }

 private:
  crypto_generichash_blake2b_state state_;
};

bool are_equal(std::span<const unsigned char, kSealTagSize> left, const unsigned char* right) {
  unsigned char difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    difference = static_cast<unsigned char>(difference | (left[i] ^ right[i]));
  return difference == 0;
}

}  // namespace

DumpSeal::DumpSeal(std::span<const unsigned char, kSecretSize> secret, std::string_view boot_id,
                   std::span<const unsigned char, 8> dump_id)
    : is_set_(true) {
  std::memcpy(boot_id_, boot_id.data(), std::min(boot_id.size(), sizeof(boot_id_)));
  KeyedHash<sizeof(key_)> hash(secret);
  hash.add(kContext, sizeof(kContext));
  hash.add(dump_id.data(), dump_id.size());
  hash.add(boot_id_, sizeof(boot_id_));
  hash.finish(key_);
}

void DumpSeal::make_tag(const FrameHeader& header, std::span<const std::byte> payload,
                        std::span<unsigned char, kSealTagSize> tag) const {
  FrameHeader bare = header;
  std::memset(bare.tag, 0, sizeof(bare.tag));
  bare.header_crc = 0;
  KeyedHash<kSealTagSize> hash(key_);
  hash.add(&bare, sizeof(bare));
  hash.add(payload.data(), payload.size());
  hash.finish(tag);
}

void DumpSeal::make_tag(const RegionHeader& header, std::span<unsigned char, kSealTagSize> tag) const {
  RegionHeader bare = header;
  std::memset(bare.seal_tag, 0, sizeof(bare.seal_tag));
  bare.header_crc = 0;
  bare.sequence = 0;
  bare.state = 0;
  bare.captures_refused = 0;
  KeyedHash<kSealTagSize> hash(key_);
  hash.add(&bare, sizeof(bare));
  hash.finish(tag);
}

void DumpSeal::make_tag(const ImageMark& mark, std::span<unsigned char, kSealTagSize> tag) const {
  ImageMark bare = mark;
  std::memset(bare.seal_tag, 0, sizeof(bare.seal_tag));
  bare.mark_crc = 0;
  KeyedHash<kSealTagSize> hash(key_);
  hash.add(&bare, sizeof(bare));
  hash.finish(tag);
}

void DumpSeal::seal(FrameHeader& header, std::span<const std::byte> payload) const {
  if (is_set_) make_tag(header, payload, header.tag);
}

void DumpSeal::seal(RegionHeader& header) const {
  if (!is_set_) return;
  header.compatible_flags = header.compatible_flags | kCompatibleSealed;
  std::memcpy(header.boot_id, boot_id_, sizeof(header.boot_id));
  make_tag(header, header.seal_tag);
}

void DumpSeal::seal(ImageMark& mark) const {
  if (is_set_) make_tag(mark, mark.seal_tag);
}

bool DumpSeal::matches(const FrameHeader& header, std::span<const std::byte> payload) const {
  if (!is_set_) return false;
  unsigned char tag[kSealTagSize];
  make_tag(header, payload, tag);
  return are_equal(tag, header.tag);
}

bool DumpSeal::matches(const RegionHeader& header) const {
  if (!is_set_) return false;
  unsigned char tag[kSealTagSize];
  make_tag(header, tag);
  return are_equal(tag, header.seal_tag);
}

bool DumpSeal::matches(const ImageMark& mark) const {
  if (!is_set_) return false;
  unsigned char tag[kSealTagSize];
  make_tag(mark, tag);
  return are_equal(tag, mark.seal_tag);
}

std::string_view sealed_boot_id(const RegionHeader& header) {
  if ((header.compatible_flags & kCompatibleSealed) == 0) return {};
  const std::string_view text(header.boot_id, sizeof(header.boot_id));
  return text.substr(0, text.find('\0'));
}

}  // namespace warmdump::dump_format
