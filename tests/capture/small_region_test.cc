// A region too small for the dump: what fits is there in order of value, what is missing is told exactly.

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <set>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "recover/report/dump_summary.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::Completeness;
using dump_format::PageClass;
using dump_format::Phase;
using dump_format::State;
using testing::HasSubstr;

// Two megabytes of noise in every class, in an order of addresses that is not that of their value.
constexpr const char* kNoise =
    "\npage 0x3000+0x200 cache -> cache"
    "\npage 0x3200+0x200 hugetlb order=9 -> hugetlb"
    "\npage 0x3400+0x200 free order=9 -> free"
    "\npage 0x3600+0x200 anon -> user"
    "\npage 0x3a00+0x200 private_cache -> private_cache"
    "\npage 0x3e00+0x200 slab -> slab"
    "\npage 0x8200+0x200 slab -> slab"
    "\ncontent 0x3000+0x1000 random"
    "\ncontent 0x8000+0x400 random\n";

// Least valuable last.
constexpr PageClass kByValue[] = {PageClass::slab,        PageClass::page_table,    PageClass::kernel,
                                  PageClass::struct_page, PageClass::private_cache, PageClass::cache,
                                  PageClass::user,        PageClass::hugetlb,       PageClass::free};

class SmallRegion : public testing::Test {
 protected:
  void SetUp() override {
    const auto recipe = synthetic::Recipe::parse(test::recipe_text("linux_6_1") + kNoise);
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
    for (Pfn pfn = 0; pfn < truth_->pfn_end; ++pfn) {
      if (truth_->is_kept(pfn, 0)) ++kept_[told_class(pfn)];
    }
  }

  int capture(ByteCount size) {
    make_region_file(region_path_, size);
    const ProgramResult result =
        run_program(WARMDUMP_CAPTURE, {"--vmcore", vmcore_, "--region", region_path_, "--dump-level", "0"});
    if (result.exit_code == 3) {
      EXPECT_THAT(result.errors, HasSubstr("PARTIAL"));
    }
    return result.exit_code;
  }

  void expect_true_bytes(const DumpReader& dump) const {
    PageReader reader(dump);
    std::array<std::byte, kPageSize> page;
    for (const IndexedRun& run : dump.pages().runs()) {
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
        ASSERT_TRUE(*reader.read(pfn, page));
        ASSERT_TRUE(std::ranges::equal(page, covered_bytes(*truth_, pfn))) << pfn;
      }
    }
  }

  // This machine's struct pages do not say of most page tables that they are some.
  PageClass told_class(Pfn pfn) const {
    const PageClass page_class = truth_->page_class(pfn);
    return page_class == PageClass::page_table ? PageClass::kernel : page_class;
  }
  static void add(ClassCounts& counts, const ClassCounts& more) {
    counts.kept += more.kept;
    counts.data += more.data;
    counts.zero += more.zero;
    counts.lost += more.lost;
  }

  // What a summary says of each class is what the recipe says of its pages and what the frames hold.
  void expect_true_counts(const DumpReader& dump, const PageCounts& counts) const {
    std::map<PageClass, PageCount> present;
    for (const IndexedRun& run : dump.pages().runs()) {
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) ++present[told_class(pfn)];
    }
    for (const auto& [page_class, kept] : kept_) {
      ClassCounts told = counts.classes[static_cast<std::size_t>(page_class)];
      if (page_class == PageClass::kernel)
        add(told, counts.classes[static_cast<std::size_t>(PageClass::page_table)]);
      const auto found = present.find(page_class);
      const PageCount stored = found == present.end() ? 0 : found->second;
      EXPECT_EQ(told.kept, kept) << page_class_name(page_class);
      EXPECT_EQ(told.data + told.zero, stored) << page_class_name(page_class);
      EXPECT_EQ(told.lost, kept - stored) << page_class_name(page_class);
    }
  }

  // Class by class: behind the first class that lacks pages nothing was begun.
  static void expect_order_of_value(const DumpReader& dump, const PageCounts& counts) {
    const auto last = static_cast<Phase>(dump.phases().back().phase);
    for (const Phase whole : {Phase::kernel_pages, Phase::struct_pages, Phase::user_pages})
      EXPECT_NE(last, whole);
    const std::map<Phase, PageClass> cut = {
        {Phase::slab_pages, PageClass::slab},
        {Phase::page_table_pages, PageClass::page_table},
        {Phase::other_kernel_pages, PageClass::kernel},
        {Phase::used_struct_pages, PageClass::struct_page},
        {Phase::other_struct_pages, PageClass::struct_page},
        {Phase::private_cache_pages, PageClass::private_cache},
        {Phase::cache_pages, PageClass::cache},
        {Phase::process_pages, PageClass::user},
        {Phase::hugetlb_pages, PageClass::hugetlb},
        {Phase::free_pages, PageClass::free},
    };
    const auto found = cut.find(last);
    if (found == cut.end()) return;  // full before the bulk
    for (const PageClass page_class : kByValue) {
      if (page_class == found->second) break;
      EXPECT_EQ(counts.classes[static_cast<std::size_t>(page_class)].lost, 0U)
          << page_class_name(page_class) << " lost, but the capture went on to " << phase_name(last);
    }
  }

  const test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  const std::string vmcore_ = directory_.file("vmcore");
  const std::string region_path_ = directory_.file("region");
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
  std::map<PageClass, PageCount> kept_;
};

using dump_format::page_class_name;
using dump_format::phase_name;

TEST_F(SmallRegion, LosesTheLeastValuablePagesAndSaysWhich) {
  std::set<std::uint32_t> cut_in;
  bool was_complete = false;
  for (ByteCount size = 4 * kMiB; size <= 32 * kMiB; size += kMiB) {
    SCOPED_TRACE(size / kMiB);
    const int exit_code = capture(size);
    ASSERT_TRUE(exit_code == 3 || exit_code == 0);
    FileDevice region;
    ASSERT_TRUE(region.open(region_path_.c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    ASSERT_TRUE(dump->end().has_value()) << "room for the end frame is kept";
    EXPECT_FALSE(dump->damage().any());
    EXPECT_FALSE(dump->vmcoreinfo().whole_text().empty());
    const auto contents = summarize(*dump);
    ASSERT_TRUE(contents.has_value()) << contents.error().message;
    const PageCounts& counts = contents->summary.pages;
    EXPECT_EQ(dump->header()->pages_lost, counts.total.lost);
    EXPECT_EQ(contents->summary.complete, exit_code == 0);
    EXPECT_FALSE(was_complete && exit_code != 0) << "complete in a smaller region";
    was_complete = exit_code == 0;
    expect_true_counts(*dump, counts);
    expect_true_bytes(*dump);
    if (was_complete) continue;
    EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::partial));
    EXPECT_EQ(dump->end()->completeness, static_cast<std::uint32_t>(Completeness::region_full));
    ASSERT_FALSE(dump->phases().empty());
    cut_in.insert(dump->phases().back().phase);
    expect_order_of_value(*dump, counts);
  }
  EXPECT_TRUE(was_complete) << "the largest region has room for all";
  EXPECT_GE(cut_in.size(), 6U) << "the sizes are to end in different phases";
}

// A capture that dies leaves a prefix: no end frame, and a header that lags behind.
TEST_F(SmallRegion, EveryPrefixOpensAndKnowsWhatItLacks) {
  ASSERT_EQ(capture(64 * kMiB), 0);
  FileDevice whole;
  ASSERT_TRUE(whole.open(region_path_.c_str(), FileDevice::Access::read_write).has_value());
  const auto complete = DumpReader::open(whole);
  ASSERT_TRUE(complete.has_value()) << complete.error().message;
  const ByteCount frames_end = complete->header()->frames_end;
  PageCount last_present = ~PageCount{0};
  std::vector<std::byte> nothing(64 * kKiB);
  // From the end on, so that one region serves them all.
  for (ByteCount end = round_down(frames_end - 1, 512); end > dump_format::kFramesOffset + nothing.size();
       end -= std::min<ByteCount>(end - dump_format::kFramesOffset, 419 * 512)) {
    for (ByteCount at = end; at < std::min(frames_end, end + 419 * 512); at += nothing.size()) {
      ASSERT_TRUE(whole.write_at(at, nothing).has_value());
    }
    const auto dump = DumpReader::open(whole);
    ASSERT_TRUE(dump.has_value()) << end << ": " << dump.error().message;
    EXPECT_FALSE(dump->end().has_value());
    const auto contents = summarize(*dump);
    ASSERT_TRUE(contents.has_value()) << contents.error().message;
    EXPECT_FALSE(contents->summary.complete);
    const PageCounts& counts = contents->summary.pages;
    const PageCount present = counts.total.data + counts.total.zero;
    EXPECT_LE(present, last_present);
    last_present = present;
    if (counts.lost_by_reason[static_cast<std::size_t>(LostReason::unclassified)] == 0) {
      expect_true_counts(*dump, counts);
    }
  }
}

}  // namespace
}  // namespace warmdump
