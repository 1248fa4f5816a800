#include "initramfs/image_builder.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>

#include "initramfs/compressor.h"
#include "initramfs/cpio_writer.h"
#include "tests/initramfs/cpio_reader.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> paths(const std::vector<CpioEntry>& entries) {
  std::vector<std::string> result;
  for (const CpioEntry& entry : entries) result.push_back(entry.path);
  return result;
}

CrashModules sample_modules() {
  return {{}, {{"libnvdimm", "one"}, {"nd_e820", "two"}}, ModuleFile{"nd_pmem", "three"}};
}

// As the kernel does it: one archive ends, the next begins at a multiple of 4 behind zeros.
struct UnpackedImage {
  std::vector<CpioEntry> base;
  std::vector<CpioEntry> configuration;
  std::string_view rest;
};

UnpackedImage unpack(const CrashImage& image, const std::string& base_archive) {
  UnpackedImage unpacked;
  std::string_view base = base_archive;
  unpacked.base = read_cpio(base);
  std::string_view bytes = image.bytes;
  std::size_t second = bytes.find(kCpioMagic);
  EXPECT_EQ(second % 4, 0U);
  bytes.remove_prefix(second);
  unpacked.configuration = read_cpio(bytes);
  unpacked.rest = bytes;
  return unpacked;
}

std::string base_archive_of(const CrashImage& image) {
  // Decompressors take nothing behind the end, so the compressed part is cut where the plain archive begins.
  std::string_view packed = std::string_view(image.bytes).substr(0, image.bytes.find(kCpioMagic));
  for (int padding = 0; padding < 4; ++padding) {
    auto base = decompress_by_magic(packed, kMiB);
    if (base.has_value()) return *base;
    packed.remove_suffix(1);
  }
  ADD_FAILURE() << "the base archive does not unpack";
  return {};
}

TEST(ImageBuilder, holds_exactly_what_the_capture_needs) {
  for (const char* config : {"CONFIG_RD_XZ=y\nCONFIG_XZ_DEC_X86=y\n", "CONFIG_RD_ZSTD=y\n", ""}) {
    CaptureConfiguration configuration;
    configuration.region_start = 0x100000;
    const auto image =
        build_crash_image("program", sample_modules(), configuration, KernelConfig::parse(config), "");
    ASSERT_TRUE(image.has_value());
    const std::string base = base_archive_of(*image);
    const UnpackedImage unpacked = unpack(*image, base);
    EXPECT_THAT(paths(unpacked.base),
                ElementsAre("dev", "proc", "sys", "modules", "dev/console", "modules/libnvdimm.ko",
                            "modules/nd_e820.ko", "modules/nd_pmem.ko", "init"));
    EXPECT_EQ(unpacked.base.back().content, "program");
    EXPECT_EQ(unpacked.base.back().mode & 0777U, 0755U);
    EXPECT_EQ(unpacked.base[7].content, "three");
    std::vector<std::string> parts;
    for (const ImagePart& part : image->parts) parts.push_back(part.path + " " + std::to_string(part.size));
    EXPECT_THAT(parts, ElementsAre("modules/libnvdimm.ko 3", "modules/nd_e820.ko 3", "modules/nd_pmem.ko 5",
                                   "init 7"));
    ASSERT_THAT(paths(unpacked.configuration), ElementsAre("warmdump.conf"));
    EXPECT_EQ(unpacked.configuration[0].mode & 0777U, 0600U);
    EXPECT_THAT(
        unpacked.configuration[0].content,
        HasSubstr(
            "module=/modules/libnvdimm.ko\nmodule=/modules/nd_e820.ko\npmem_module=/modules/nd_pmem.ko\n"));
    EXPECT_TRUE(unpacked.rest.empty());
  }
}

TEST(ImageBuilder, the_watchdog_is_loaded_first_and_kept_over_the_reset) {
  CrashModules modules = sample_modules();
  modules.watchdog = {{"watchdog", "core"}, {"i6300esb", "driver"}};
  const auto image = build_crash_image("program", modules, {}, {}, "");
  ASSERT_TRUE(image.has_value());
  const std::string base = base_archive_of(*image);
  EXPECT_THAT(paths(unpack(*image, base).base), testing::Contains("modules/watchdog.ko"));
  EXPECT_THAT(image->bytes,
              HasSubstr("module=/modules/watchdog.ko stop_on_reboot=0\nmodule=/modules/i6300esb.ko\n"
                        "module=/modules/libnvdimm.ko\n"));
}

TEST(ImageBuilder, a_further_archive_follows_aligned) {
  CpioWriter writer;
  writer.add_file("extra", 0644, "more");
  const std::string extra = writer.finish();
  const auto image = build_crash_image("program", {}, {}, {}, extra);
  ASSERT_TRUE(image.has_value());
  EXPECT_EQ(image->bytes.size() % 4, 0U);
  EXPECT_TRUE(image->bytes.ends_with(extra));
}

TEST(ImageBuilder, same_input_same_bytes) {
  const auto config = KernelConfig::parse("CONFIG_RD_XZ=y\n");
  const auto first = build_crash_image("program", sample_modules(), {}, config, "");
  const auto second = build_crash_image("program", sample_modules(), {}, config, "");
  EXPECT_EQ(first->bytes, second->bytes);
}

TEST(ImageBuilder, the_base_comes_from_the_cache_when_nothing_of_it_changed) {
  const test::TemporaryDirectory directory;
  const ArchiveCache cache(directory.file("cache"));
  const auto config = KernelConfig::parse("CONFIG_RD_XZ=y\n");
  const auto build = [&cache](std::string_view program, const CrashModules& modules, unsigned level,
                              const KernelConfig& kernel) {
    CaptureConfiguration configuration;
    configuration.dump_level = level;
    auto with = build_crash_image(program, modules, configuration, kernel, "more", &cache);
    const auto without = build_crash_image(program, modules, configuration, kernel, "more");
    EXPECT_EQ(with->bytes, without->bytes);
    EXPECT_EQ(with->cache_problem, "");
    return with->base_was_cached;
  };
  EXPECT_FALSE(build("program", sample_modules(), 31, config));
  EXPECT_TRUE(build("program", sample_modules(), 31, config));
  EXPECT_TRUE(build("program", sample_modules(), 16, config));  // the configuration is no part of the base
  EXPECT_FALSE(build("another", sample_modules(), 31, config));
  CrashModules modules = sample_modules();
  modules.early[1].content = "changed";
  EXPECT_FALSE(build("program", modules, 31, config));
  EXPECT_FALSE(build("program", sample_modules(), 31, KernelConfig::parse("CONFIG_RD_ZSTD=y\n")));
  EXPECT_FALSE(
      build("program", sample_modules(), 31, KernelConfig::parse("CONFIG_RD_XZ=y\nCONFIG_XZ_DEC_X86=y\n")));
}

TEST(ImageBuilder, a_cache_that_cannot_be_written_costs_no_image) {
  const ArchiveCache cache("/proc/cache");
  const auto image = build_crash_image("program", sample_modules(), {}, {}, "", &cache);
  ASSERT_TRUE(image.has_value());
  EXPECT_FALSE(image->base_was_cached);
  EXPECT_THAT(image->cache_problem, HasSubstr("/proc/cache"));
  EXPECT_THAT(image->module_names(), ElementsAre("libnvdimm", "nd_e820", "nd_pmem"));
}

std::string program(std::uint16_t machine, std::uint32_t segment_type) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_type = ET_DYN;
  header.e_machine = machine;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = segment_type;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) +
         std::string(reinterpret_cast<const char*>(&segment), sizeof segment);
}

TEST(CaptureProgram, static_programs_pass) {
  EXPECT_TRUE(check_capture_program(program(EM_X86_64, PT_LOAD)).has_value());
}

TEST(CaptureProgram, what_could_not_run_is_refused) {
  const struct {
    std::string program;
    const char* reason;
  } cases[] = {
      {"", "not an ELF program"},
      {"#!/bin/sh\n" + std::string(100, ' '), "not an ELF program"},
      {program(EM_AARCH64, PT_LOAD), "not a 64-bit x86 program"},
      {program(EM_X86_64, PT_INTERP), "dynamically"},
      {program(EM_X86_64, PT_LOAD).substr(0, sizeof(Elf64_Ehdr) + 8), "outside the file"},
  };
  for (const auto& test : cases) {
    const auto checked = check_capture_program(test.program);
    ASSERT_FALSE(checked.has_value()) << test.reason;
    EXPECT_THAT(checked.error().message, HasSubstr(test.reason));
  }
}

}  // namespace
}  // namespace warmdump
