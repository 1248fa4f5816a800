// The self-test's own reader of kdump files, on files of our writer in each compression, and on damaged ones.

#include "selftest/offline/kdump_pages.h"

#include <gmock/gmock.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "common/file_device.h"
#include "recover/output/kdump_output.h"
#include "recover/output/page_compression.h"
#include "selftest/offline/dump_verification.h"
#include "selftest/offline/sample_machine.h"
#include "tests/support/capture_program.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

class KdumpPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto recipe = synthetic::Recipe::parse(sample_machine_recipe("c0ffee", 1700000000));
    ASSERT_TRUE(recipe) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, directory_.file("source"));
    ASSERT_TRUE(truth) << truth.error().message;
    truth_.emplace(std::move(*truth));
    make_region_file(directory_.file("region"), 64 * kMiB);
    const ProgramResult result = warmdump::run_program(
        WARMDUMP_CAPTURE, {"--vmcore", directory_.file("source"), "--region", directory_.file("region")});
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }

  void write(std::string_view compression) {
    std::filesystem::remove(file_);
    FileDevice region;
    ASSERT_TRUE(region.open(directory_.file("region").c_str(), FileDevice::Access::read_only));
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump) << dump.error().message;
    OutputOptions options;
    options.compression = compression;
    const auto report = write_kdump(*dump, file_, options, {});
    ASSERT_TRUE(report) << report.error().message;
  }

  test::TemporaryDirectory directory_;
  std::string file_ = directory_.file("vmcore");
  std::optional<synthetic::VmcoreTruth> truth_;
};

TEST_F(KdumpPagesTest, ReadsEveryCompressionButLzo) {
  for (const PageCompression& compression : page_compressions()) {
    if (compression.name == "lzo") continue;
    SCOPED_TRACE(compression.name);
    ASSERT_NO_FATAL_FAILURE(write(compression.name));
    const auto verified = verify_vmcore(*truth_, file_);
    EXPECT_TRUE(verified) << verified.error().message;
  }
}

TEST_F(KdumpPagesTest, ReadsPagesInAnyOrder) {
  ASSERT_NO_FATAL_FAILURE(write("zlib"));
  auto pages = KdumpPages::open(file_);
  ASSERT_TRUE(pages) << pages.error().message;
  std::array<std::byte, kPageSize> page;
  for (const Pfn pfn : {Pfn{0x1000}, Pfn{0x500}, Pfn{0x3000}, Pfn{0x10}}) {
    ASSERT_TRUE(pages->read(pfn, page).value());
    EXPECT_THAT(page, testing::ElementsAreArray(truth_->page_bytes(pfn).value())) << std::hex << pfn;
  }
  EXPECT_FALSE(pages->read(0x3400, page).value());
  EXPECT_FALSE(pages->read(Pfn{1} << 40, page).value());
}

TEST_F(KdumpPagesTest, NoticesAWrongByteOfAPage) {
  ASSERT_NO_FATAL_FAILURE(write("none"));
  const auto size = std::filesystem::file_size(file_);
  std::fstream(file_, std::ios::in | std::ios::out).seekp(static_cast<std::streamoff>(size - 1)).put('\x55');
  const auto verified = verify_vmcore(*truth_, file_);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::corrupt);
}

TEST_F(KdumpPagesTest, RefusesWhatIsNoSuchFileOrCutOff) {
  ASSERT_NO_FATAL_FAILURE(write("zlib"));
  for (const std::uintmax_t size :
       {std::uintmax_t{0}, std::uintmax_t{100}, std::uintmax_t{5000}, std::uintmax_t{100000}}) {
    std::filesystem::resize_file(file_, size);
    EXPECT_EQ(verify_vmcore(*truth_, file_).error().code, ErrorCode::corrupt) << size;
    ASSERT_NO_FATAL_FAILURE(write("zlib"));
  }
}

}  // namespace
}  // namespace warmdump
