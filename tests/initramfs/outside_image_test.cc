#include "initramfs/outside_image.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>

#include "initramfs/compressor.h"
#include "initramfs/cpio_writer.h"
#include "tests/initramfs/cpio_reader.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string capture_program() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + "/warmdump.conf";
}

// A machine whose builder made the image for another kernel, or another purpose, as far as a test says so.
class OutsideImage : public testing::Test {
 protected:
  std::string image() const {
    CpioWriter writer;
    for (const auto& [path, content] : files_) writer.add_file(path, 0755, content);
    return *compressors()[0].compress(writer.finish(), {});
  }
  Outcome<CrashImage> build(const std::string& image) {
    missing_.clear();
    CrashModules modules = modules_;
    return build_crash_image_on(image, modules, {}, config_, "", missing_);
  }

  std::map<std::string, std::string> files_ = {{"init", capture_program()},
                                               {"modules/libnvdimm.ko", "one"},
                                               {"modules/nd_pmem.ko", "two"},
                                               {"modules/iTCO_wdt.ko", "three"}};
  const CrashModules modules_ = {
      {{"iTCO_wdt", "three"}}, {{"libnvdimm", "one"}}, ModuleFile{"nd_pmem", "two"}};
  KernelConfig config_ = KernelConfig::parse("CONFIG_RD_XZ=y\n");
  std::vector<std::string> missing_;
};

TEST_F(OutsideImage, gets_the_configuration_of_the_boot) {
  const std::string base = image();
  const auto built = build(base);
  ASSERT_TRUE(built.has_value()) << built.error().message;
  EXPECT_THAT(missing_, IsEmpty());
  EXPECT_TRUE(built->bytes.starts_with(base));
  EXPECT_EQ(built->compression, "xz");
  const std::size_t second = built->bytes.find(kCpioMagic, base.size());
  ASSERT_LT(second, base.size() + 4);
  EXPECT_EQ(second % 4, 0U);
  std::string_view archive = std::string_view(built->bytes).substr(second);
  const auto entries = read_cpio(archive);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].path, "warmdump.conf");
  EXPECT_THAT(entries[0].content, HasSubstr("module=/modules/iTCO_wdt.ko\nmodule=/modules/libnvdimm.ko\n"
                                            "pmem_module=/modules/nd_pmem.ko\n"));
}

TEST_F(OutsideImage, one_that_boots_the_system_is_refused) {
  const struct {
    std::string init;
    const char* message;
  } cases[] = {
      {"#!/bin/sh\nexec switch_root /root /sbin/init\n", "not warmdump-capture: not an ELF program"},
      {capture_program().substr(0, sizeof(Elf64_Ehdr)) + "busybox", "its /init is not warmdump-capture"}};
  for (const auto& test : cases) {
    files_["init"] = test.init;
    const auto built = build(image());
    ASSERT_FALSE(built.has_value()) << test.message;
    EXPECT_EQ(built.error().code, ErrorCode::refused);
    EXPECT_THAT(built.error().message, HasSubstr(test.message));
  }
  files_.erase("init");
  EXPECT_THAT(build(image()).error().message, HasSubstr("no /init"));
}

TEST_F(OutsideImage, one_of_another_kernel_is_refused) {
  files_["modules/nd_pmem.ko"] = "of the kernel before the update";
  EXPECT_THAT(build(image()).error().message,
              HasSubstr("/modules/nd_pmem.ko is not the module of this kernel"));
  files_.erase("modules/nd_pmem.ko");
  EXPECT_THAT(build(image()).error().message, HasSubstr("has no /modules/nd_pmem.ko; build the image anew"));
}

TEST_F(OutsideImage, a_missing_watchdog_driver_costs_the_watchdog_only) {
  files_.erase("modules/iTCO_wdt.ko");
  const auto built = build(image());
  ASSERT_TRUE(built.has_value()) << built.error().message;
  EXPECT_THAT(missing_, ElementsAre("iTCO_wdt"));
  EXPECT_THAT(built->bytes, Not(HasSubstr("module=/modules/iTCO_wdt.ko")));
}

TEST_F(OutsideImage, a_compression_the_kernel_lacks_is_refused) {
  config_ = KernelConfig::parse("CONFIG_RD_ZSTD=y\n");
  const auto built = build(image());
  ASSERT_FALSE(built.has_value());
  EXPECT_EQ(built.error().code, ErrorCode::unsupported);
  EXPECT_THAT(built.error().message, HasSubstr("cannot unpack xz (no CONFIG_RD_XZ)"));
  config_ = {};
  EXPECT_TRUE(build(image()).has_value()) << "a kernel that tells nothing of itself";
}

}  // namespace
}  // namespace warmdump
