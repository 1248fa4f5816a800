#include "initramfs/image_builder.h"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "common/hosted/sha256.h"
#include "initramfs/compressor.h"
#include "initramfs/cpio_writer.h"

namespace warmdump {
namespace {

constexpr const char* kModuleDirectory = "modules";
constexpr std::size_t kArchiveAlignment = 4;                // the kernel looks for the next archive there
constexpr std::size_t kConfigurationArchiveOverhead = 512;  // two headers with their names and padding

std::string base_archive(std::string_view capture_program, const CrashModules& modules,
                         std::vector<ImagePart>& parts) {
  CpioWriter writer;
  for (const char* directory : {"dev", "proc", "sys", kModuleDirectory}) writer.add_directory(directory);
  writer.add_character_device("dev/console", 0600, 5, 1);
  const auto add_file = [&](const std::string& path, unsigned mode, std::string_view content) {
    writer.add_file(path, mode, content);
    parts.push_back({path, content.size()});
  };
  const auto add_module = [&add_file](const ModuleFile& module) {
    add_file(module_path_in_image(module.name), 0644, module.content);
  };
  for (const ModuleFile& module : modules.watchdog) add_module(module);
  for (const ModuleFile& module : modules.early) add_module(module);
  if (modules.pmem) add_module(*modules.pmem);
  add_file("init", 0755, capture_program);
  return writer.finish();
}

std::string configuration_archive(const CrashModules& modules, const CaptureConfiguration& configuration) {
  const auto path_in_image = [](const ModuleFile& module) { return "/" + module_path_in_image(module.name); };
  std::vector<std::string> early;
  for (const ModuleFile& module : modules.watchdog) {
    // The watchdog's core must not let a driver stop the hardware when the machine is reset: it is to cut a
    // reset that hangs (Linux 5.7 and later; older ones pass over the parameter).
    early.push_back(path_in_image(module) + (module.name == "watchdog" ? " stop_on_reboot=0" : ""));
  }
  for (const ModuleFile& module : modules.early) early.push_back(path_in_image(module));
  const std::string pmem = modules.pmem ? path_in_image(*modules.pmem) : std::string();
  const WipedText text(capture_configuration_text(configuration, early, pmem));
  CpioWriter writer;
  writer.reserve(text.text().size() + kConfigurationArchiveOverhead);
  writer.add_file("warmdump.conf", 0600, text.text());
  return writer.finish();
}

// Everything the compressed base depends on: its files, and how they are compressed.
Outcome<std::string> base_key(std::string_view base, const Compressor& compressor,
                              const KernelConfig& config) {
  const bool setting = !compressor.compress_setting.empty() && config.enabled(compressor.compress_setting);
  return sha256_text(TRY(sha256_text(base)) + fmt::format(" {} {} {}", compressor.name,
                                                          setting ? compressor.compress_setting : "",
                                                          WARMDUMP_VERSION));
}

Outcome<void> add_base(CrashImage& image, std::string_view base, const KernelConfig& config,
                       const ArchiveCache* cache) {
  const Compressor& compressor = compressor_for(config);
  image.compression = compressor.name;
  const std::string key = cache != nullptr ? TRY(base_key(base, compressor, config)) : std::string();
  if (cache != nullptr) {
    if (auto kept = cache->find(key)) {
      image.bytes = std::move(*kept);
      image.base_was_cached = true;
      return {};
    }
  }
  image.bytes = TRY(compressor.compress(base, config));
  if (cache == nullptr) return {};
  if (const auto stored = cache->store(key, image.bytes); !stored.has_value()) {
    image.cache_problem = stored.error().message;
  }
  return {};
}

void append_aligned(std::string& image, std::string_view archive) {
  image.resize((image.size() + kArchiveAlignment - 1) / kArchiveAlignment * kArchiveAlignment);
  image.append(archive);
}

}  // namespace

std::string module_path_in_image(std::string_view name) {
  return fmt::format("{}/{}.ko", kModuleDirectory, name);
}

void append_boot_archives(std::string& image, const CrashModules& modules,
                          const CaptureConfiguration& configuration, std::string_view appended_archive) {
  const WipedText configured(configuration_archive(modules, configuration));
  // So that it does not move with the secret in it.
  image.reserve(image.size() + configured.text().size() + appended_archive.size() + 2 * kArchiveAlignment);
  append_aligned(image, configured.text());
  if (!appended_archive.empty()) append_aligned(image, appended_archive);
}

Outcome<void> check_capture_program(std::string_view program) {
  Elf64_Ehdr header;
  if (program.size() < sizeof header || std::memcmp(program.data(), ELFMAG, SELFMAG) != 0) {
    return Failure(ErrorCode::unsupported, "not an ELF program");
  }
  std::memcpy(&header, program.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
      (header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
    return Failure(ErrorCode::unsupported, "not a 64-bit x86 program");
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > program.size() ||
      header.e_phnum > (program.size() - header.e_phoff) / sizeof(Elf64_Phdr)) {
    return Failure(ErrorCode::corrupt, "its program headers lie outside the file");
  }
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, program.data() + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_INTERP) {
      return Failure(ErrorCode::invalid, "it is linked dynamically; the crash image needs a static program");
    }
  }
  return {};
}

Outcome<CrashImage> build_crash_image(std::string_view capture_program, const CrashModules& modules,
                                      const CaptureConfiguration& configuration,
                                      const KernelConfig& kernel_config, std::string_view appended_archive,
                                      const ArchiveCache* cache) {
  CrashImage image;
  const std::string base = base_archive(capture_program, modules, image.parts);
  image.unpacked_size = base.size() + appended_archive.size();
  TRY(add_base(image, base, kernel_config, cache));
  append_boot_archives(image.bytes, modules, configuration, appended_archive);
  return image;
}

std::vector<std::string> CrashImage::module_names() const {
  const std::string prefix = std::string(kModuleDirectory) + "/";
  std::vector<std::string> names;
  for (const ImagePart& part : parts) {
    if (part.path.starts_with(prefix)) names.push_back(module_name_of_path(part.path));
  }
  return names;
}

}  // namespace warmdump
