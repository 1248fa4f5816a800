#include "initramfs/image_content.h"

#include <gmock/gmock.h>

#include "initramfs/compressor.h"
#include "initramfs/cpio_writer.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

std::string archive(const std::string& path, const std::string& content) {
  CpioWriter writer;
  writer.add_directory("directory");
  writer.add_file(path, 0644, content);
  return writer.finish();
}

Outcome<ImageContent> read(const std::string& image) {
  return read_image_content(image, kMiB);
}

TEST(ImageContent, every_compression_is_read) {
  for (const Compressor& compressor : compressors()) {
    const auto packed = compressor.compress(archive("./init", "program"), {});
    ASSERT_TRUE(packed.has_value());
    const auto content = read(*packed);
    ASSERT_TRUE(content.has_value()) << content.error().message;
    EXPECT_THAT(content->files, UnorderedElementsAre(Pair("init", "program")));
    EXPECT_EQ(content->compression, compressor.name);
    EXPECT_EQ(content->unpacked_size, 7U);
  }
}

TEST(ImageContent, microcode_in_front_and_zeros_between) {
  const auto packed = compressors()[0].compress(archive("init", "program"), {});
  const std::string early = archive("kernel/x86/microcode/GenuineIntel.bin", "code");
  const auto content = read(early + std::string(512, '\0') + *packed);
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_THAT(content->files, UnorderedElementsAre(Pair("kernel/x86/microcode/GenuineIntel.bin", "code"),
                                                   Pair("init", "program")));
}

TEST(ImageContent, a_later_archive_goes_over_an_earlier_one) {
  const auto content = read(archive("/init", "old") + archive("init", "newer"));
  ASSERT_TRUE(content.has_value()) << content.error().message;
  EXPECT_THAT(content->files, UnorderedElementsAre(Pair("init", "newer")));
  EXPECT_EQ(content->compression, "none");
}

TEST(ImageContent, what_is_no_image_is_refused) {
  const std::string whole = archive("init", "program");
  const auto packed = compressors()[0].compress(whole, {});
  std::string bad_digits = whole;
  bad_digits[6 + 8] = 'x';
  const struct {
    std::string image;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"", ErrorCode::corrupt, "no files"},
      {std::string(64, '\0'), ErrorCode::corrupt, "no files"},
      {"BZh91AY", ErrorCode::unsupported, "at byte 0: neither"},
      {"  " + whole, ErrorCode::unsupported, "at byte 0: neither"},
      {bad_digits, ErrorCode::corrupt, "at byte 0 of the archive: a damaged header"},
      {whole.substr(0, 50), ErrorCode::corrupt, "cut short"},
      {packed->substr(0, packed->size() / 2), ErrorCode::corrupt, "compressed archive at byte 0"},
      {*packed + "more", ErrorCode::corrupt, "followed by something else"},
      {*compressors()[0].compress("no archive", {}), ErrorCode::corrupt, "no cpio header"},
      {archive("large", std::string(kMiB + 1, 'x')), ErrorCode::no_space, "more than 1048576 bytes"},
      {*compressors()[0].compress(archive("large", std::string(kMiB + 1, 'x')), {}), ErrorCode::no_space,
       "more than 1048576 bytes"},
  };
  for (const auto& test : cases) {
    const auto content = read(test.image);
    ASSERT_FALSE(content.has_value()) << test.message;
    EXPECT_EQ(content.error().code, test.code) << test.message;
    EXPECT_THAT(content.error().message, HasSubstr(test.message));
  }
}

TEST(ImageContent, cut_or_damaged_anywhere_it_ends) {
  const std::string whole = archive("init", "program") + archive("modules/a.ko", "module");
  for (std::size_t size = 0; size < whole.size(); ++size) (void)read(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', 'f', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      (void)read(damaged);
    }
  }
}

}  // namespace
}  // namespace warmdump
