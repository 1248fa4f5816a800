// The vmcore's own metadata, damaged in the ways a crash damages it and in worse ones: page tables in
// circles, sections and struct pages full of noise, VMCOREINFO with absurd numbers, ELF headers that overlap.
// A capture ends in order, in bounded time, and noise in struct pages alone never costs the dump.
//
// Seeded: a variant that fails names its seed. WARMDUMP_FUZZ_ROUNDS and WARMDUMP_FUZZ_SEED make a longer run
// of others.

#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "capture/capture_pipeline.h"
#include "capture/writer/region_check.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::Completeness;
using dump_format::PageClass;

constexpr unsigned kRoundsDefault = 200;  // of each kind
constexpr ByteCount kRegionSize = 32 * kMiB;
// Of processor time, for what takes a few milliseconds: beyond it, a capture is taken for endless.
constexpr rlim_t kSecondsMax = 30;

constexpr int kFailedInOrder = 10;  // exit codes of a child; below: the dump's completeness

FileDevice vmcore_file;
FileDevice region_file;
CaptureReport report;

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

// A machine of a recipe, made small, so that thousands of captures take seconds.
constexpr const char* kSmallMachine = R"(
kernel_image 16M..20M
metadata 20M..36M
ram 0x1000..0x9fc00
ram 0x100000..0x4000000
page 0x200+0x100 anon -> user
page 0x300+0x40 slab -> slab
page 0x340+0x40 cache -> cache
page 0x400+0x200 hugetlb order=9 -> hugetlb
page 0x600+0x200 anon order=9 -> user
page 0x800+0x800 free order=10 -> free
page 0x2400+0x1c00 free order=10 -> free
content 0x300+0x40 random
)";

std::string small_recipe(const std::string& name) {
  std::istringstream text(test::recipe_text(name));
  std::string small;
  for (std::string line; std::getline(text, line);) {
    const std::string word = line.substr(0, line.find(' '));
    if (word != "ram" && word != "page" && word != "patch" && word != "content" && word != "kernel_image" &&
        word != "metadata" && word != "section_flags" && word != "struct_pages_by_4k") {
      small += line + "\n";
    }
  }
  return small + kSmallMachine;
}

class MetadataFuzz : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto recipe = synthetic::Recipe::parse(small_recipe(GetParam()));
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
    const int fd = ::open(vmcore_.c_str(), O_RDWR | O_CLOEXEC);
    size_ = static_cast<ByteCount>(::lseek(fd, 0, SEEK_END));
    void* mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    ASSERT_NE(mapped, MAP_FAILED);
    file_ = static_cast<std::byte*>(mapped);
    for (Pfn pfn = 0; pfn < truth_->pfn_end; ++pfn) {
      if (truth_->page_class(pfn) == PageClass::page_table) tables_.push_back(offset_of(pfn * kPageSize));
      if (truth_->page_class(pfn) == PageClass::struct_page)
        struct_pages_.push_back(offset_of(pfn * kPageSize));
    }
    ASSERT_FALSE(tables_.empty() || struct_pages_.empty());
    std::memcpy(&notes_, file_ + sizeof(Elf64_Ehdr), sizeof(notes_));
    const auto* programs = reinterpret_cast<const Elf64_Phdr*>(file_ + sizeof(Elf64_Ehdr));
    const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file_);
    headers_size_ = sizeof(Elf64_Ehdr) + header->e_phnum * sizeof(Elf64_Phdr);
    for (unsigned i = 0; i < header->e_phnum; ++i) {
      if (programs[i].p_type == PT_NOTE) notes_ = programs[i];
    }
    const std::string_view notes(reinterpret_cast<const char*>(file_ + notes_.p_offset), notes_.p_filesz);
    info_offset_ = notes_.p_offset + notes.find(truth_->vmcoreinfo);
    ASSERT_LT(info_offset_, notes_.p_offset + notes_.p_filesz);
  }
  void TearDown() override { ::munmap(file_, size_); }

  // File offset of physical memory; the last range of the file wins, as it does in the builder.
  ByteCount offset_of(PhysicalAddress address) const {
    ByteCount offset = 0;
    for (const auto& load : truth_->loads) {
      if (address >= load.physical_address && address < load.physical_address + load.size)
        offset = load.file_offset + (address - load.physical_address);
    }
    return offset;
  }

  // Every change goes through here, so that it can be taken back.
  void change(ByteCount offset, const void* bytes, std::size_t size) {
    if (offset >= size_) return;
    size = std::min<ByteCount>(size, size_ - offset);
    undo_.emplace_back(offset, std::vector<std::byte>(file_ + offset, file_ + offset + size));
    std::memcpy(file_ + offset, bytes, size);
  }
  template <class T>
  void put(ByteCount offset, T value) {
    change(offset, &value, sizeof(value));
  }
  void take_back() {
    for (auto step = undo_.rbegin(); step != undo_.rend(); ++step)
      std::memcpy(file_ + step->first, step->second.data(), step->second.size());
    undo_.clear();
  }

  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }

  // A number that something will add to, multiply, or take for an address.
  std::uint64_t odd_number() {
    const std::uint64_t some[] = {0,
                                  1,
                                  2,
                                  7,
                                  8,
                                  63,
                                  64,
                                  65,
                                  255,
                                  4095,
                                  4096,
                                  65535,
                                  1U << 31,
                                  0xffff'ffff,
                                  1ULL << 32,
                                  1ULL << 47,
                                  1ULL << 52,
                                  1ULL << 63,
                                  ~0ULL,
                                  ~0ULL - 1,
                                  ~0ULL - 4095,
                                  size_,
                                  size_ - 1,
                                  truth_->page_offset,
                                  truth_->vmemmap_base,
                                  truth_->page_table_root,
                                  truth_->pfn_end,
                                  0xffff'ffff'8000'0000};
    if (below(4) == 0) return random_();
    return some[below(std::size(some))] + (below(3) == 0 ? below(16) : 0);
  }

  void damage_tables() {
    for (auto hits = 1 + below(1U << below(8)); hits > 0; --hits) {
      const ByteCount table = tables_[below(tables_.size())];
      const ByteCount slot = table + below(512) * 8;
      std::uint64_t entry = 0;
      std::memcpy(&entry, file_ + slot, 8);
      const PhysicalAddress other = below(truth_->pfn_end) * kPageSize;
      const std::uint64_t entries[] = {truth_->page_table_root | 0x63,  // a circle
                                       other | 0x63,
                                       other | 0xe3,  // suddenly a large page
                                       entry ^ 0x80,
                                       entry ^ 1,
                                       entry ^ (1ULL << below(64)),
                                       odd_number() | 1,
                                       random_()};
      const std::uint64_t fresh = entries[below(std::size(entries))];
      // All of the table, or one entry, or one that is in use.
      if (below(16) == 0) {
        for (unsigned i = 0; i < 512; ++i) put(table + i * 8, fresh);
      } else {
        put(slot, fresh);
      }
    }
  }

  void damage_struct_pages() {
    for (auto hits = 1 + below(1U << below(8)); hits > 0; --hits) {
      const ByteCount page = struct_pages_[below(struct_pages_.size())];
      const ByteCount first = page + below(64) * 64;
      const ByteCount length = std::min<ByteCount>(64 << below(7), page + kPageSize - first);
      switch (below(6)) {
        case 0: {
          const std::vector<std::byte> fill(length, below(2) == 0 ? std::byte{0xff} : std::byte{0});
          change(first, fill.data(), fill.size());
          break;
        }
        case 1: {
          std::vector<std::byte> noise(length);
          for (std::byte& byte : noise) byte = static_cast<std::byte>(random_());
          change(first, noise.data(), noise.size());
          break;
        }
        case 2:  // a head of any order
          put<std::uint64_t>(first, 0x40 | random_() << 7);
          put<std::uint64_t>(first + 64, random_());
          break;
        case 3:  // tails of anything
          for (ByteCount at = first; at < first + length; at += 64) put(at + 8, odd_number() | 1);
          break;
        case 4:  // free, of any order
          put<std::uint32_t>(first + 48, below(2) == 0 ? 0xf000'0000 : 0xffff'ff7f);
          put(first + 40, odd_number());
          break;
        default:
          put(first + below(8) * 8, odd_number());
      }
    }
  }

  // Anything in the pages that hold mem_section, the printk ring and all else that is followed by address:
  // words of the kernel image and of the builder's own memory that look like pointers or counts.
  void damage_kernel_data() {
    for (const char* name : {"SYMBOL(mem_section)=", "SYMBOL(prb)=", "SYMBOL(node_data)="}) {
      const std::size_t at = truth_->vmcoreinfo.find(name);
      if (at == std::string::npos || below(3) == 0) continue;
      const VirtualAddress address =
          std::strtoull(truth_->vmcoreinfo.c_str() + at + std::strlen(name), nullptr, 16);
      const PhysicalAddress physical = address >= 0xffff'ffff'8000'0000
                                           ? address - 0xffff'ffff'8000'0000 + truth_->phys_base
                                           : address - truth_->page_offset;
      std::uint64_t pointer = 0;
      const ByteCount place = offset_of(physical);
      if (place == 0) continue;
      std::memcpy(&pointer, file_ + place, 8);
      const ByteCount target = pointer >= 0xffff'ffff'8000'0000
                                   ? offset_of(pointer - 0xffff'ffff'8000'0000 + truth_->phys_base)
                                   : offset_of(pointer - truth_->page_offset);
      for (auto hits = below(12); hits > 0; --hits) {
        const ByteCount base = target != 0 && below(2) == 0 ? target : place;
        put(base + below(16) * 8, below(3) == 0 ? address : odd_number());
      }
    }
  }

  std::string odd_value() {
    const char* some[] = {"",
                          "-1",
                          "0",
                          "1",
                          "-0",
                          "x",
                          "0x",
                          "7",
                          "64",
                          "4095",
                          "4096",
                          "4294967295",
                          "65536",
                          "9223372036854775807",
                          "-9223372036854775808",
                          "18446744073709551615",
                          "ffffffffffffffff",
                          "ffff888000000000",
                          "99999999999999999999999999"};
    if (below(8) == 0) return std::string(below(2000), '9');
    if (below(4) == 0) return std::to_string(odd_number());
    return some[below(std::size(some))];
  }

  void damage_vmcoreinfo() {
    std::string text = truth_->vmcoreinfo;
    const std::size_t size = text.size();
    for (auto hits = 1 + below(4); hits > 0; --hits) {
      const std::size_t start = text.rfind('\n', below(text.size()));
      const std::size_t line = start == std::string::npos ? 0 : start + 1;
      const std::size_t end = std::min(text.find('\n', line), text.size());
      const std::size_t equals = text.find('=', line);
      switch (below(4)) {
        case 0:
          text.erase(line, end - line + 1);
          break;
        case 1:
          text.insert(line, text.substr(line, std::min(equals, end) - line) + "=" + odd_value() + "\n");
          break;
        case 2:
          if (!text.empty()) text[below(text.size())] = static_cast<char>(random_());
          break;
        default:
          if (equals < end) text.replace(equals + 1, end - equals - 1, odd_value());
      }
      if (text.empty()) break;
    }
    text.resize(size, '\n');  // the note stays as long as it was
    change(info_offset_, text.data(), text.size());
  }

  void damage_elf() {
    for (auto hits = 1 + below(3); hits > 0; --hits) {
      if (below(3) == 0) {
        put(below(headers_size_ / 8) * 8, odd_number());
      } else if (below(3) == 0) {
        put(notes_.p_offset + below(notes_.p_filesz / 4) * 4, static_cast<std::uint32_t>(odd_number()));
      } else {
        const ByteCount program =
            sizeof(Elf64_Ehdr) +
            below((headers_size_ - sizeof(Elf64_Ehdr)) / sizeof(Elf64_Phdr)) * sizeof(Elf64_Phdr);
        const ByteCount fields[] = {offsetof(Elf64_Phdr, p_offset), offsetof(Elf64_Phdr, p_vaddr),
                                    offsetof(Elf64_Phdr, p_paddr), offsetof(Elf64_Phdr, p_filesz),
                                    offsetof(Elf64_Phdr, p_memsz)};
        put(program + fields[below(std::size(fields))],
            below(3) == 0 ? odd_number() & ~4095ULL : odd_number());
      }
    }
    if (below(8) == 0)
      put<std::uint16_t>(offsetof(Elf64_Ehdr, e_phnum), static_cast<std::uint16_t>(odd_number()));
  }

  // Captures in a process of its own: a capture is made once in the life of a program, and one that faults or
  // never ends must not take the test along. The completeness, kFailedInOrder, or the negative number of a
  // signal.
  int capture() {
    make_region_file(region_, kRegionSize);
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit limit{kSecondsMax, kSecondsMax};
      ::setrlimit(RLIMIT_CPU, &limit);
      const int silence = ::open("/dev/null", O_WRONLY);
      ::dup2(silence, STDERR_FILENO);
      if (!vmcore_file.open(vmcore_.c_str(), FileDevice::Access::read_only).has_value()) ::_exit(20);
      if (!region_file.open(region_.c_str(), FileDevice::Access::read_write).has_value()) ::_exit(21);
      region_file.skip_persist();
      const auto header =
          check_region(region_file, {.start = 0, .must_be_formatted = false, .overwrite = false});
      if (!header.has_value()) ::_exit(22);
      CaptureRequest request;
      request.access = random_() % 2 == 0 ? VmcoreMemory::Access::map : VmcoreMemory::Access::read;
      const auto done = capture_vmcore(vmcore_file, region_file, *header, request, report);
      ::_exit(done.has_value() ? static_cast<int>(report.completeness) : kFailedInOrder);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Damages, captures, checks, takes back, over and over.
  template <class Damage>
  void fuzz(unsigned kind, Damage damage, bool may_fail) {
    const unsigned rounds = number_from_environment("WARMDUMP_FUZZ_ROUNDS", kRoundsDefault);
    const unsigned seed = number_from_environment("WARMDUMP_FUZZ_SEED", 1);
    unsigned failed = 0;
    for (unsigned round = number_from_environment("WARMDUMP_FUZZ_FIRST", 0); round < rounds; ++round) {
      random_.seed(std::uint64_t{seed} << 40 | std::uint64_t{kind} << 32 | round);
      damage();
      const int outcome = capture();
      take_back();
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", kind " << kind << ", round " << round);
      ASSERT_GE(outcome, 0) << "ended by signal " << -outcome;
      ASSERT_TRUE(outcome >= 1 && outcome <= kFailedInOrder) << outcome;
      failed += outcome == kFailedInOrder ? 1U : 0U;
      if (outcome == kFailedInOrder) {
        ASSERT_TRUE(may_fail) << "a dump was lost to struct pages alone";
        continue;
      }
      FileDevice region;
      ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
      const auto dump = DumpReader::open(region);
      ASSERT_TRUE(dump.has_value()) << dump.error().message;
      ASSERT_TRUE(dump->end().has_value());
      ASSERT_FALSE(dump->damage().scan.damage_found());
    }
    RecordProperty("failed_in_order", static_cast<int>(failed));
    EXPECT_LT(failed, rounds) << "the damage leaves nothing to test";
  }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
  std::byte* file_ = nullptr;
  ByteCount size_ = 0;
  ByteCount headers_size_ = 0;
  ByteCount info_offset_ = 0;
  Elf64_Phdr notes_{};
  std::vector<ByteCount> tables_;        // file offsets
  std::vector<ByteCount> struct_pages_;  // file offsets
  std::vector<std::pair<ByteCount, std::vector<std::byte>>> undo_;
  std::mt19937_64 random_;
};

TEST_P(MetadataFuzz, PageTables) {
  fuzz(
      1, [this] { damage_tables(); }, true);
}
TEST_P(MetadataFuzz, StructPages) {
  fuzz(
      2, [this] { damage_struct_pages(); }, false);
}
TEST_P(MetadataFuzz, SectionsNodesAndLog) {
  fuzz(
      3, [this] { damage_kernel_data(); }, true);
}
TEST_P(MetadataFuzz, Vmcoreinfo) {
  fuzz(
      4, [this] { damage_vmcoreinfo(); }, true);
}
TEST_P(MetadataFuzz, ElfHeadersAndNotes) {
  fuzz(
      5, [this] { damage_elf(); }, true);
}
TEST_P(MetadataFuzz, AllAtOnce) {
  fuzz(
      6,
      [this] {
        damage_struct_pages();
        if (below(2) == 0) damage_tables();
        if (below(2) == 0) damage_kernel_data();
        if (below(2) == 0) damage_vmcoreinfo();
        if (below(8) == 0) damage_elf();
      },
      true);
}

INSTANTIATE_TEST_SUITE_P(, MetadataFuzz, testing::Values("linux_6_12", "classic_sparsemem"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace warmdump
