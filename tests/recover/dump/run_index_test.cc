#include "recover/dump/run_index.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace warmdump {
namespace {

using dump_format::RunContent;

// What an index says of one pfn.
struct Place {
  std::uint32_t frame;
  std::uint32_t position;
  RunContent content;
  bool operator==(const Place&) const = default;
};

std::map<Pfn, Place> places(const RunIndex& index) {
  std::map<Pfn, Place> all;
  for (const IndexedRun& run : index.runs()) {
    for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
      const bool fresh =
          all.emplace(pfn, Place{run.frame, part_of(run, pfn, pfn + 1).position, run.content}).second;
      EXPECT_TRUE(fresh) << "overlap at " << pfn;
    }
  }
  return all;
}

// Random runs over few pfns, so that every way of overlapping comes up; compared with a map of single pfns.
TEST(RunIndex, LaterRunsWinHoweverTheyOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    RunIndex index;
    std::map<Pfn, Place> expected;
    const auto run_count = static_cast<std::uint32_t>(random() % 20);
    for (std::uint32_t frame = 0; frame < run_count; ++frame) {
      const IndexedRun run{random() % 40, static_cast<std::uint32_t>(1 + random() % 12), frame,
                           static_cast<std::uint32_t>(random() % 5), RunContent::data};
      ASSERT_TRUE(index.add(run));
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
        expected[pfn] = {frame, part_of(run, pfn, pfn + 1).position, run.content};
      }
    }
    index.finish();
    ASSERT_EQ(places(index), expected) << "round " << round;
    for (Pfn pfn = 0; pfn < 60; ++pfn) ASSERT_EQ(index.find(pfn) != nullptr, expected.contains(pfn));
  }
}

TEST(RunIndex, NeighboursWithoutBytesBecomeOneRun) {
  RunIndex index;
  index.add({10, 5, 0, 0, RunContent::zero});
  index.add({15, 5, 3, 0, RunContent::zero});
  index.add({20, 5, 3, 0, RunContent::unreadable});
  index.add({25, 5, 3, 0, RunContent::data});
  index.add({30, 5, 4, 0, RunContent::data});
  index.finish();
  EXPECT_EQ(index.runs().size(), 4);
  EXPECT_EQ(index.find(19)->first_pfn, 10);
}

TEST(RunIndex, ClipKeepsOnlyWhatTheRangesCover) {
  RunIndex index;
  index.add({10, 30, 7, 2, RunContent::data});
  index.add({50, 5, 8, 0, RunContent::data});
  index.finish();
  const PfnRange ranges[] = {{0, 12}, {20, 25}, {39, 52}};
  EXPECT_EQ(index.clip(ranges), 35 - 2 - 5 - 1 - 2);
  ASSERT_EQ(index.runs().size(), 4);
  EXPECT_EQ(index.find(20)->position, 12);
  EXPECT_EQ(index.find(15), nullptr);
  EXPECT_EQ(index.find(39)->position, 31);
  EXPECT_EQ(index.find(51)->frame, 8);
  EXPECT_EQ(index.find(52), nullptr);
}

}  // namespace
}  // namespace warmdump
