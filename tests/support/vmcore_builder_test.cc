// The builder, judged by a reader that shares nothing with it: page-table walk, mem_section, struct page and
// printk ring from the vmcore's bytes alone.

#include "selftest/machine/vmcore_builder.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::synthetic {
namespace {

using dump_format::PageClass;

class TinyReader {
 public:
  explicit TinyReader(const std::string& path) : file_(path, std::ios::binary) {
    const auto elf = read_file<Elf64_Ehdr>(0);
    for (std::size_t i = 0; i < elf.e_phnum; ++i) {
      segments_.push_back(read_file<Elf64_Phdr>(elf.e_phoff + i * sizeof(Elf64_Phdr)));
    }
    std::string notes(segments_.at(0).p_filesz, '\0');
    file_.seekg(static_cast<std::streamoff>(segments_[0].p_offset));
    file_.read(notes.data(), static_cast<std::streamsize>(notes.size()));
    vmcoreinfo_ = "\n" + notes.substr(notes.find("OSRELEASE="));
  }

  std::optional<std::uint64_t> key(const std::string& name, int base = 0) const {
    const std::size_t at = vmcoreinfo_.find("\n" + name + "=");
    if (at == std::string::npos) return std::nullopt;
    const char* text = vmcoreinfo_.c_str() + at + name.size() + 2;
    return *text == '-' ? static_cast<std::uint64_t>(std::strtoll(text, nullptr, base))
                        : std::strtoull(text, nullptr, base);
  }
  std::uint64_t symbol(const std::string& name) const { return key("SYMBOL(" + name + ")", 16).value(); }
  std::uint64_t number(const std::string& name) const { return key("NUMBER(" + name + ")").value(); }
  std::uint64_t number_or_0(const std::string& name) const { return key("NUMBER(" + name + ")").value_or(0); }
  std::uint64_t offset(const std::string& name) const { return key("OFFSET(" + name + ")").value(); }

  template <class T>
  T read_physical(PhysicalAddress address) {
    for (std::size_t i = segments_.size(); i-- > 1;) {
      const Elf64_Phdr& segment = segments_[i];
      if (address >= segment.p_paddr && address - segment.p_paddr < segment.p_memsz) {
        return read_file<T>(segment.p_offset + (address - segment.p_paddr));
      }
    }
    ADD_FAILURE() << "no segment has " << std::hex << address;
    return {};
  }

  std::optional<PhysicalAddress> translate(VirtualAddress address) {
    PhysicalAddress table = symbol("swapper_pg_dir") - 0xffffffff80000000 + number("phys_base");
    for (unsigned shift = number_or_0("pgtable_l5_enabled") != 0 ? 48 : 39;; shift -= 9) {
      const auto raw = read_physical<std::uint64_t>(table + ((address >> shift) & 511) * 8);
      if ((raw & 1) == 0) return std::nullopt;
      const std::uint64_t entry = raw & ~number_or_0("sme_mask");
      const std::uint64_t frame = entry & 0x000ffffffffff000;
      const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
      if (shift == 12 || (entry & 0x80) != 0) return (frame & ~inside) | (address & inside);
      table = frame;
    }
  }

  template <class T>
  T read_virtual(VirtualAddress address) {
    const auto physical = translate(address);
    if (!physical) {
      ADD_FAILURE() << "not mapped: " << std::hex << address;
      return {};
    }
    return read_physical<T>(*physical);
  }

  // Address of the struct page by way of mem_section; nothing when the section has no memory map.
  std::optional<VirtualAddress> struct_page(Pfn pfn) {
    const std::uint64_t section = pfn >> (key("NUMBER(SECTION_SIZE_BITS)").value_or(27) - 12);
    const std::uint64_t size = key("SIZE(mem_section)").value();
    const std::uint64_t section_count = std::uint64_t{1} << (key("NUMBER(MAX_PHYSMEM_BITS)").value_or(46) -
                                                             key("NUMBER(SECTION_SIZE_BITS)").value_or(27));
    VirtualAddress place = symbol("mem_section") + section * size;
    if (key("LENGTH(mem_section)").value() != section_count) {
      const std::uint64_t per_root = 4096 / size;
      place = read_virtual<std::uint64_t>(symbol("mem_section") + section / per_root * 8) +
              section % per_root * size;
    }
    const auto coded = read_virtual<std::uint64_t>(place);
    if ((coded & 3) != 3) return std::nullopt;
    return (coded & ~std::uint64_t{0xfff}) + pfn * key("SIZE(page)").value();
  }

 private:
  template <class T>
  T read_file(std::uint64_t offset) {
    T value{};
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(reinterpret_cast<char*>(&value), sizeof(value));
    EXPECT_TRUE(file_.good()) << "file offset " << offset;
    return value;
  }

  std::ifstream file_;
  std::vector<Elf64_Phdr> segments_;
  std::string vmcoreinfo_;
};

class EveryRecipe : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto recipe = Recipe::load(test::recipe_path(GetParam()));
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    recipe_ = std::move(*recipe);
    auto truth = build_vmcore(recipe_, directory_.file("vmcore"));
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_.emplace(std::move(*truth));
    reader_.emplace(directory_.file("vmcore"));
  }

  bool is_in_a_hole(Pfn pfn) const {
    return std::any_of(recipe_.pages.begin(), recipe_.pages.end(), [pfn](const PageStatement& statement) {
      return statement.kind == PageKind::no_struct_page && pfn >= statement.pages.first &&
             pfn < statement.pages.end();
    });
  }

  test::TemporaryDirectory directory_;
  Recipe recipe_;
  std::optional<VmcoreTruth> truth_;
  std::optional<TinyReader> reader_;
};

TEST_P(EveryRecipe, MapsKernelAndRam) {
  const PhysicalAddress text = recipe_.kernel_image.start;
  EXPECT_EQ(reader_->translate(reader_->symbol("_stext") + 0x1234), text + 0x1234);
  EXPECT_EQ(reader_->translate(reader_->symbol("_stext") - 2 * kMiB), std::nullopt);
  EXPECT_EQ(reader_->symbol("_stext") - 0xffffffff80000000, text - reader_->number("phys_base"));
  for (const LoadRange& load : truth_->loads) {
    EXPECT_EQ(reader_->translate(load.virtual_address), load.physical_address);
    EXPECT_EQ(reader_->translate(load.virtual_address + load.size - 1),
              load.physical_address + load.size - 1);
  }
}

TEST_P(EveryRecipe, LeadsToTheStructPageOfEveryStatement) {
  for (const PageStatement& statement : recipe_.pages) {
    const Pfn pfn = statement.pages.first;
    const auto address = reader_->struct_page(pfn);
    const bool is_readable = address && reader_->translate(*address);
    if (statement.kind == PageKind::no_struct_page) {
      EXPECT_FALSE(is_readable) << "line " << statement.line;
    }
    const bool may_be_unreadable = statement.expected == PageClass::unknown || is_in_a_hole(pfn);
    if (statement.kind == PageKind::garbage || (may_be_unreadable && !is_readable)) continue;
    ASSERT_EQ(address, truth_->struct_page_address(pfn)) << "line " << statement.line;
    const auto mapcount = reader_->read_virtual<std::uint32_t>(*address + reader_->offset("page._mapcount"));
    const auto flags = reader_->read_virtual<std::uint64_t>(*address + reader_->offset("page.flags"));
    const auto word = reader_->read_virtual<std::uint64_t>(*address + reader_->offset("page.private"));
    if (statement.fields.contains("mapcount")) {
      EXPECT_EQ(mapcount, statement.fields.at("mapcount")) << "line " << statement.line;
    } else if (statement.kind == PageKind::free) {
      EXPECT_EQ(mapcount, static_cast<std::uint32_t>(reader_->number("PAGE_BUDDY_MAPCOUNT_VALUE")));
      if (!statement.fields.contains("private")) {
        EXPECT_EQ(word, statement.order);
      }
    } else if (statement.kind == PageKind::poisoned) {
      EXPECT_EQ(flags, ~std::uint64_t{0});
    } else if (statement.kind == PageKind::cache && statement.flags_cleared.empty()) {
      EXPECT_TRUE(flags >> reader_->number("PG_lru") & 1);
    }
  }
}

TEST_P(EveryRecipe, HasThePagesItPromises) {
  std::vector<Pfn> pfns = {recipe_.kernel_image.start / 4096, truth_->pfn_end - 1,
                           truth_->page_table_root / 4096};
  for (const ContentStatement& content : recipe_.content) pfns.push_back(content.pages.first);
  for (const Pfn pfn : pfns) {
    if (truth_->page_class(pfn) == PageClass::absent || pfn == truth_->loads.back().physical_address / 4096)
      continue;
    const auto bytes = truth_->page_bytes(pfn);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
    std::uint64_t word;
    std::memcpy(&word, bytes->data() + 8, sizeof(word));
    if (pfn == 0) continue;
    EXPECT_EQ(reader_->read_physical<std::uint64_t>(pfn * 4096 + 8), word) << "pfn " << pfn;
  }
}

TEST_P(EveryRecipe, HasTheLog) {
  const VirtualAddress ring = reader_->read_virtual<std::uint64_t>(reader_->symbol("prb"));
  EXPECT_EQ(ring, reader_->symbol("printk_rb_static"));
  const auto count = std::uint64_t{1} << reader_->read_virtual<std::uint32_t>(ring);
  const auto descs = reader_->read_virtual<std::uint64_t>(ring + 8);
  const auto head_id = reader_->read_virtual<std::uint64_t>(ring + 24);
  const auto tail_id = reader_->read_virtual<std::uint64_t>(ring + 32);
  std::size_t readable = 0;
  for (std::uint64_t id = tail_id; id != head_id + 1; ++id) {
    const auto state = reader_->read_virtual<std::uint64_t>(descs + id % count * 24) >> 62;
    if (state == 1 || state == 2) ++readable;
  }
  EXPECT_EQ(readable, truth_->log.size());
}

INSTANTIATE_TEST_SUITE_P(Recipes, EveryRecipe, testing::ValuesIn(test::recipe_names()),
                         [](const auto& instance) { return instance.param; });

TEST(VmcoreBuilder, RemapsTheTailsOfAnOptimisedHugetlbPage) {
  test::TemporaryDirectory directory;
  const auto recipe = Recipe::load(test::recipe_path("gigantic_hugetlb"));
  ASSERT_TRUE(recipe.has_value());
  const auto truth = build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  TinyReader reader(directory.file("vmcore"));
  const auto head = reader.translate(truth->struct_page_address(0x40000));
  EXPECT_EQ(reader.translate(truth->struct_page_address(0x40040)), head);
  EXPECT_EQ(reader.translate(truth->struct_page_address(0x7ffc0)), head);
  EXPECT_NE(reader.translate(truth->struct_page_address(0x80000)), head);
  EXPECT_EQ(reader.read_virtual<std::uint64_t>(truth->struct_page_address(0x7fff0) + 8),
            truth->struct_page_address(0x40000) + 1);
}

TEST(VmcoreBuilder, DropsTheOldestRecordsOfAFullRing) {
  auto recipe = Recipe::load(test::recipe_path("linux_6_1"));
  ASSERT_TRUE(recipe.has_value());
  recipe->printk_desc_bits = 4;
  recipe->printk_text_bits = 9;
  recipe->log.clear();
  for (std::uint64_t i = 0; i < 100; ++i)
    recipe->log.push_back({i, 6, 0, LogState::finalized, std::string(i % 60 + 1, 'x')});
  test::TemporaryDirectory directory;
  const auto truth = build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  EXPECT_LT(truth->log.size(), 16U);
  ASSERT_GT(truth->log.size(), 4U);
  EXPECT_EQ(truth->log.back().time_ns, 99U);
}

TEST(VmcoreBuilder, KeepsByDumpLevel) {
  test::TemporaryDirectory directory;
  const auto recipe = Recipe::load(test::recipe_path("linux_6_1"));
  ASSERT_TRUE(recipe.has_value());
  const auto truth = build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  EXPECT_EQ(truth->page_class(0x407), PageClass::free);
  EXPECT_TRUE(truth->is_kept(0x407, 15));
  EXPECT_FALSE(truth->is_kept(0x407, 16));
  EXPECT_FALSE(truth->is_kept(0x490, 2));
  EXPECT_FALSE(truth->is_kept(0x490, 4));
  EXPECT_TRUE(truth->is_kept(0x4b0, 2));
  EXPECT_FALSE(truth->is_kept(0x4b0, 4));
  EXPECT_FALSE(truth->is_kept(0x800, 8));
  EXPECT_FALSE(truth->is_kept(0x4e0, 0));
  EXPECT_FALSE(truth->is_kept(0xa0, 0));  // a hole
  EXPECT_EQ(truth->page_class(0x1000), PageClass::kernel_image);
}

TEST(PfnMap, LaterAssignmentWins) {
  PfnMap<int> map(0);
  map.assign(10, 20, 1);
  map.assign(15, 30, 2);
  map.assign(12, 13, 3);
  map.assign(5, 5, 4);
  const auto values = [&] {
    std::vector<int> result;
    for (const Pfn pfn : {9U, 10U, 11U, 12U, 13U, 14U, 15U, 29U, 30U}) result.push_back(map.at(pfn));
    return result;
  };
  EXPECT_THAT(values(), testing::ElementsAre(0, 1, 1, 3, 1, 1, 2, 2, 0));
  map.assign(0, 100, 7);
  EXPECT_EQ(map.at(99), 7);
  EXPECT_EQ(map.at(100), 0);
}

struct BadRecipe {
  const char* text;
  const char* message;
};

class BadRecipes : public testing::TestWithParam<BadRecipe> {};

TEST_P(BadRecipes, AreRefusedWithOneClearMessage) {
  const std::string rest =
      "\nkernel_image 16M..20M\nmetadata 32M..40M\nram 1M..64M\n"
      "vmcoreinfo OFFSET(page.flags)=0\nvmcoreinfo OFFSET(page._refcount)=52\nvmcoreinfo "
      "OFFSET(page.mapping)=24\n"
      "vmcoreinfo OFFSET(page._mapcount)=48\nvmcoreinfo OFFSET(page.private)=40\n";
  const auto recipe = Recipe::parse(GetParam().text + rest);
  std::string message;
  if (recipe.has_value()) {
    test::TemporaryDirectory directory;
    const auto truth = build_vmcore(*recipe, directory.file("vmcore"));
    ASSERT_FALSE(truth.has_value());
    message = truth.error().message;
  } else {
    message = recipe.error().message;
  }
  EXPECT_THAT(message, testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRecipes,
    testing::Values(BadRecipe{"nonsense 1", "line 1: expected a statement, not \"nonsense\""},
                    BadRecipe{"\nlevels 3", "line 2: expected 4 or 5"},
                    BadRecipe{"ram 5", "expected a byte range"},
                    BadRecipe{"ram 6M..5M", "expected a byte range"},
                    BadRecipe{"cpus x", "expected a number"},
                    BadRecipe{"page 0x400+1 gone -> free", "expected a kind of page"},
                    BadRecipe{"page 0x400+1 slab -> nothing", "expected -> and the class"},
                    BadRecipe{"page 0x401+8 free order=3 -> free", "whole, aligned blocks"},
                    BadRecipe{"page 0x400+1 slab size=3 -> slab", "a field of struct page, not \"size\""},
                    BadRecipe{"page 0x400+1 kernel +PG_lru -> cache", "line 1: needs NUMBER(PG_lru)"},
                    BadRecipe{"page 0x400+8 free order=3 -> free", "needs NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"},
                    BadRecipe{"page 0x4000+1 kernel -> kernel", "line 1: not all of these pages are RAM"},
                    BadRecipe{"ram 128M..256M\nram 256M..1G", "too small"},
                    BadRecipe{"page 0x401+64 no_struct_page -> unknown", "not whole pages of memory map"}));

}  // namespace
}  // namespace warmdump::synthetic
