// What a dump cannot be read without is in it, whatever the struct pages say of those pages.

#include <gmock/gmock.h>

#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::PageClass;

// All pages the machine keeps its own tables in, and the kernel image, look like this.
class AlwaysKept : public testing::TestWithParam<const char*> {};

TEST_P(AlwaysKept, WhateverTheStructPageSays) {
  const test::TemporaryDirectory directory;
  const std::string text = test::recipe_text("linux_6_1") + "\npage 0x1000+0x400 " + GetParam() +
                           "\npage 0x2000+0x800 " + GetParam() + "\n";
  const auto recipe = synthetic::Recipe::parse(text);
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  const auto truth = synthetic::build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;

  make_region_file(directory.file("region"), kGiB);
  std::vector<std::string> arguments{"--vmcore", directory.file("vmcore"), "--region",
                                     directory.file("region")};
  for (const std::string& hint : truth->hints) arguments.insert(arguments.end(), {"--hint", hint});
  const ProgramResult result = run_program(WARMDUMP_CAPTURE, arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  FileDevice region;
  ASSERT_TRUE(region.open(directory.file("region").c_str(), FileDevice::Access::read_only).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;

  PageReader reader(*dump);
  std::array<std::byte, kPageSize> page;
  const auto expect_kept = [&](Pfn pfn, const char* what) {
    const auto present = reader.read(pfn, page);
    ASSERT_TRUE(present.has_value() && *present) << what << ", pfn 0x" << std::hex << pfn;
    EXPECT_TRUE(std::ranges::equal(page, covered_bytes(*truth, pfn)))
        << what << ", pfn 0x" << std::hex << pfn;
  };
  ASSERT_GE(truth->always_kept.size(), 5U);
  for (const Pfn pfn : truth->always_kept) expect_kept(pfn, "node data, section table or crash note");
  PageCount left_out = 0;
  for (Pfn pfn = 0x1000; pfn < 0x2800; ++pfn) {
    const PageClass page_class = truth->page_class(pfn);
    if (page_class == PageClass::kernel_image) expect_kept(pfn, "kernel image");
    if (page_class == PageClass::page_table) expect_kept(pfn, "page table");
    if (page_class == PageClass::struct_page) expect_kept(pfn, "struct pages");
    if (dump->pages().find(pfn) == nullptr) ++left_out;
  }
  EXPECT_GT(left_out, 0U) << "the others go by their struct pages";
}

// The kernel maps its image in large pages; what of the last one lies behind the image is anybody's memory.
TEST(KernelImageEnd, PagesBehindItGoByTheirStructPages) {
  const test::TemporaryDirectory directory;
  std::string text = test::recipe_text("linux_6_1");
  const std::string image = "kernel_image 16M..20M";
  ASSERT_NE(text.find(image), std::string::npos);
  text.replace(text.find(image), image.size(), "kernel_image 16M..19M");
  const auto recipe = synthetic::Recipe::parse(text + "\npage 0x1300+0x100 anon -> user\n");
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  ASSERT_TRUE(synthetic::build_vmcore(*recipe, directory.file("vmcore")).has_value());

  make_region_file(directory.file("region"), kGiB);
  const ProgramResult result = run_program(
      WARMDUMP_CAPTURE, {"--vmcore", directory.file("vmcore"), "--region", directory.file("region")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  FileDevice region;
  ASSERT_TRUE(region.open(directory.file("region").c_str(), FileDevice::Access::read_only).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_NE(dump->pages().find(0x12ff), nullptr);
  for (Pfn pfn = 0x1300; pfn < 0x1400; ++pfn) EXPECT_EQ(dump->pages().find(pfn), nullptr) << pfn;
}

INSTANTIATE_TEST_SUITE_P(, AlwaysKept,
                         testing::Values("free order=0 -> free", "anon -> user", "cache -> cache",
                                         "hugetlb order=9 -> hugetlb"),
                         [](const auto& parameter) {
                           const std::string text = parameter.param;
                           return text.substr(0, text.find(' '));
                         });

}  // namespace
}  // namespace warmdump
