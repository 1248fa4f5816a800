#include "initramfs/compressor.h"

#include <gmock/gmock.h>
#include <lzma.h>

#include <random>

namespace warmdump {
namespace {

std::string sample(std::size_t size) {
  std::mt19937 random(7);
  std::string bytes;
  while (bytes.size() < size) {
    bytes.append(1 + random() % 60, static_cast<char>('a' + random() % 20));
    bytes.push_back(static_cast<char>(random()));
  }
  bytes.resize(size);
  return bytes;
}

class EveryCompressor : public testing::TestWithParam<std::size_t> {
 protected:
  const Compressor& compressor() const { return compressors()[GetParam()]; }
};

TEST_P(EveryCompressor, gives_back_what_it_got) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{262144}, std::size_t{1000003}}) {
    const std::string bytes = sample(size);
    const auto packed = compressor().compress(bytes, KernelConfig::parse("CONFIG_XZ_DEC_X86=y\n"));
    ASSERT_TRUE(packed.has_value());
    EXPECT_THAT(*packed, testing::StartsWith(std::string(compressor().magic)));
    EXPECT_LT(packed->size(), size / 2 + 200);
    const auto unpacked = decompress_by_magic(*packed, size);
    ASSERT_TRUE(unpacked.has_value()) << unpacked.error().message;
    EXPECT_TRUE(*unpacked == bytes) << size;
  }
}

TEST_P(EveryCompressor, keeps_to_the_bound) {
  const auto packed = compressor().compress(std::string(1 << 20, 'x'), {});
  ASSERT_TRUE(packed.has_value());
  const auto unpacked = compressor().decompress(*packed, (1 << 20) - 1);
  ASSERT_FALSE(unpacked.has_value());
  EXPECT_EQ(unpacked.error().code, ErrorCode::no_space);
}

TEST_P(EveryCompressor, cut_data_is_damaged) {
  const auto packed = compressor().compress(sample(20000), {});
  ASSERT_TRUE(packed.has_value());
  for (std::size_t size = compressor().magic.size(); size < packed->size(); size += 97) {
    const auto unpacked = compressor().decompress(std::string_view(*packed).substr(0, size), 1 << 20);
    ASSERT_FALSE(unpacked.has_value()) << size;
    EXPECT_EQ(unpacked.error().code, ErrorCode::corrupt);
  }
}

TEST_P(EveryCompressor, data_behind_the_end_is_damage) {
  const auto packed = compressor().compress(sample(20000), {});
  ASSERT_TRUE(packed.has_value());
  const auto unpacked = compressor().decompress(*packed + "more", 1 << 20);
  ASSERT_FALSE(unpacked.has_value());
  EXPECT_EQ(unpacked.error().code, ErrorCode::corrupt);
}

TEST_P(EveryCompressor, a_flipped_bit_is_damage) {
  const auto packed = compressor().compress(sample(20000), {});
  ASSERT_TRUE(packed.has_value());
  std::string flipped = *packed;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x10);
  EXPECT_FALSE(compressor().decompress(flipped, 1 << 20).has_value());
}

INSTANTIATE_TEST_SUITE_P(Table, EveryCompressor, testing::Range(std::size_t{0}, compressors().size()),
                         [](const auto& chosen) { return std::string(compressors()[chosen.param].name); });

TEST(Compressor, plain_bytes_pass) {
  const auto plain = decompress_by_magic(
      "\x7f"
      "ELF...",
      100);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(*plain,
            "\x7f"
            "ELF...");
  EXPECT_FALSE(decompress_by_magic("12345", 4).has_value());
}

TEST(Compressor, chosen_by_what_the_kernel_unpacks) {
  const auto chosen = [](const char* config) { return compressor_for(KernelConfig::parse(config)).name; };
  EXPECT_EQ(chosen("CONFIG_RD_GZIP=y\nCONFIG_RD_XZ=y\nCONFIG_RD_ZSTD=y\n"), "xz");
  EXPECT_EQ(chosen("CONFIG_RD_GZIP=y\n# CONFIG_RD_XZ is not set\nCONFIG_RD_ZSTD=y\n"), "zstd");
  EXPECT_EQ(chosen("CONFIG_RD_GZIP=y\n"), "gzip");
  EXPECT_EQ(chosen(""), "gzip");
}

// The kernel's decoder knows CRC32 and no check, and the dictionary is memory of the crash kernel.
TEST(Compressor, xz_is_what_the_kernel_takes) {
  const std::string bytes = sample(1000000);
  const auto packed = compressors()[0].compress(bytes, {});
  ASSERT_TRUE(packed.has_value());
  const auto* header = reinterpret_cast<const std::uint8_t*>(packed->data());
  lzma_stream_flags flags;
  ASSERT_EQ(lzma_stream_header_decode(&flags, header), LZMA_OK);
  EXPECT_EQ(flags.check, LZMA_CHECK_CRC32);
  lzma_filter filters[LZMA_FILTERS_MAX + 1];
  lzma_block block{};
  block.filters = filters;
  block.check = flags.check;
  block.header_size = lzma_block_header_size_decode(header[LZMA_STREAM_HEADER_SIZE]);
  ASSERT_EQ(lzma_block_header_decode(&block, nullptr, header + LZMA_STREAM_HEADER_SIZE), LZMA_OK);
  EXPECT_EQ(filters[0].id, LZMA_FILTER_LZMA2) << "no x86 filter unless the kernel has it";
  EXPECT_LE(static_cast<lzma_options_lzma*>(filters[0].options)->dict_size, 1024U * 1024U);
  lzma_filters_free(filters, nullptr);
}

}  // namespace
}  // namespace warmdump
