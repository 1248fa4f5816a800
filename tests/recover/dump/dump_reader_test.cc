#include "recover/dump/dump_reader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "common/crc32c.h"
#include "common/dump_format/dump_state.h"
#include "recover/dump/page_walk.h"
#include "tests/support/dump_builder.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::PageClass;
using dump_format::RunContent;
using dump_format::State;
using testing::HasSubstr;

// Everything for_each_state_run says, pfn by pfn.
std::map<Pfn, StateRun> walk(const DumpReader& dump) {
  std::map<Pfn, StateRun> states;
  auto walked = for_each_state_run(dump, [&](const StateRun& run) -> Outcome<void> {
    for (Pfn pfn = run.first_pfn; pfn < run.first_pfn + run.count; ++pfn) {
      EXPECT_TRUE(states.emplace(pfn, run).second) << pfn;
    }
    return {};
  });
  EXPECT_TRUE(walked.has_value());
  return states;
}

TEST(DumpReader, SmallMachineComesBackPageByPage) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  EXPECT_EQ(dump->pfn_end(), 0x2040);

  PageReader pages(*dump);
  for (Pfn pfn = 0; pfn < 0x2100; ++pfn) {
    test::Page page;
    auto read = pages.read(pfn, page);
    ASSERT_TRUE(read) << read.error().message;
    const auto expected = machine.present.find(pfn);
    ASSERT_EQ(*read, expected != machine.present.end()) << std::hex << pfn;
    if (*read) {
      ASSERT_EQ(page, expected->second) << std::hex << pfn;
    }
  }
}

TEST(DumpReader, EveryPfnHasItsState) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const auto states = walk(*dump);
  EXPECT_EQ(states.size(), 0x9eU + 0x800 + 0x40);
  for (const auto& [pfn, page] : machine.present) {
    const PageState expected = page == test::Page{} ? PageState::zero : PageState::data;
    ASSERT_EQ(states.at(pfn).state, expected) << std::hex << pfn;
  }
  for (const Pfn pfn : machine.excluded)
    ASSERT_EQ(states.at(pfn).state, PageState::excluded) << std::hex << pfn;
  EXPECT_EQ(states.at(0x1400).page_class, PageClass::hwpoison);
  EXPECT_EQ(states.at(0x1500).page_class, PageClass::region);

  const auto counts = count_pages(*dump);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->total.data + counts->total.zero, machine.present.size());
  EXPECT_EQ(counts->total.excluded, machine.excluded.size());
  EXPECT_EQ(counts->total.lost, 0);
  EXPECT_EQ(counts->classes[static_cast<std::size_t>(PageClass::kernel_image)].pages, 0x100);
}

TEST(DumpReader, LaterFrameReplacesEarlierPages) {
  test::DumpBuilder builder;
  const test::Page old_page = test::page_content(0xbad);
  std::vector<std::byte> old_data;
  for (int index = 0; index < 8; ++index) old_data.insert(old_data.end(), old_page.begin(), old_page.end());
  builder.add_pages(std::vector<test::Run>{{100, 8, RunContent::data}}, old_data);
  builder.add_pages(std::vector<test::Run>{{102, 2, RunContent::data}, {106, 1, RunContent::zero}});
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  PageReader pages(*dump);
  for (Pfn pfn = 100; pfn < 108; ++pfn) {
    test::Page page;
    ASSERT_TRUE(pages.read(pfn, page));
    const bool repaired = pfn == 102 || pfn == 103;
    EXPECT_EQ(page, pfn == 106 ? test::Page{} : repaired ? test::page_content(pfn) : old_page) << pfn;
  }
}

TEST(DumpReader, UnreadableAndUnstoredPagesAreLostWithTheirReason) {
  test::DumpBuilder builder;
  const std::vector<std::uint8_t> classes(
      8, static_cast<std::uint8_t>(PageClass::slab) | dump_format::kClassKept);
  const test::Segment segments[] = {{0xffff'8880'0000'0000, 0x10000, 0xa000}};
  builder.add_blob(BlobKind::elf_headers, test::make_elf_headers(segments));
  builder.add_class_map(0x10, classes);
  builder.add_pages(std::vector<test::Run>{{0x10, 2, RunContent::data}, {0x12, 3, RunContent::unreadable}});
  builder.add_end(dump_format::Completeness::region_full);
  const auto region = builder.build(State::partial);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const auto states = walk(*dump);
  ASSERT_EQ(states.size(), 10);
  EXPECT_EQ(states.at(0x11).state, PageState::data);
  EXPECT_EQ(states.at(0x12).lost_reason, LostReason::unreadable);
  EXPECT_EQ(states.at(0x15).lost_reason, LostReason::not_stored);
  EXPECT_EQ(states.at(0x18).lost_reason, LostReason::unclassified);
  EXPECT_EQ(states.at(0x18).state, PageState::lost);
}

TEST(DumpReader, BlobsComeBackWholeFromPieces) {
  test::DumpBuilder builder;
  builder.add_blob_piece(BlobKind::vmcoreinfo, 20, 10, "SIZE(b)=2\n");
  builder.add_blob_piece(BlobKind::vmcoreinfo, 20, 0, "SIZE(a)=1\n");
  builder.add_blob_piece(BlobKind::capture_info, 10, 2, "abc");
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_TRUE(dump->blobs().find(BlobKind::vmcoreinfo)->is_whole());
  EXPECT_EQ(dump->vmcoreinfo().size("b"), 2);
  EXPECT_EQ(dump->blobs().find(BlobKind::capture_info)->missing_bytes, 7);
  EXPECT_FALSE(dump->blobs().all_whole());
}

TEST(DumpReader, FramesBehindTheHeadersHintAreFound) {
  auto machine = test::make_small_machine();
  machine.builder.header.phase = static_cast<std::uint32_t>(dump_format::Phase::kernel_pages);
  auto region = machine.builder.build(State::writing);
  // As if the last header had been written before the first frame.
  dump_format::RegionHeader header;
  for (const ByteCount offset : {dump_format::kHeaderOffset, dump_format::kHeaderCopyOffset}) {
    std::memcpy(&header, region.bytes.data() + offset, sizeof(header));
    header.frames_end = dump_format::kFramesOffset;
    header.frame_count = 0;
    header.header_crc = crc32c(std::as_bytes(std::span(&header, 1)).first<dump_format::kHeaderSize - 4>());
    std::memcpy(region.bytes.data() + offset, &header, sizeof(header));
  }
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  EXPECT_EQ(walk(*dump).at(0x203f).state, PageState::zero);
}

TEST(DumpReader, OlderFramesBehindTheDumpAreNotItsOwn) {
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{10, 2, RunContent::data}});
  builder.header.dump_id[0] = 0x77;  // from here on: another dump
  builder.add_pages(std::vector<test::Run>{{20, 2, RunContent::data}});
  builder.header.dump_id[0] = 0x57;
  const auto region = builder.build(State::writing);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_NE(dump->pages().find(10), nullptr);
  EXPECT_EQ(dump->pages().find(20), nullptr);
}

TEST(DumpReader, LostHeadersAreSalvagedFromTheFrames) {
  auto machine = test::make_small_machine();
  auto region = machine.builder.build();
  region.bytes[dump_format::kHeaderOffset + 100] ^= std::byte{1};
  region.bytes[dump_format::kHeaderCopyOffset + 100] ^= std::byte{1};
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_TRUE(dump->damage().header_lost);
  EXPECT_FALSE(dump->header());
  const auto states = walk(*dump);
  for (const auto& [pfn, page] : machine.present) ASSERT_NE(states.at(pfn).state, PageState::lost) << pfn;
}

TEST(DumpReader, BrokenMemoryUnderOneFrameCostsOnlyThatFrame) {
  auto machine = test::make_small_machine();
  auto region = machine.builder.build();
  region.broken_at = (dump_format::kFramesOffset + machine.builder.frames_end()) / 2;
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->damage().scan.unreadable_bytes, 4096);
  const auto counts = count_pages(*dump);
  ASSERT_TRUE(counts);
  EXPECT_GT(counts->total.lost, 0);
  EXPECT_GT(counts->total.data, 0);
}

struct WrongInput {
  const char* name;
  test::MemoryDevice region;
  ErrorCode code;
  const char* message;
};

TEST(DumpReader, WrongInputHasOneClearErrorEach) {
  test::MemoryDevice random(8 * kMiB);
  for (std::size_t index = 0; index < random.bytes.size(); ++index) {
    random.bytes[index] = static_cast<std::byte>(index * 2654435761U >> 24);
  }
  test::DumpBuilder newer;
  newer.header.format_version = 2;
  test::DumpBuilder other_pages;
  other_pages.add_blob(BlobKind::vmcoreinfo, "PAGESIZE=65536\n");
  const WrongInput inputs[] = {
      {"empty file", test::MemoryDevice(0), ErrorCode::no_space, "too small"},
      {"small file", test::MemoryDevice(3 * kMiB), ErrorCode::no_space, "too small"},
      {"zeros", test::MemoryDevice(8 * kMiB), ErrorCode::not_found, "no warmdump region header"},
      {"other data", random, ErrorCode::not_found, "no warmdump region header"},
      {"empty region", test::DumpBuilder().build(State::empty), ErrorCode::not_found, "the region is empty"},
      {"cleared region", test::DumpBuilder().build(State::cleared), ErrorCode::not_found,
       "the region is cleared"},
      {"newer format", newer.build(), ErrorCode::unsupported, "another version"},
      {"other page size", other_pages.build(), ErrorCode::unsupported, "65536"},
  };
  for (const WrongInput& input : inputs) {
    const auto dump = DumpReader::open(input.region);
    ASSERT_FALSE(dump) << input.name;
    EXPECT_EQ(dump.error().code, input.code) << input.name << ": " << dump.error().message;
    EXPECT_THAT(dump.error().message, HasSubstr(input.message)) << input.name;
  }
}

}  // namespace
}  // namespace warmdump
