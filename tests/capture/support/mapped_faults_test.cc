// Pages of the vmcore that cannot be read although they are mapped. A file that became shorter after it was
// opened gives the same SIGBUS as a broken memory cell.

#include "capture/support/mapped_faults.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "capture/crashed_machine/vmcore_memory.h"
#include "capture/pages/page_copier.h"
#include "common/dump_format/dump_header.h"
#include "recover/dump/dump_reader.h"
#include "tests/support/memory_device.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::RunContent;

constexpr Pfn kPages = 64;
constexpr Pfn kPagesLeft = 21;

class MappedFaults : public testing::Test {
 protected:
  void SetUp() override {
    std::string content;
    for (Pfn page = 0; page < kPages; ++page)
      content += std::string(kPageSize, static_cast<char>('A' + page % 26));
    std::ofstream(path_, std::ios::binary) << content;
    ASSERT_TRUE(vmcore_.open(path_.c_str(), FileDevice::Access::read_only).has_value());
    handle_mapped_faults();
  }

  test::TemporaryDirectory directory_;
  std::string path_ = directory_.file("vmcore");
  FileDevice vmcore_;
};

TEST_F(MappedFaults, AWatchedPageReadsAsZerosAndIsCounted) {
  void* mapped = ::mmap(nullptr, kPages * kPageSize, PROT_READ, MAP_PRIVATE, vmcore_.descriptor(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const auto* bytes = static_cast<const std::byte*>(mapped);
  watch_mapping(bytes, kPages * kPageSize);
  ASSERT_EQ(::truncate(path_.c_str(), kPageSize), 0);

  const std::uint64_t before = mapped_fault_count();
  EXPECT_EQ(bytes[0], std::byte{'A'});
  EXPECT_EQ(mapped_fault_count(), before);
  EXPECT_EQ(bytes[5 * kPageSize + 7], std::byte{0});
  EXPECT_EQ(bytes[5 * kPageSize + 8], std::byte{0});
  EXPECT_EQ(mapped_fault_count(), before + 1);
  forget_mapping(bytes);
  ::munmap(mapped, kPages * kPageSize);
}

TEST_F(MappedFaults, AnyOtherBusErrorEndsTheProgram) {
  const void* mapped = ::mmap(nullptr, kPages * kPageSize, PROT_READ, MAP_PRIVATE, vmcore_.descriptor(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  ASSERT_EQ(::truncate(path_.c_str(), kPageSize), 0);
  EXPECT_FALSE(repair_mapped_fault(const_cast<void*>(mapped)));
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_EXIT(
      {
        volatile char value = static_cast<const volatile char*>(mapped)[5 * kPageSize];
        ::_exit(value);
      },
      testing::KilledBySignal(SIGBUS), "");
#endif
}

TEST_F(MappedFaults, CostOnlyTheirOwnPages) {
  auto ranges = std::make_unique<MemoryRanges>();
  ASSERT_TRUE(ranges->add_uncovered({0, kPages * kPageSize, 0}).has_value());
  auto memory = std::make_unique<VmcoreMemory>(vmcore_, *ranges, VmcoreMemory::Access::map);
  ASSERT_TRUE(memory->view(0, kPageSize).has_value());
  ASSERT_EQ(::truncate(path_.c_str(), kPagesLeft * kPageSize), 0);

  test::MemoryDevice region(8 * kMiB);
  auto writer = std::make_unique<DumpWriter>(region);
  ASSERT_TRUE(writer->begin(dump_format::make_header(0, region.size())).has_value());
  auto frames = std::make_unique<PageFrames>(*writer);
  Pulse pulse(Deadline(), nullptr);
  auto copier = std::make_unique<PageCopier>(*ranges, *memory, *frames, pulse);
  auto classes = std::make_unique<std::array<PageClass, kChunkPfns>>();
  classes->fill(PageClass::kernel);
  auto selected = std::make_unique<std::array<bool, kChunkPfns>>();
  std::fill_n(selected->begin(), kPages, true);
  ASSERT_TRUE(copier->copy(0, *classes, *selected).has_value());
  ASSERT_TRUE(frames->finish_frame().has_value());
  ASSERT_TRUE(writer->flush().has_value());

  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  PageReader reader(*dump);
  std::array<std::byte, kPageSize> page;
  for (Pfn pfn = 0; pfn < kPages; ++pfn) {
    const IndexedRun* run = dump->pages().find(pfn);
    ASSERT_NE(run, nullptr) << pfn;
    EXPECT_EQ(run->content == RunContent::unreadable, pfn >= kPagesLeft) << pfn;
    if (pfn >= kPagesLeft) continue;
    ASSERT_TRUE(*reader.read(pfn, page));
    EXPECT_EQ(page[100], static_cast<std::byte>('A' + pfn % 26));
  }
}

}  // namespace
}  // namespace warmdump
