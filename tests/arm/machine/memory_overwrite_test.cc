#include "arm/machine/memory_overwrite.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace std::string_literals;

class MemoryOverwrite : public testing::Test {
 protected:
  static constexpr const char* kVariables = "/sys/firmware/efi/efivars";
  static constexpr const char* kRequest =
      "/sys/firmware/efi/efivars/MemoryOverwriteRequestControl-e20939be-32d4-41be-a150-897f85d49829";
  static constexpr const char* kLock =
      "/sys/firmware/efi/efivars/MemoryOverwriteRequestControlLock-bb983ccf-151d-40e1-a07b-4a17be168292";

  void boot_with_efi() {
    write("/sys/firmware/efi/efivars/BootCurrent-8be4df61-93ca-11d2-aa0d-00e098032b8c", "\6\0\0\0\0\0"s);
  }
  void write(const std::string& path, const std::string& bytes) {
    const std::filesystem::path file = files_.path(path);
    std::filesystem::create_directories(file.parent_path());
    ASSERT_TRUE(write_whole_file(file, bytes).has_value());
  }
  MemoryOverwriteRequest request() const { return read_memory_overwrite(files_).request; }

  const test::TemporaryDirectory directory_;
  const MachineFiles files_{directory_.path()};
};

TEST_F(MemoryOverwrite, a_bios_asks_for_nothing) {
  EXPECT_EQ(request(), MemoryOverwriteRequest::no_efi);
  EXPECT_FALSE(*clear_memory_overwrite(files_));
}

TEST_F(MemoryOverwrite, unmounted_variables_are_not_seen) {
  std::filesystem::create_directories(files_.path(kVariables));
  EXPECT_EQ(request(), MemoryOverwriteRequest::not_seen);
  const auto cleared = clear_memory_overwrite(files_);
  ASSERT_FALSE(cleared.has_value());
  EXPECT_EQ(cleared.error().code, ErrorCode::not_found);
}

TEST_F(MemoryOverwrite, firmware_without_it) {
  boot_with_efi();
  EXPECT_EQ(request(), MemoryOverwriteRequest::absent);
  EXPECT_FALSE(*clear_memory_overwrite(files_));
}

TEST_F(MemoryOverwrite, a_request_is_taken_back_and_the_attributes_stay) {
  boot_with_efi();
  write(kRequest, "\7\0\0\0\x11"s);
  EXPECT_EQ(request(), MemoryOverwriteRequest::set);
  EXPECT_TRUE(*clear_memory_overwrite(files_));
  EXPECT_EQ(*files_.read(kRequest), "\7\0\0\0\0"s);
  EXPECT_EQ(request(), MemoryOverwriteRequest::clear);
  EXPECT_FALSE(*clear_memory_overwrite(files_));
}

TEST_F(MemoryOverwrite, only_the_lowest_bit_asks) {
  boot_with_efi();
  write(kRequest, "\7\0\0\0\x10"s);
  EXPECT_EQ(request(), MemoryOverwriteRequest::clear);
}

TEST_F(MemoryOverwrite, a_locked_request_stays) {
  boot_with_efi();
  write(kRequest, "\7\0\0\0\1"s);
  write(kLock, "\7\0\0\0\2"s);
  EXPECT_TRUE(read_memory_overwrite(files_).is_locked);
  const auto cleared = clear_memory_overwrite(files_);
  ASSERT_FALSE(cleared.has_value());
  EXPECT_EQ(cleared.error().code, ErrorCode::refused);
  EXPECT_EQ(request(), MemoryOverwriteRequest::set);
}

TEST_F(MemoryOverwrite, an_open_lock_is_none) {
  boot_with_efi();
  write(kRequest, "\7\0\0\0\1"s);
  write(kLock, "\7\0\0\0\0"s);
  EXPECT_TRUE(*clear_memory_overwrite(files_));
}

TEST_F(MemoryOverwrite, a_variable_without_a_value_says_nothing) {
  boot_with_efi();
  write(kRequest, "\7\0\0\0"s);
  EXPECT_EQ(request(), MemoryOverwriteRequest::not_seen);
}

}  // namespace
}  // namespace warmdump
