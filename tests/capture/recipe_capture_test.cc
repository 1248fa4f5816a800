// Every synthetic machine, captured by the real binary: the kept pages are those the recipe names, their
// bytes are those of the machine.

#include <gmock/gmock.h>

#include <memory>

#include "common/file_device.h"
#include "common/kernel/page_classifier.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::PageClass;
using dump_format::RunContent;

// A machine of the size of real ones is checked run by run, without reading every page.
constexpr Pfn kPfnsMax = Pfn{1} << 22;
// From here on a dump of all of it takes seconds.
constexpr Pfn kManyPfns = Pfn{1} << 19;

class RecipeCapture : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto recipe = synthetic::Recipe::load(test::recipe_path(GetParam()));
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
  }

  void capture(const std::vector<std::string>& options) {
    make_region_file(region_, 4 * kGiB);
    std::vector<std::string> arguments{"--vmcore", vmcore_, "--region", region_};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = run_program(WARMDUMP_CAPTURE, arguments);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_THAT(result.errors, testing::Not(testing::HasSubstr("built without")))
        << "see capture/writer/zstd_left_out.cc";
  }

  // Every pfn: in the dump exactly when it is to be kept.
  void expect_pages_of_level(const DumpReader& dump, unsigned level) const {
    PageCount wrong = 0;
    const auto& runs = truth_->classes().runs();
    for (auto run = runs.begin(); run != runs.end(); ++run) {
      const Pfn end = std::next(run) == runs.end() ? truth_->pfn_end : std::next(run)->first;
      const bool kept = truth_->is_kept(run->first, level);
      for (Pfn pfn = run->first; pfn < end;) {
        const IndexedRun* found = dump.pages().find(pfn);
        const bool present = found != nullptr && found->content != RunContent::unreadable;
        if (present != kept && ++wrong <= 5) {
          ADD_FAILURE() << "pfn 0x" << std::hex << pfn << std::dec << " (" << dump_class(dump, pfn)
                        << ", recipe says " << static_cast<int>(run->second) << ") is "
                        << (present ? "" : "not ") << "in the dump of level " << level;
        }
        // Absent machine parts of terabytes go by in one step.
        pfn = found != nullptr ? std::min(end, found->pfn_end()) : next_present(dump, pfn, end, kept);
      }
    }
    EXPECT_EQ(wrong, 0U);
  }

  static Pfn next_present(const DumpReader& dump, Pfn pfn, Pfn end, bool one_by_one) {
    if (one_by_one) return pfn + 1;
    const auto runs = dump.pages().runs();
    const auto next = std::upper_bound(runs.begin(), runs.end(), pfn, [](Pfn value, const IndexedRun& run) {
      return value < run.first_pfn;
    });
    return next == runs.end() ? end : std::min(end, next->first_pfn);
  }

  static int dump_class(const DumpReader& dump, Pfn pfn) {
    const IndexedRun* run = dump.class_maps().find(pfn);
    if (run == nullptr) return -1;
    DumpReader::FrameBuffers buffers;
    const auto frame = dump.read_frame(run->frame, buffers);
    if (!frame.has_value()) return -2;
    const auto map = parse_class_map(*frame);
    return std::to_integer<int>(map->class_bytes[run->position + (pfn - run->first_pfn)]) &
           dump_format::kClassMask;
  }

  void expect_true_bytes(const DumpReader& dump) const {
    PageReader reader(dump);
    std::array<std::byte, kPageSize> page;
    PageCount wrong = 0;
    for (const IndexedRun& run : dump.pages().runs()) {
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
        const auto present = reader.read(pfn, page);
        ASSERT_TRUE(present.has_value()) << present.error().message;
        if (!std::ranges::equal(page, covered_bytes(*truth_, pfn)) && ++wrong <= 3) {
          ADD_FAILURE() << "wrong bytes of pfn 0x" << std::hex << pfn;
        }
      }
    }
    EXPECT_EQ(wrong, 0U);
  }

  bool is_small() const { return truth_->pfn_end <= kPfnsMax; }

  // Each bit of a level is tried on the many smaller machines; on larger ones huge pages, kept and left out.
  std::vector<unsigned> levels() const {
    if (!is_small()) return {31};
    if (truth_->pfn_end > kManyPfns) return {1, 8, 31};
    return {0, 1, 2, 4, 8, 16, 24, 31};
  }

  test::TemporaryDirectory directory_;
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
};

TEST_P(RecipeCapture, KeepsThePagesOfEachLevel) {
  for (const unsigned level : levels()) {
    capture({"--dump-level", std::to_string(level)});
    FileDevice region;
    ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    EXPECT_FALSE(dump->damage().any());
    expect_pages_of_level(*dump, level);
    if (level == 31) expect_true_bytes(*dump);
  }
}

TEST_P(RecipeCapture, ReadsTheSameEitherWay) {
  if (!is_small()) GTEST_SKIP() << "the path does not depend on the machine's size";
  for (const char* access : {"--read", "--map"}) {
    SCOPED_TRACE(access);
    capture({access});
    FileDevice region;
    ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    expect_pages_of_level(*dump, 31);
    expect_true_bytes(*dump);
  }
}

INSTANTIATE_TEST_SUITE_P(, RecipeCapture, testing::ValuesIn(test::recipe_names()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace warmdump
