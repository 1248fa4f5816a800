// kdump files, judged by libkdumpfile: what it reads must be what the builder put in, page by page.

#include "recover/output/kdump_output.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "recover/output/output_format.h"
#include "recover/output/page_compression.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

#ifdef HAVE_LIBKDUMPFILE

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "tests/support/kdump_file.h"

namespace warmdump {
namespace {

using dump_format::RunContent;
using test::KdumpFile;
using testing::HasSubstr;
using testing::Optional;

void expect_same_pages(KdumpFile& file, const test::SmallMachine& machine, const std::set<Pfn>& lost = {}) {
  ASSERT_TRUE(file.is_open()) << file.error();
  for (Pfn pfn = 0; pfn < 0x2060; ++pfn) {
    test::Page page;
    const kdump_status status = file.read(pfn, page);
    const auto expected = machine.present.find(pfn);
    if (expected == machine.present.end() || lost.contains(pfn)) {
      ASSERT_EQ(status, KDUMP_ERR_NODATA) << std::hex << pfn;
    } else {
      ASSERT_EQ(status, KDUMP_OK) << std::hex << pfn;
      ASSERT_EQ(page, expected->second) << std::hex << pfn;
    }
  }
}

// A field of the file header by its offset, where libkdumpfile does not show it.
constexpr std::streamoff kStatusOffset = 424;
constexpr std::streamoff kCpuCountOffset = 460;

std::uint32_t header_word(const std::filesystem::path& path, std::streamoff offset) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(offset);
  std::uint32_t word = 0;
  file.read(reinterpret_cast<char*>(&word), sizeof(word));
  return word;
}

TEST(KdumpOutput, EveryCompressionReadsBackPageByPage) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  for (const PageCompression& compression : page_compressions()) {
    SCOPED_TRACE(compression.name);
    const test::TemporaryDirectory directory;
    PageCount progress_done = 0;
    PageCount progress_total = 0;
    const auto report = write_kdump(*dump, directory / "vmcore", {compression.name, false, 2},
                                    [&](PageCount done, PageCount total) {
                                      EXPECT_GT(done, progress_done);
                                      progress_done = done;
                                      progress_total = total;
                                    });
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->pages, machine.present.size());
    EXPECT_EQ(report->file_size, std::filesystem::file_size(directory / "vmcore"));
    EXPECT_GT(progress_total, 0);
    EXPECT_EQ(progress_done, progress_total);
    EXPECT_FALSE(std::filesystem::exists(directory / "vmcore-incomplete"));
    EXPECT_EQ(std::filesystem::status(directory / "vmcore").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    KdumpFile file(directory / "vmcore");
    expect_same_pages(file, machine);
    EXPECT_EQ(header_word(directory / "vmcore", kStatusOffset), compression.flag);
  }
}

// Pages that a compressor meets its limits with: no match, nothing but one match, long literals between
// matches, matches over short and long distances.
std::vector<test::Page> hard_pages() {
  std::vector<test::Page> pages;
  std::mt19937_64 random(1);
  for (std::size_t period = 1; period <= 4096; period = period * 3 / 2 + 1) {
    for (const std::size_t literals : {0U, 1U, 3U, 4U, 18U, 19U, 239U, 600U}) {
      test::Page page;
      for (std::size_t at = 0; at < page.size(); ++at)
        page[at] = at < period ? static_cast<std::byte>(random()) : page[at - period];
      for (std::size_t at = 700; at + literals < page.size(); at += 700 + literals) {
        for (std::size_t index = 0; index < literals; ++index)
          page[at + index] = static_cast<std::byte>(random());
      }
      pages.push_back(page);
    }
  }
  return pages;
}

TEST(KdumpOutput, every_compression_at_every_level_keeps_pages_that_are_hard_to_compress) {
  const std::vector<test::Page> pages = hard_pages();
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{16, static_cast<std::uint32_t>(pages.size()), RunContent::data}},
                    std::as_bytes(std::span(pages)));
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  for (const PageCompression& compression : page_compressions()) {
    for (int level = 0; level <= compression.level_max; ++level) {
      SCOPED_TRACE(fmt::format("{} {}", compression.name, level));
      const test::TemporaryDirectory directory;
      ASSERT_TRUE(write_kdump(*dump, directory / "vmcore",
                              {.compression = compression.name, .compression_level = level}, {}));
      KdumpFile file(directory / "vmcore");
      for (std::size_t index = 0; index < pages.size(); ++index) {
        test::Page page;
        ASSERT_EQ(file.read(16 + index, page), KDUMP_OK) << index << ": " << file.error();
        ASSERT_EQ(page, pages[index]) << index;
      }
    }
  }
}

std::string whole_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(KdumpOutput, the_same_dump_makes_the_same_bytes_with_any_number_of_threads) {
  test::DumpBuilder builder;
  for (Pfn frame = 0; frame < 40; ++frame)
    builder.add_pages(std::vector<test::Run>{
        {(39 - frame) * 64, static_cast<std::uint32_t>(1 + frame % 7), RunContent::data},
        {(39 - frame) * 64 + 20, 30, RunContent::zero}});
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_kdump(*dump, directory / "one", {.thread_count = 1}, {}));
  for (const unsigned threads : {2U, 3U, 8U}) {
    const auto path = directory / fmt::format("{}", threads);
    ASSERT_TRUE(write_kdump(*dump, path, {.thread_count = threads}, {}));
    EXPECT_EQ(whole_file(path), whole_file(directory / "one")) << threads;
  }
}

TEST(KdumpOutput, HeaderTellsTheKernelAndItsProcessors) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_kdump(*dump, directory / "vmcore", {}, {}));
  KdumpFile file(directory / "vmcore");
  EXPECT_THAT(file.text(KDUMP_ATTR_FILE_FORMAT), Optional(std::string("diskdump")));
  EXPECT_THAT(file.text("linux.uts.release"), Optional(std::string("6.1.0-99-amd64")));
  EXPECT_THAT(file.text("linux.uts.nodename"), Optional(std::string("testhost")));
  EXPECT_THAT(file.text("linux.uts.machine"), Optional(std::string("x86_64")));
  EXPECT_THAT(file.text("linux.vmcoreinfo.lines.OSRELEASE"), Optional(std::string("6.1.0-99-amd64")));
  EXPECT_THAT(file.number("cpu.number"), Optional(2));
  EXPECT_THAT(file.number("max_pfn"), Optional(0x2040));
}

TEST(KdumpOutput, KernelNamesMissingInTheDumpComeFromVmcoreinfo) {
  test::DumpBuilder builder;
  builder.add_blob(dump_format::BlobKind::vmcoreinfo, "OSRELEASE=5.10.0\nPAGESIZE=4096\n");
  builder.add_pages(std::vector<test::Run>{{16, 1, dump_format::RunContent::data}});
  const auto region = builder.build(dump_format::State::writing);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_kdump(*dump, directory / "vmcore", {{}, true, 1}, {}));
  KdumpFile file(directory / "vmcore");
  EXPECT_THAT(file.text("linux.uts.release"), Optional(std::string("5.10.0")));
  EXPECT_EQ(header_word(directory / "vmcore", kCpuCountOffset), 1);
  EXPECT_EQ(header_word(directory / "vmcore", kStatusOffset), 0x1 | 0x8);
  test::Page page;
  EXPECT_EQ(file.read(16, page), KDUMP_OK);
  EXPECT_EQ(page, test::page_content(16));
}

TEST(KdumpOutput, LostPagesAreAbsentNeverWrong) {
  auto machine = test::make_small_machine();
  auto region = machine.builder.build();
  region.bytes[(dump_format::kFramesOffset + machine.builder.frames_end()) / 2] ^= std::byte{0x10};
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  std::set<Pfn> lost;
  for (const auto& [pfn, page] : machine.present) {
    if (dump->pages().find(pfn) == nullptr) lost.insert(pfn);
  }
  ASSERT_FALSE(lost.empty());
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_kdump(*dump, directory / "vmcore", {{}, true, 2}, {}));
  KdumpFile file(directory / "vmcore");
  expect_same_pages(file, machine, lost);
}

TEST(KdumpOutput, ExistingFilesAndUnknownCompressionsAreRefused) {
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{16, 1, dump_format::RunContent::data}});
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump);
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_kdump(*dump, directory / "vmcore", {}, {}));
  auto again = write_kdump(*dump, directory / "vmcore", {}, {});
  EXPECT_EQ(again.error().code, ErrorCode::refused);
  EXPECT_THAT(again.error().message, HasSubstr("exists already"));
  EXPECT_EQ(write_kdump(*dump, directory / "other", {"lzma", false, 0}, {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(write_kdump(*dump, directory / "no" / "such", {}, {}).error().code, ErrorCode::not_found);
}

TEST(KdumpOutput, NoRoomIsOneClearErrorAndLeavesNothing) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump);
  const test::TemporaryDirectory directory;
  // A file size limit fails a write in the middle of the file, as a full disk does.
  struct rlimit old_limit {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = old_limit;
  limit.rlim_cur = 256 * kKiB;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto report = write_kdump(*dump, directory / "vmcore", {}, {});
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("vmcore: File too large"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace warmdump

#else

TEST(KdumpOutput, JudgedByLibkdumpfile) {
  GTEST_SKIP() << "libkdumpfile was not found when this was built: nobody independent read the kdump files";
}

#endif
