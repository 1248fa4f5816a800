#include "recover/output/elf_output.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "recover/dump/elf_headers.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::RunContent;

// An ELF file in memory, read by the rules of the ELF specification alone.
class CoreFile {
 public:
  explicit CoreFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    header_ = at<Elf64_Ehdr>(0);
    std::size_t count = header_.e_phnum;
    if (count == PN_XNUM) count = at<Elf64_Shdr>(header_.e_shoff).sh_info;
    for (std::size_t index = 0; index < count; ++index) {
      const auto segment = at<Elf64_Phdr>(header_.e_phoff + index * header_.e_phentsize);
      (segment.p_type == PT_LOAD ? loads_ : notes_).push_back(segment);
    }
  }

  template <class T>
  T at(std::size_t offset) const {
    T value{};
    EXPECT_LE(offset + sizeof(value), bytes_.size());
    if (offset + sizeof(value) <= bytes_.size()) std::memcpy(&value, bytes_.data() + offset, sizeof(value));
    return value;
  }

  const Elf64_Ehdr& header() const { return header_; }
  const std::vector<Elf64_Phdr>& loads() const { return loads_; }
  std::string_view notes() const {
    return std::string_view(bytes_).substr(notes_.at(0).p_offset, notes_.at(0).p_filesz);
  }

 private:
  std::string bytes_;
  Elf64_Ehdr header_;
  std::vector<Elf64_Phdr> loads_;
  std::vector<Elf64_Phdr> notes_;
};

TEST(ElfOutput, EverySegmentHoldsItsPagesAndNothingElse) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const auto report = write_elf(*dump, directory / "core", {{}, false, 2}, {});
  ASSERT_TRUE(report) << report.error().message;

  const CoreFile core(directory / "core");
  EXPECT_EQ(core.header().e_type, ET_CORE);
  EXPECT_EQ(core.header().e_flags, 0);
  EXPECT_EQ(std::string(core.notes()), machine.notes);
  std::set<Pfn> direct_mapped;
  std::set<Pfn> image_mapped;
  for (const Elf64_Phdr& load : core.loads()) {
    ASSERT_EQ(load.p_filesz, load.p_memsz);
    ASSERT_EQ(load.p_paddr % kPageSize, 0);
    const bool is_image = load.p_vaddr >= 0xffff'ffff'8000'0000;
    ASSERT_EQ(load.p_vaddr - load.p_paddr, is_image ? 0xffff'ffff'8000'0000 : 0xffff'8880'0000'0000);
    for (ByteCount offset = 0; offset < load.p_filesz; offset += kPageSize) {
      const Pfn pfn = (load.p_paddr + offset) / kPageSize;
      ASSERT_TRUE(machine.present.contains(pfn)) << std::hex << pfn;
      ASSERT_EQ(core.at<test::Page>(load.p_offset + offset), machine.present.at(pfn)) << std::hex << pfn;
      ASSERT_TRUE((is_image ? image_mapped : direct_mapped).insert(pfn).second);
    }
  }
  EXPECT_EQ(direct_mapped.size(), machine.present.size());
  EXPECT_EQ(image_mapped.size(), 0x100);
}

TEST(ElfOutput, MoreSegmentsThanTheHeaderCanCount) {
  constexpr Pfn kRuns = 66'000;
  test::DumpBuilder builder;
  const test::Segment segments[] = {{0xffff'8880'0000'0000, 0, 2 * kRuns * kPageSize}};
  builder.add_blob(BlobKind::elf_headers, test::make_elf_headers(segments));
  for (Pfn first = 0; first < kRuns; first += 2000) {
    std::vector<test::Run> runs;
    for (Pfn index = first; index < std::min(first + 2000, kRuns); ++index) {
      runs.push_back({2 * index, 1, RunContent::zero});
    }
    builder.add_pages(runs);
  }
  builder.add_pages(std::vector<test::Run>{{2 * kRuns - 2, 1, RunContent::data}});
  builder.add_end();
  const auto region = builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_elf(*dump, directory / "core", {{}, true, 1}, {}));
  const CoreFile core(directory / "core");
  EXPECT_EQ(core.header().e_phnum, PN_XNUM);
  EXPECT_EQ(core.header().e_flags, 1);
  ASSERT_EQ(core.loads().size(), kRuns);
  EXPECT_EQ(core.at<test::Page>(core.loads().back().p_offset), test::page_content(2 * kRuns - 2));
}

TEST(ElfOutput, LostProgramHeadersLeavePhysicalAddresses) {
  test::DumpBuilder builder;
  builder.add_pages(std::vector<test::Run>{{16, 2, RunContent::data}});
  const auto region = builder.build(dump_format::State::writing);
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  ASSERT_TRUE(write_elf(*dump, directory / "core", {{}, true, 1}, {}));
  const CoreFile core(directory / "core");
  ASSERT_EQ(core.loads().size(), 1);
  EXPECT_EQ(core.loads()[0].p_paddr, 16 * kPageSize);
  EXPECT_EQ(core.loads()[0].p_vaddr, 0);
  EXPECT_EQ(core.at<test::Page>(core.loads()[0].p_offset + kPageSize), test::page_content(17));
}

}  // namespace
}  // namespace warmdump
