#include "initramfs/cpio_writer.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/hosted/whole_file.h"
#include "tests/initramfs/cpio_reader.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

std::string sample_archive() {
  CpioWriter writer;
  writer.add_directory("dev");
  writer.add_character_device("dev/console", 0600, 5, 1);
  writer.add_file("init", 0755, "12345");
  writer.add_file("empty", 0600, "");
  return writer.finish();
}

TEST(CpioWriter, reads_back_as_written) {
  const std::string archive = sample_archive();
  std::string_view rest = archive;
  const auto entries = read_cpio(rest);
  EXPECT_TRUE(rest.empty());
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].path, "dev");
  EXPECT_EQ(entries[0].mode, static_cast<std::uint32_t>(S_IFDIR | 0755));
  EXPECT_EQ(entries[1].path, "dev/console");
  EXPECT_EQ(entries[1].mode, static_cast<std::uint32_t>(S_IFCHR | 0600));
  EXPECT_EQ(entries[1].device_major, 5U);
  EXPECT_EQ(entries[1].device_minor, 1U);
  EXPECT_EQ(entries[2].path, "init");
  EXPECT_EQ(entries[2].mode, static_cast<std::uint32_t>(S_IFREG | 0755));
  EXPECT_EQ(entries[2].content, "12345");
  EXPECT_EQ(entries[3].content, "");
}

TEST(CpioWriter, depends_on_nothing_but_the_entries) {
  EXPECT_EQ(sample_archive(), sample_archive());
  const std::string archive = sample_archive();
  std::string_view rest = archive;
  std::uint32_t inode = 0;
  for (const CpioEntry& entry : read_cpio(rest)) {
    EXPECT_EQ(entry.owner, 0U);
    EXPECT_EQ(entry.group, 0U);
    EXPECT_EQ(entry.time, 0U);
    EXPECT_EQ(entry.inode, ++inode) << "equal inodes would be hard links";
  }
}

TEST(CpioWriter, is_empty_after_finish) {
  CpioWriter writer;
  writer.add_file("a", 0644, "a");
  const std::string first = writer.finish();
  writer.add_file("a", 0644, "a");
  EXPECT_EQ(writer.finish(), first);
}

TEST(CpioWriter, every_length_is_padded) {
  for (std::size_t length = 0; length < 9; ++length) {
    CpioWriter writer;
    writer.add_file(std::string(length + 1, 'p'), 0644, std::string(length, 'x'));
    writer.add_file("after", 0644, "after");
    const std::string archive = writer.finish();
    EXPECT_EQ(archive.size() % 4, 0U);
    std::string_view rest = archive;
    const auto entries = read_cpio(rest);
    ASSERT_EQ(entries.size(), 2U) << length;
    EXPECT_EQ(entries[0].content, std::string(length, 'x'));
    EXPECT_EQ(entries[1].content, "after");
  }
}

TEST(CpioWriter, the_cpio_program_lists_it) {
  if (std::system("cpio --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "the program cpio is not installed";
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("archive.cpio");
  ASSERT_TRUE(write_whole_file(path, sample_archive()).has_value());
  FILE* listing = ::popen(("cpio -itv --quiet < " + path).c_str(), "r");
  ASSERT_NE(listing, nullptr);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), listing));
  EXPECT_EQ(::pclose(listing), 0);
  EXPECT_THAT(text, testing::HasSubstr("drwxr-xr-x"));
  EXPECT_THAT(text, testing::ContainsRegex("crw------- .* 5, +1 .*dev/console"));
  EXPECT_THAT(text, testing::ContainsRegex("-rwxr-xr-x .* 5 .*init"));
}

}  // namespace
}  // namespace warmdump
