#include "initramfs/module_set.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "common/hosted/whole_file.h"
#include "initramfs/compressor.h"
#include "initramfs/crash_modules.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As depmod writes it for a distribution kernel, one compression of each kind.
constexpr const char* kDistributionDep =
    "kernel/drivers/dax/dax_pmem.ko.xz: kernel/drivers/nvdimm/libnvdimm.ko.xz\n"
    "kernel/drivers/nvdimm/libnvdimm.ko.xz:\n"
    "kernel/drivers/nvdimm/nd_pmem.ko.zst: kernel/drivers/nvdimm/nd_btt.ko "
    "kernel/drivers/nvdimm/libnvdimm.ko.xz\n"
    "kernel/drivers/nvdimm/nd_btt.ko: kernel/drivers/nvdimm/libnvdimm.ko.xz\n"
    "kernel/drivers/nvdimm/nd_e820.ko.gz: kernel/drivers/nvdimm/libnvdimm.ko.xz\n";

Outcome<std::vector<std::string>> load_order(const char* dep, const char* builtin,
                                             const std::vector<std::string>& wanted) {
  const ModuleSet set = TRY(ModuleSet::parse(dep, builtin));
  return set.load_order(wanted);
}

TEST(ModuleSet, names_are_the_kernels) {
  EXPECT_EQ(module_name_of_path("kernel/drivers/nvdimm/nd-pmem.ko.xz"), "nd_pmem");
  EXPECT_EQ(module_name_of_path("snd-hda.ko"), "snd_hda");
}

TEST(ModuleSet, what_is_needed_comes_first_and_once) {
  const auto order = load_order("a.ko: b.ko c.ko d.ko\nb.ko: d.ko\nc.ko: d.ko\nd.ko:\n", "", {"b", "a", "d"});
  ASSERT_TRUE(order.has_value());
  EXPECT_THAT(*order, ElementsAre("d.ko", "b.ko", "c.ko", "a.ko"));
}

TEST(ModuleSet, built_in_modules_are_left_out) {
  const auto order = load_order("a.ko: b.ko\n", "kernel/drivers/b.ko\nkernel/c-c.ko\n", {"a", "c_c"});
  ASSERT_TRUE(order.has_value());
  EXPECT_THAT(*order, ElementsAre("a.ko"));
}

TEST(ModuleSet, a_missing_module_is_named) {
  for (const char* dep : {"", "a.ko: b.ko\n"}) {
    const auto order = load_order(dep, "", {"a"});
    ASSERT_FALSE(order.has_value());
    EXPECT_EQ(order.error().code, ErrorCode::not_found);
    EXPECT_THAT(order.error().message, HasSubstr(*dep == '\0' ? "module a," : "module b,"));
  }
}

TEST(ModuleSet, circles_and_endless_chains_end) {
  const auto circle = load_order("a.ko: b.ko\nb.ko: a.ko\n", "", {"a"});
  ASSERT_FALSE(circle.has_value());
  EXPECT_EQ(circle.error().code, ErrorCode::corrupt);
  std::string chain;
  for (int i = 0; i < 100000; ++i)
    chain += "m" + std::to_string(i) + ".ko: m" + std::to_string(i + 1) + ".ko\n";
  EXPECT_FALSE(load_order(chain.c_str(), "", {"m0"}).has_value());
}

TEST(ModuleSet, a_line_without_colon_is_named) {
  const auto set = ModuleSet::parse("a.ko:\nrubbish\n", "");
  ASSERT_FALSE(set.has_value());
  EXPECT_THAT(set.error().message, HasSubstr("line 2"));
}

TEST(CrashModules, pmem_disk_driver_comes_last) {
  const auto set = ModuleSet::parse(kDistributionDep, "");
  ASSERT_TRUE(set.has_value());
  const auto paths = choose_crash_modules(*set);
  ASSERT_TRUE(paths.has_value());
  EXPECT_THAT(paths->early,
              ElementsAre("kernel/drivers/nvdimm/libnvdimm.ko.xz", "kernel/drivers/nvdimm/nd_e820.ko.gz",
                          "kernel/drivers/nvdimm/nd_btt.ko"));
  EXPECT_EQ(paths->pmem, "kernel/drivers/nvdimm/nd_pmem.ko.zst");
}

TEST(CrashModules, all_built_in_needs_no_files) {
  const auto set = ModuleSet::parse("", "x/libnvdimm.ko\nx/nd_e820.ko\nx/nd_pmem.ko\n");
  const auto paths = choose_crash_modules(*set);
  ASSERT_TRUE(paths.has_value());
  EXPECT_TRUE(paths->early.empty());
  EXPECT_FALSE(paths->pmem.has_value());
}

TEST(CrashModules, a_kernel_without_pmem_is_unsupported) {
  const auto set = ModuleSet::parse("libnvdimm.ko:\n", "");
  const auto paths = choose_crash_modules(*set);
  ASSERT_FALSE(paths.has_value());
  EXPECT_EQ(paths.error().code, ErrorCode::unsupported);
  EXPECT_THAT(paths.error().message, HasSubstr("CONFIG_X86_PMEM_LEGACY"));
}

TEST(CrashModules, dax_drivers_are_refused) {
  const auto set =
      ModuleSet::parse("libnvdimm.ko:\nnd_e820.ko:\nnd_pmem.ko: dax_pmem.ko\ndax_pmem.ko:\n", "");
  const auto paths = choose_crash_modules(*set);
  ASSERT_FALSE(paths.has_value());
  EXPECT_EQ(paths.error().code, ErrorCode::refused);
}

class CrashModuleFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ + "/kernel/drivers/nvdimm");
    write("modules.dep", kDistributionDep);
    write("kernel/drivers/nvdimm/libnvdimm.ko.xz", pack(0,
                                                        "\x7f"
                                                        "ELF libnvdimm"));
    write("kernel/drivers/nvdimm/nd_pmem.ko.zst", pack(1,
                                                       "\x7f"
                                                       "ELF nd_pmem"));
    write("kernel/drivers/nvdimm/nd_e820.ko.gz", pack(2,
                                                      "\x7f"
                                                      "ELF nd_e820"));
    write("kernel/drivers/nvdimm/nd_btt.ko",
          "\x7f"
          "ELF nd_btt");
  }

  static std::string pack(std::size_t compressor, const char* content) {
    return *compressors()[compressor].compress(content, {});
  }
  void write(const std::string& path, const std::string& content) {
    ASSERT_TRUE(write_whole_file(folder_ + "/" + path, content).has_value());
  }

  const test::TemporaryDirectory directory_;
  const std::string folder_ = directory_.path();
  std::vector<std::string> missing_;
};

TEST_F(CrashModuleFiles, the_watchdog_comes_with_what_it_needs) {
  write("modules.dep",
        std::string(kDistributionDep) +
            "wdt/i6300esb.ko: wdt/watchdog.ko\nwdt/iTCO_wdt.ko: wdt/watchdog.ko\nwdt/watchdog.ko:\n");
  std::filesystem::create_directories(folder_ + "/wdt");
  for (const char* name : {"i6300esb", "watchdog"}) {
    write(std::string("wdt/") + name + ".ko",
          "\x7f"
          "ELF");
  }
  const auto modules = read_crash_modules(folder_, {"no_such_driver", "i6300esb", "iTCO_wdt"}, missing_);
  ASSERT_TRUE(modules.has_value()) << modules.error().message;
  ASSERT_EQ(modules->watchdog.size(), 2U);
  EXPECT_EQ(modules->watchdog[0].name, "watchdog");
  EXPECT_EQ(modules->watchdog[1].name, "i6300esb");
  EXPECT_EQ(missing_, (std::vector<std::string>{"no_such_driver", "iTCO_wdt"}));
  EXPECT_EQ(modules->early.size(), 3U);
}

TEST_F(CrashModuleFiles, every_compression_is_undone) {
  const auto modules = read_crash_modules(folder_, {}, missing_);
  ASSERT_TRUE(modules.has_value()) << modules.error().message;
  ASSERT_EQ(modules->early.size(), 3U);
  EXPECT_EQ(modules->early[0].name, "libnvdimm");
  EXPECT_EQ(modules->early[0].content,
            "\x7f"
            "ELF libnvdimm");
  EXPECT_EQ(modules->early[1].content,
            "\x7f"
            "ELF nd_e820");
  EXPECT_EQ(modules->early[2].content,
            "\x7f"
            "ELF nd_btt");
  ASSERT_TRUE(modules->pmem.has_value());
  EXPECT_EQ(modules->pmem->content,
            "\x7f"
            "ELF nd_pmem");
}

TEST_F(CrashModuleFiles, a_damaged_module_is_named) {
  write("kernel/drivers/nvdimm/libnvdimm.ko.xz", pack(0,
                                                      "\x7f"
                                                      "ELF")
                                                     .substr(0, 20));
  const auto modules = read_crash_modules(folder_, {}, missing_);
  ASSERT_FALSE(modules.has_value());
  EXPECT_EQ(modules.error().code, ErrorCode::corrupt);
  EXPECT_THAT(modules.error().message, HasSubstr("libnvdimm.ko.xz"));
}

TEST_F(CrashModuleFiles, something_else_than_a_module_is_named) {
  write("kernel/drivers/nvdimm/nd_btt.ko", "hello");
  const auto modules = read_crash_modules(folder_, {}, missing_);
  ASSERT_FALSE(modules.has_value());
  EXPECT_EQ(modules.error().code, ErrorCode::unsupported);
}

TEST_F(CrashModuleFiles, without_index_depmod_is_told) {
  std::filesystem::remove(folder_ + "/modules.dep");
  const auto modules = read_crash_modules(folder_, {}, missing_);
  ASSERT_FALSE(modules.has_value());
  EXPECT_THAT(modules.error().message, HasSubstr("depmod"));
}

}  // namespace
}  // namespace warmdump
