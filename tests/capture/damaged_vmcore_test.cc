// The memory of a crashed machine may hold anything: page tables that point nowhere, sections that do not
// exist, struct pages full of noise. A capture ends in order all the same.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::AnyOf;

class DamagedVmcore : public testing::Test {
 protected:
  void SetUp() override {
    const auto recipe = synthetic::Recipe::load(test::recipe_path("linux_6_12"));
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
  }

  // Offsets in the vmcore of everything a capture follows: headers, notes, tables, struct pages.
  std::vector<ByteCount> pages_of_interest() const {
    std::vector<ByteCount> offsets{0};
    for (Pfn pfn = 0; pfn < truth_->pfn_end; ++pfn) {
      const auto page_class = truth_->page_class(pfn);
      if (page_class != dump_format::PageClass::page_table &&
          page_class != dump_format::PageClass::struct_page &&
          page_class != dump_format::PageClass::kernel_image) {
        continue;
      }
      for (const auto& load : truth_->loads) {
        const PhysicalAddress address = pfn * kPageSize;
        if (address >= load.physical_address && address < load.physical_address + load.size) {
          offsets.push_back(load.file_offset + (address - load.physical_address));
        }
      }
    }
    return offsets;
  }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
};

TEST_F(DamagedVmcore, CaptureEndsInOrder) {
  constexpr unsigned kRounds = 60;
  constexpr unsigned kHitsPerRound = 40;
  std::mt19937_64 random(20240722);
  const std::vector<ByteCount> pages = pages_of_interest();
  const int fd = ::open(vmcore_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);

  for (unsigned round = 0; round < kRounds; ++round) {
    std::vector<std::pair<off_t, std::uint64_t>> undo;
    for (unsigned hit = 0; hit < kHitsPerRound; ++hit) {
      const auto offset = static_cast<off_t>(pages[random() % pages.size()] + random() % 512 * 8);
      std::uint64_t word = 0;
      ASSERT_EQ(::pread(fd, &word, sizeof(word), offset), 8);
      undo.emplace_back(offset, word);
      // A single bit, noise, or an address that looks like one.
      const std::uint64_t damaged[] = {word ^ (std::uint64_t{1} << random() % 64), random(),
                                       (random() & 0x000f'ffff'ffff'f000) | 0x63, ~std::uint64_t{0}};
      ASSERT_EQ(::pwrite(fd, &damaged[random() % 4], 8, offset), 8);
    }
    make_region_file(region_, 1 * kGiB);
    const ProgramResult result = run_program(WARMDUMP_CAPTURE, {"--vmcore", vmcore_, "--region", region_});
    EXPECT_THAT(result.exit_code, AnyOf(0, 1, 3)) << "round " << round << ": " << result.errors;
    if (result.exit_code != 1) {
      FileDevice region;
      ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
      EXPECT_TRUE(DumpReader::open(region).has_value()) << "round " << round;
    }
    for (auto step = undo.rbegin(); step != undo.rend(); ++step) {
      ASSERT_EQ(::pwrite(fd, &step->second, 8, step->first), 8);
    }
  }
  ::close(fd);
}

}  // namespace
}  // namespace warmdump
