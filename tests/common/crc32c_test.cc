#include "common/crc32c.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace warmdump {
namespace {

std::vector<std::byte> counting(unsigned count, bool down) {
  std::vector<std::byte> bytes;
  for (unsigned i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(down ? count - 1 - i : i));
  return bytes;
}

struct Vector {
  std::vector<std::byte> bytes;
  std::uint32_t crc;
};

// RFC 3720, B.4, with the checksums in the byte order of the number.
std::vector<Vector> rfc_vectors() {
  const unsigned char scsi_read[48] = {0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
                                       0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
                                       0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0};
  const auto* first = reinterpret_cast<const std::byte*>(scsi_read);
  return {{std::vector<std::byte>(32), 0x8a9136aa},
          {std::vector<std::byte>(32, std::byte{0xff}), 0x62a8ab43},
          {counting(32, false), 0x46dd794e},
          {counting(32, true), 0x113fdb5c},
          {{first, first + sizeof(scsi_read)}, 0xd9963a56}};
}

TEST(Crc32c, MatchesRfc3720) {
  for (const Vector& vector : rfc_vectors()) {
    EXPECT_EQ(crc32c(vector.bytes), vector.crc);
    EXPECT_EQ(crc32c_portable(vector.bytes), vector.crc);
  }
}

TEST(Crc32c, MatchesTheUsualCheckValue) {
  EXPECT_EQ(crc32c(std::as_bytes(std::span(std::string_view("123456789")))), 0xe3069283);
}

TEST(Crc32c, OfNothingIsZero) {
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c_portable({}), 0U);
}

TEST(Crc32c, BothWaysAgreeAtEveryLengthAndAlignment) {
  const std::vector<std::byte> bytes = counting(256, true);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; start + size <= 80; ++size) {
      const auto part = std::span(bytes).subspan(start, size);
      EXPECT_EQ(crc32c(part), crc32c_portable(part)) << start << " " << size;
    }
  }
}

}  // namespace
}  // namespace warmdump
