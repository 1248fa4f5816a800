#include "recover/report/dump_map.h"

#include <gmock/gmock.h>

#include "recover/report/dump_map_json.h"
#include "tests/support/dump_builder.h"

namespace warmdump {
namespace {

using dump_format::PageClass;

constexpr PageCount kGiBPages = kGiB / kPageSize;

StateRun run(Pfn first, PageCount count, PageState state, PageClass page_class = PageClass::kernel) {
  return {first, count, state, LostReason::none, page_class, state != PageState::excluded};
}

PageCount all_pages(const DumpMap& map) {
  PageCount pages = 0;
  for (const MemoryCell& cell : map.cells) pages += ram_pages(cell);
  return pages;
}

TEST(DumpMap, every_page_is_in_exactly_one_cell) {
  DumpMapBuilder builder;
  builder.add(run(0, 159, PageState::data));
  builder.add(run(159, 1, PageState::absent));
  builder.add(run(256, 700'001, PageState::excluded, PageClass::free));
  builder.add(run(1'048'576, 3, PageState::lost));
  builder.add(run(1'048'579, 5, PageState::zero));
  const DumpMap map = std::move(builder).finish({});
  EXPECT_EQ(all_pages(map), 159 + 700'001 + 3 + 5);
  EXPECT_LE(map.cells.size(), DumpMap::kCellsMax);
  EXPECT_EQ(map.cells.back().lost[static_cast<std::size_t>(PageClass::kernel)], 3);
  EXPECT_EQ(map.cells.back().zero, 5);
}

TEST(DumpMap, a_small_machine_has_small_cells) {
  DumpMapBuilder builder;
  builder.add(run(0, 128 * kMiB / kPageSize, PageState::data));
  const DumpMap map = std::move(builder).finish({});
  EXPECT_EQ(map.cells.size(), 1024);
  EXPECT_EQ(map.cell_pages, 32);
}

TEST(DumpMap, terabytes_with_holes_stay_within_the_bounds) {
  DumpMapBuilder builder;
  constexpr int kNodes = 24;
  for (Pfn node = 0; node < kNodes; ++node) {
    for (Pfn piece = 0; piece < 64; ++piece) {
      builder.add(run(node * 1024 * kGiBPages + piece * 2 * kGiBPages, kGiBPages + 1, PageState::excluded));
    }
  }
  const DumpMap map = std::move(builder).finish({});
  EXPECT_EQ(all_pages(map), kNodes * 64 * (kGiBPages + 1));
  EXPECT_LE(map.cells.size(), DumpMap::kCellsMax);
  EXPECT_LE(dump_map_lines(map).size(), DumpMap::kLinesMax);
}

TEST(DumpMap, a_thousand_far_pages_stay_within_the_bounds) {
  DumpMapBuilder builder;
  for (Pfn index = 0; index < 5000; ++index) builder.add(run(index << 27, 1, PageState::data));
  const DumpMap map = std::move(builder).finish({});
  EXPECT_EQ(all_pages(map), 5000);
  EXPECT_LE(map.cells.size(), DumpMap::kCellsMax);
  EXPECT_LE(dump_map_lines(map).size(), DumpMap::kLinesMax);
}

TEST(DumpMap, lines_leave_out_what_has_no_ram_and_say_how_much) {
  DumpMapBuilder builder;
  builder.add(run(0, kGiBPages, PageState::data));
  builder.add(run(4 * kGiBPages, kGiBPages, PageState::data));
  const DumpMap map = std::move(builder).finish({});
  const auto lines = dump_map_lines(map);
  ASSERT_EQ(map.cell_pages * DumpMap::kLineCells, kGiBPages / 8);
  ASSERT_EQ(lines.size(), 16);
  EXPECT_EQ(lines[7].gap_pages, 0);
  EXPECT_EQ(lines[8].first_pfn, 4 * kGiBPages);
  EXPECT_EQ(lines[8].gap_pages, 3 * kGiBPages);
}

TEST(DumpMap, the_region_is_marked_where_no_page_is_known) {
  DumpMapBuilder builder;
  builder.add(run(0, kGiBPages, PageState::data));
  const DumpMap map = std::move(builder).finish({2 * kGiBPages, 2 * kGiBPages + 512 * kMiB / kPageSize});
  PageCount marked = 0;
  for (const DumpMapLine& line : dump_map_lines(map)) {
    for (const auto& slot : line.slots) {
      if (!slot.is_region) continue;
      EXPECT_EQ(slot.cell, nullptr);
      marked += map.cell_pages;
    }
  }
  EXPECT_EQ(marked, 512 * kMiB / kPageSize);
}

TEST(DumpMap, of_a_dump_it_counts_what_the_summary_counts) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const auto map = map_memory(*dump);
  ASSERT_TRUE(map) << map.error().message;
  const auto counts = count_pages(*dump);
  ASSERT_TRUE(counts);
  ClassPages stored{}, excluded{}, lost{};
  for (const MemoryCell& cell : map->cells) {
    for (std::size_t index = 0; index < stored.size(); ++index) {
      stored[index] += cell.stored[index];
      excluded[index] += cell.excluded[index];
      lost[index] += cell.lost[index];
    }
  }
  for (std::size_t index = 1; index < stored.size(); ++index) {
    EXPECT_EQ(stored[index], counts->classes[index].data + counts->classes[index].zero);
    EXPECT_EQ(excluded[index], counts->classes[index].excluded);
    EXPECT_EQ(lost[index], counts->classes[index].lost);
  }
}

TEST(DumpMapJson, comes_back_as_it_was_written) {
  DumpMapBuilder builder;
  builder.add(run(7, 90'000, PageState::data, PageClass::private_cache));
  builder.add(run(90'007, 4, PageState::zero, PageClass::slab));
  builder.add(run(100'000, 800, PageState::lost, PageClass::unknown));
  builder.add(run(200'000, 10, PageState::excluded, PageClass::free));
  const DumpMap map = std::move(builder).finish({300'000, 310'000});
  const auto read = parse_dump_map(to_json(map));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->cells, map.cells);
  EXPECT_EQ(read->cell_pages, map.cell_pages);
  EXPECT_EQ(read->region.first, 300'000);
  EXPECT_EQ(read->region.end, 310'000);
}

TEST(DumpMapJson, what_no_map_has_is_refused) {
  const auto code = [](const std::string& text) { return parse_dump_map(text).error().code; };
  EXPECT_EQ(code("{"), ErrorCode::corrupt);
  EXPECT_EQ(code(R"({"schema": 2})"), ErrorCode::unsupported);
  EXPECT_EQ(code(R"({"schema": 1, "cell_pages": 3, "cells": []})"), ErrorCode::corrupt);
  EXPECT_EQ(code(R"({"schema": 1, "cell_pages": 0, "cells": []})"), ErrorCode::corrupt);
  EXPECT_EQ(code(R"({"schema": 1, "cell_pages": 4, "cells": [{"first_pfn": 2}]})"), ErrorCode::corrupt);
  EXPECT_EQ(code(R"({"schema": 1, "cell_pages": 4, "cells": [{"first_pfn": 8}, {"first_pfn": 4}]})"),
            ErrorCode::corrupt);
  EXPECT_EQ(code(R"({"schema": 1, "cell_pages": 4, "cells": [{"first_pfn": 4, "stored": 1}]})"),
            ErrorCode::corrupt);
}

}  // namespace
}  // namespace warmdump
