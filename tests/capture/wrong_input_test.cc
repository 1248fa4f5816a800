// What a user can get wrong: each ends with one line that says what is wrong. Where there is nothing to
// capture, the region says so to the next boot, and takes the next capture.

#include <gmock/gmock.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

class WrongInput : public testing::Test {
 protected:
  void SetUp() override { make_region_file(region_, 8 * kMiB); }

  void write_vmcore(const std::string& content) { std::ofstream(vmcore_, std::ios::binary) << content; }

  std::string build(const std::string& replace, const std::string& with) {
    const auto recipe = synthetic::Recipe::load(test::recipe_path("linux_6_1"));
    const auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    if (!truth.has_value()) return truth.error().message;
    std::fstream core(vmcore_, std::ios::in | std::ios::out | std::ios::binary);
    std::string start(64 * kKiB, '\0');
    core.read(start.data(), static_cast<std::streamsize>(start.size()));
    for (std::size_t at = 0; !replace.empty() && (at = start.find(replace, at)) != std::string::npos;
         at += with.size()) {
      start.replace(at, replace.size(), with);
    }
    core.seekp(0);
    core.write(start.data(), static_cast<std::streamsize>(start.size()));
    return "";
  }

  void expect_error(const std::string& text) {
    const ProgramResult result = run_program(WARMDUMP_CAPTURE, {"--vmcore", vmcore_, "--region", region_});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, HasSubstr(text));
    EXPECT_EQ(std::ranges::count(result.errors, '\n'), 1) << result.errors;
  }

  // What a region holds after a capture that found nothing it could capture.
  void expect_reason_on_region(ErrorCode code, const std::string& text) {
    FileDevice region;
    ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
    alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
    const auto header = dump_format::read_header(region, buffer);
    ASSERT_TRUE(header.has_value());
    EXPECT_TRUE(dump_format::is_record_without_frames(*header));
    EXPECT_EQ(header->error_code, static_cast<std::uint32_t>(code));
    EXPECT_THAT(reinterpret_cast<const char*>(header->error_text), HasSubstr(text));
  }

  test::TemporaryDirectory directory_;
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
};

TEST_F(WrongInput, NoSuchVmcore) {
  expect_error("cannot open");
  expect_reason_on_region(ErrorCode::not_found, "cannot open");
}

TEST_F(WrongInput, NotAnElfFile) {
  write_vmcore(std::string(100'000, 'x'));
  expect_error("not an ELF core file");
}

TEST_F(WrongInput, EmptyFile) {
  write_vmcore("");
  expect_error("not an ELF core file");
}

TEST_F(WrongInput, CutShort) {
  ASSERT_EQ(build("", ""), "");
  std::filesystem::resize_file(vmcore_, 1 * kMiB);
  expect_error("cut short");
}

TEST_F(WrongInput, NoVmcoreinfo) {
  ASSERT_EQ(build("VMCOREINFO", "XMCOREINFO"), "");
  expect_error("no VMCOREINFO note");
  expect_reason_on_region(ErrorCode::not_found, "no VMCOREINFO note");
}

TEST_F(WrongInput, ADumpMayFollowAFailure) {
  write_vmcore(std::string(100'000, 'x'));
  expect_error("not an ELF core file");
  ASSERT_EQ(build("", ""), "");
  make_region_file(directory_.file("large"), 64 * kMiB);
  std::filesystem::resize_file(region_, 64 * kMiB);
  // The header was made for the smaller file.
  expect_error("written for another region");
  region_ = directory_.file("large");
  std::filesystem::remove(vmcore_);
  expect_error("cannot open");
  ASSERT_EQ(build("", ""), "");
  EXPECT_EQ(run_program(WARMDUMP_CAPTURE, {"--vmcore", vmcore_, "--region", region_}).exit_code, 0);
}

TEST_F(WrongInput, NoSuchRegion) {
  ASSERT_EQ(build("", ""), "");
  std::filesystem::remove(region_);
  expect_error("cannot open");
}

TEST_F(WrongInput, RegionTooSmall) {
  ASSERT_EQ(build("", ""), "");
  make_region_file(region_, 1 * kMiB);
  expect_error("region too small");
}

TEST_F(WrongInput, RegionWithForeignContent) {
  ASSERT_EQ(build("", ""), "");
  std::ofstream(region_, std::ios::in | std::ios::binary) << "somebody's data";
  expect_error("left alone");
}

TEST_F(WrongInput, RegionIsADirectory) {
  ASSERT_EQ(build("", ""), "");
  region_ = directory_.path();
  expect_error("neither a regular file nor a block device");
}

}  // namespace
}  // namespace warmdump
