// Dumps with perfect checksums and malicious content: nothing crashes, hangs or takes much memory, and no
// such frame is believed.

#include <gmock/gmock.h>
#include <zstd.h>

#include <cstring>
#include <random>

#include "recover/dump/dump_reader.h"
#include "recover/dump/page_walk.h"
#include "recover/output/kdump_output.h"
#include "recover/report/dump_summary.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::Codec;
using dump_format::FrameType;
using dump_format::RunContent;

template <class... Parts>
std::vector<std::byte> bytes_of(const Parts&... parts) {
  std::vector<std::byte> bytes;
  const auto append = [&bytes](const auto& part) {
    const auto view = std::as_bytes(std::span(&part, 1));
    bytes.insert(bytes.end(), view.begin(), view.end());
  };
  (append(parts), ...);
  return bytes;
}

std::vector<std::byte> zstd_of(std::size_t raw_size) {
  const std::vector<std::byte> raw(raw_size);
  std::vector<std::byte> stored(ZSTD_compressBound(raw_size));
  stored.resize(ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), 1));
  return stored;
}

dump_format::PagesPrefix pages_prefix(std::uint32_t run_count) {
  dump_format::PagesPrefix prefix{};
  prefix.run_count = run_count;
  return prefix;
}

dump_format::PageRun page_run(Pfn first, std::uint32_t count, unsigned content) {
  dump_format::PageRun run{};
  run.first_pfn = first;
  run.pfn_count = count;
  run.content = static_cast<std::uint8_t>(content);
  return run;
}

struct BadFrame {
  const char* name;
  FrameType type;
  Codec codec;
  std::vector<std::byte> stored;
  std::uint32_t raw_size;
};

std::vector<BadFrame> bad_frames() {
  constexpr auto kRawMax = static_cast<std::uint32_t>(dump_format::kFrameRawSizeMax);
  dump_format::BlobPrefix huge_blob{};
  huge_blob.kind = static_cast<std::uint32_t>(BlobKind::device_dumps);
  huge_blob.total_size = UINT64_MAX;
  dump_format::BlobPrefix outside_blob{};
  outside_blob.total_size = 4;
  outside_blob.offset = UINT64_MAX - 2;
  dump_format::ClassMapPrefix huge_map{};
  huge_map.pfn_count = UINT32_MAX;
  dump_format::ClassMapPrefix far_map{};
  far_map.first_pfn = UINT64_MAX;
  far_map.pfn_count = 4;
  dump_format::EndPrefix huge_end{};
  huge_end.class_count = UINT32_MAX;

  std::vector<BadFrame> frames = {
      {"zstd bomb of 1 GiB, honest size", FrameType::pages, Codec::zstd, zstd_of(1 * kGiB), kRawMax},
      {"zstd bomb that claims to be small", FrameType::pages, Codec::zstd, zstd_of(64 * kMiB), 4104},
      {"zstd shorter than claimed", FrameType::pages, Codec::zstd, zstd_of(100), 200},
      {"no zstd at all", FrameType::pages, Codec::zstd, std::vector<std::byte>(300), 4096},
      {"unknown codec", FrameType::pages, static_cast<Codec>(77), std::vector<std::byte>(16), 16},
      {"stored with another size", FrameType::blob, Codec::stored, std::vector<std::byte>(40), 41},
      {"empty pages", FrameType::pages, Codec::stored, {}, 0},
      {"blob of 2^64 bytes", FrameType::blob, Codec::stored, bytes_of(huge_blob, std::uint64_t{0}), 0},
      {"blob piece outside", FrameType::blob, Codec::stored, bytes_of(outside_blob, std::uint32_t{0}), 0},
      {"class map of 2^32 pfns", FrameType::class_map, Codec::stored, bytes_of(huge_map, std::uint32_t{0}),
       0},
      {"class map behind all memory", FrameType::class_map, Codec::stored,
       bytes_of(far_map, std::uint32_t{0}), 0},
      {"4 billion runs", FrameType::pages, Codec::stored, bytes_of(pages_prefix(UINT32_MAX)), 0},
      {"no runs", FrameType::pages, Codec::stored, bytes_of(pages_prefix(0)), 0},
      {"run beyond 52 bits", FrameType::pages, Codec::stored,
       bytes_of(pages_prefix(1), page_run(Pfn{1} << 40, 1, 2)), 0},
      {"run whose end overflows", FrameType::pages, Codec::stored,
       bytes_of(pages_prefix(1), page_run(UINT64_MAX, UINT32_MAX, 2)), 0},
      {"empty run", FrameType::pages, Codec::stored, bytes_of(pages_prefix(1), page_run(1, 0, 2)), 0},
      {"unknown run content", FrameType::pages, Codec::stored, bytes_of(pages_prefix(1), page_run(1, 1, 9)),
       0},
      {"data without bytes", FrameType::pages, Codec::stored,
       bytes_of(pages_prefix(1), page_run(1, UINT32_MAX, 1)), 0},
      {"bytes without data", FrameType::pages, Codec::stored,
       bytes_of(pages_prefix(1), page_run(1, 1, 2), test::page_content(1)), 0},
      {"end with 4 billion classes", FrameType::end, Codec::stored, bytes_of(huge_end), 0},
      {"unknown type", static_cast<FrameType>(99), Codec::stored, std::vector<std::byte>(100), 0},
  };
  for (BadFrame& frame : frames) {
    if (frame.codec == Codec::stored && frame.raw_size == 0) {
      frame.raw_size = static_cast<std::uint32_t>(frame.stored.size());
    }
  }
  return frames;
}

TEST(HostileDump, FramesThatContradictThemselvesAreLeftOutAndCounted) {
  for (const BadFrame& bad : bad_frames()) {
    SCOPED_TRACE(bad.name);
    test::DumpBuilder builder;
    builder.add_pages(std::vector<test::Run>{{50, 2, RunContent::data}});
    builder.add_frame(bad.type, bad.codec, bad.stored, bad.raw_size);
    if (bad.type != FrameType::end) builder.add_pages(std::vector<test::Run>{{60, 2, RunContent::data}});
    const auto region = builder.build();
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump) << dump.error().message;
    EXPECT_EQ(dump->damage().invalid_frames + dump->damage().unknown_frames, 1);
    EXPECT_NE(dump->pages().find(50), nullptr);
    EXPECT_EQ(dump->pages().find(60) != nullptr, bad.type != FrameType::end);
    EXPECT_EQ(dump->pages().runs().size(), bad.type != FrameType::end ? 2 : 1);
    const auto contents = summarize(*dump);
    ASSERT_TRUE(contents);
    EXPECT_FALSE(contents->summary.complete);
  }
}

TEST(HostileDump, PagesOutsideOfTheVmcoreAreLeftOut) {
  test::DumpBuilder builder;
  const test::Segment segments[] = {{0xffff'8880'0000'0000, 0x10000, 0x10000}};
  builder.add_blob(BlobKind::elf_headers, test::make_elf_headers(segments));
  builder.add_pages(
      std::vector<test::Run>{{0xc, 8, RunContent::data}, {Pfn{1} << 39, UINT32_MAX, RunContent::zero}});
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_EQ(dump->damage().pages_outside, 4 + std::uint64_t{UINT32_MAX});
  EXPECT_EQ(dump->pfn_end(), 0x20);
  PageReader pages(*dump);
  test::Page page;
  EXPECT_FALSE(*pages.read(0xc, page));
  EXPECT_TRUE(*pages.read(0x10, page));
  EXPECT_EQ(page, test::page_content(0x10));
}

// 2^40 zero pages in no room: asked for before anything is written.
TEST(HostileDump, ImpossiblyLargeMachineDoesNotFillTheDisk) {
  test::DumpBuilder builder;
  std::vector<test::Run> runs;
  for (Pfn index = 0; index < 256; ++index) runs.push_back({index << 32, UINT32_MAX, RunContent::zero});
  builder.add_pages(runs);
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const auto report = write_kdump(*dump, directory / "vmcore", {}, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::no_space) << report.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(HostileDump, RandomElfHeadersAndNotesAreOnlyRead) {
  std::mt19937 random(3);
  const test::Segment segments[] = {{0, 0x1000, 0x10000}, {0, 0x100000, 0x10000}};
  const std::string headers = test::make_elf_headers(segments);
  const std::string notes =
      make_note("CORE", NT_PRSTATUS, std::string(336, 'x')) + make_note("VMCOREINFO", 0, "A=b\n");
  for (int round = 0; round < 3000; ++round) {
    std::string broken_headers = headers;
    std::string broken_notes = notes;
    for (std::string* bytes : {&broken_headers, &broken_notes}) {
      for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
        (*bytes)[random() % bytes->size()] = static_cast<char>(random());
      }
      bytes->resize(random() % 3 == 0 ? random() % bytes->size() : bytes->size());
    }
    for (const PfnRange& range : pfn_ranges(load_segments(broken_headers))) {
      ASSERT_LT(range.first, range.end);
      ASSERT_LE(range.end, kPfnEnd);
    }
    for (const ElfNote& note : parse_notes(broken_notes)) {
      ASSERT_LE(note.description_offset + note.description.size(), broken_notes.size());
    }
  }
}

}  // namespace
}  // namespace warmdump
