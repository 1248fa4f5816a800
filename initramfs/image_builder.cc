#include "initramfs/image_builder.h"

#include <elf.h>

#include <cstring>
#include <vector>

#include "initramfs/compressor.h"
#include "initramfs/cpio_writer.h"

namespace warmdump {
namespace {

constexpr const char* kModuleDirectory = "modules";
constexpr std::size_t kArchiveAlignment = 4;  // the kernel looks for the next archive there

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
    add_file(std::string(kModuleDirectory) + "/" + module.name + ".ko", 0644, module.content);
  };
  for (const ModuleFile& module : modules.watchdog) add_module(module);
  for (const ModuleFile& module : modules.early) add_module(module);
  if (modules.pmem) add_module(*modules.pmem);
  add_file("init", 0755, capture_program);
  return writer.finish();
}

std::string configuration_archive(const CrashModules& modules, const CaptureConfiguration& configuration) {
  const auto path_in_image = [](const ModuleFile& module) {
    return std::string("/") + kModuleDirectory + "/" + module.name + ".ko";
  };
  std::vector<std::string> early;
  for (const ModuleFile& module : modules.watchdog) {
    // The watchdog's core must not let a driver stop the hardware when the machine is reset: it is to cut a
    // reset that hangs (Linux 5.7 and later; older ones pass over the parameter).
    early.push_back(path_in_image(module) + (module.name == "watchdog" ? " stop_on_reboot=0" : ""));
  }
  for (const ModuleFile& module : modules.early) early.push_back(path_in_image(module));
  const std::string pmem = modules.pmem ? path_in_image(*modules.pmem) : std::string();
  CpioWriter writer;
  writer.add_file("warmdump.conf", 0600, capture_configuration_text(configuration, early, pmem));
  return writer.finish();
}

void append_aligned(std::string& image, std::string_view archive) {
  image.resize((image.size() + kArchiveAlignment - 1) / kArchiveAlignment * kArchiveAlignment);
  image.append(archive);
}

}  // namespace

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
                                      const KernelConfig& kernel_config, std::string_view appended_archive) {
  const Compressor& compressor = compressor_for(kernel_config);
  CrashImage image;
  const std::string base = base_archive(capture_program, modules, image.parts);
  image.compression = compressor.name;
  image.unpacked_size = base.size() + appended_archive.size();
  image.bytes = TRY(compressor.compress(base, kernel_config));
  append_aligned(image.bytes, configuration_archive(modules, configuration));
  if (!appended_archive.empty()) append_aligned(image.bytes, appended_archive);
  return image;
}

}  // namespace warmdump
