// What a user can get wrong: each ends with one line that says what is wrong, and nothing is written.

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/vmcore_builder.h"

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

  test::TemporaryDirectory directory_;
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
};

TEST_F(WrongInput, NoSuchVmcore) {
  expect_error("cannot open");
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
