// Damage: whatever is cut off or flipped, every page of a dump is either exactly what it was or plainly lost.

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "recover/dump/dump_reader.h"
#include "recover/dump/page_walk.h"
#include "recover/report/dump_summary.h"
#include "tests/support/dump_builder.h"

namespace warmdump {
namespace {

class DamagedDumpTest : public testing::Test {
 protected:
  DamagedDumpTest() : machine_(test::make_small_machine()), region_(machine_.builder.build()) {
    excluded_.insert(machine_.excluded.begin(), machine_.excluded.end());
  }

  // Returns the number of lost pages. `label` is for messages only.
  PageCount expect_exact_or_lost(const DumpReader& dump, const std::string& label) {
    PageReader pages(dump);
    PageCount lost = 0;
    auto walked = for_each_state_run(dump, [&](const StateRun& run) -> Outcome<void> {
      for (Pfn pfn = run.first_pfn; pfn < run.first_pfn + run.count; ++pfn)
        check(pages, pfn, run.state, label);
      if (run.state == PageState::lost) lost += run.count;
      return {};
    });
    EXPECT_TRUE(walked) << label;
    return lost;
  }

  void check(PageReader& pages, Pfn pfn, PageState state, const std::string& label) {
    const auto original = machine_.present.find(pfn);
    switch (state) {
      case PageState::data:
      case PageState::zero: {
        test::Page page;
        const auto read = pages.read(pfn, page);
        ASSERT_TRUE(read && *read) << label;
        ASSERT_NE(original, machine_.present.end()) << label;
        ASSERT_EQ(page, original->second) << label << " pfn " << pfn;
        break;
      }
      case PageState::excluded:
        ASSERT_TRUE(excluded_.contains(pfn)) << label << " pfn " << pfn;
        break;
      case PageState::absent:
        FAIL() << label << " pfn " << pfn;
        break;
      case PageState::lost:
        break;
    }
  }

  // A page that is gone must not leave a dump that calls itself complete.
  void expect_honest_summary(const DumpReader& dump, PageCount lost, const std::string& label) {
    const auto contents = summarize(dump);
    ASSERT_TRUE(contents) << label;
    EXPECT_EQ(contents->summary.pages.total.lost, lost) << label;
    EXPECT_TRUE(lost == 0 || !contents->summary.complete) << label;
  }

  std::string where(const char* what, std::uint64_t at) { return what + (" at " + std::to_string(at)); }

  test::SmallMachine machine_;
  test::MemoryDevice region_;
  std::set<Pfn> excluded_;
  std::mt19937_64 random_{20240607};
};

TEST_F(DamagedDumpTest, CutAnywhereLosesPagesButMakesNoneUp) {
  // Uncompressed, so that the frames reach over the smallest region that is looked at.
  machine_ = test::make_small_machine(dump_format::Codec::stored);
  region_ = machine_.builder.build();
  const ByteCount end = machine_.builder.frames_end();
  ASSERT_GT(end, dump_format::kRegionSizeMin + kMiB);
  PageCount most_lost = 0;
  for (int round = 0; round < 100; ++round) {
    // Half of the cuts among the frames, where they hurt.
    const ByteCount first = dump_format::kRegionSizeMin;
    const ByteCount size =
        round % 2 == 0 ? first + random_() % (end - first) : random_() % region_.bytes.size();
    test::MemoryDevice cut(std::vector<std::byte>(region_.bytes.begin(),
                                                  region_.bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    const auto dump = DumpReader::open(cut);
    if (!dump) {
      ASSERT_LT(size, dump_format::kRegionSizeMin) << dump.error().message;
      continue;
    }
    EXPECT_EQ(dump->damage().scan.truncated_bytes, region_.bytes.size() - size);
    const PageCount lost = expect_exact_or_lost(*dump, where("cut", size));
    expect_honest_summary(*dump, lost, where("cut", size));
    most_lost = std::max(most_lost, lost);
  }
  EXPECT_GT(most_lost, 100);
}

TEST_F(DamagedDumpTest, EveryFlippedBitOrByteIsSeenOrHarmless) {
  const ByteCount end = machine_.builder.frames_end();
  for (int round = 0; round < 1000; ++round) {
    const bool in_header = round % 10 == 0;
    const ByteCount offset =
        in_header ? dump_format::kHeaderOffset + random_() % dump_format::kHeaderSize
                  : dump_format::kFramesOffset + random_() % (end - dump_format::kFramesOffset);
    const std::byte old_byte = region_.bytes[offset];
    const auto flip = static_cast<std::byte>(round % 2 == 0 ? 1U << random_() % 8 : 1 + random_() % 255);
    region_.bytes[offset] ^= flip;
    const auto dump = DumpReader::open(region_);
    ASSERT_TRUE(dump) << where("flip", offset) << ": " << dump.error().message;
    const PageCount lost = expect_exact_or_lost(*dump, where("flip", offset));
    if (lost > 0) {
      EXPECT_TRUE(dump->damage().any()) << where("flip", offset);
    }
    if (round % 20 == 0) expect_honest_summary(*dump, lost, where("flip", offset));
    region_.bytes[offset] = old_byte;
  }
}

TEST_F(DamagedDumpTest, OneFlipCostsOneFrame) {
  // The largest frame has 10 runs of at most 256 pages; a flip must not cost much more than one.
  const ByteCount middle = (dump_format::kFramesOffset + machine_.builder.frames_end()) / 2;
  region_.bytes[middle] ^= std::byte{4};
  const auto dump = DumpReader::open(region_);
  ASSERT_TRUE(dump);
  EXPECT_EQ(dump->damage().scan.missing_frames, 1);
  EXPECT_EQ(dump->damage().scan.damaged_ranges, 1);
  EXPECT_LT(expect_exact_or_lost(*dump, "one flip"), machine_.present.size() / 2);
}

TEST_F(DamagedDumpTest, OverwrittenStretchIsSteppedOver) {
  // As DMA of a device nobody stopped would: 64 KiB of something else in the middle.
  const ByteCount middle = (dump_format::kFramesOffset + machine_.builder.frames_end()) / 2 + 12345;
  for (ByteCount offset = middle; offset < middle + 64 * kKiB; ++offset) {
    region_.bytes[offset] = static_cast<std::byte>(random_());
  }
  const auto dump = DumpReader::open(region_);
  ASSERT_TRUE(dump);
  EXPECT_EQ(dump->damage().scan.damaged_ranges, 1);
  EXPECT_GE(dump->damage().scan.damaged_bytes, 64 * kKiB);
  const PageCount lost = expect_exact_or_lost(*dump, "overwritten");
  EXPECT_GT(lost, 0);
  expect_honest_summary(*dump, lost, "overwritten");
}

TEST_F(DamagedDumpTest, RepairedFrameLeavesNothingLost) {
  // A capture that reads back, finds a frame damaged and stores its pages again behind the others.
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{10, 4, dump_format::RunContent::data}});
  const ByteCount damaged = builder.frames_end();
  builder.add_pages(std::vector<test::Run>{{20, 4, dump_format::RunContent::data}});
  builder.add_pages(std::vector<test::Run>{{20, 4, dump_format::RunContent::data}});
  builder.add_end();
  auto region = builder.build();
  region.bytes[damaged + 200] ^= std::byte{1};
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump);
  EXPECT_TRUE(dump->damage().any());
  PageReader pages(*dump);
  for (const Pfn pfn : {10U, 13U, 20U, 23U}) {
    test::Page page;
    const auto read = pages.read(pfn, page);
    ASSERT_TRUE(read && *read) << pfn;
    EXPECT_EQ(page, test::page_content(pfn));
  }
}

}  // namespace
}  // namespace warmdump
