#include "initramfs/outside_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "initramfs/image_content.h"

namespace warmdump {
namespace {

constexpr ByteCount kUnpackedSizeMax = 256 * kMiB;
constexpr const char* kBuildAnew = "build the image anew for this kernel";

// Every capture names it, stripped or not; no other program does.
constexpr std::string_view kCaptureMark = "/warmdump.conf";

Outcome<void> check_init(const ImageContent& content) {
  const auto init = content.files.find("init");
  if (init == content.files.end()) {
    return Failure(ErrorCode::refused, "it has no /init, or that is a link; /init must be warmdump-capture");
  }
  auto checked = check_capture_program(init->second);
  if (!checked.has_value() || init->second.find(kCaptureMark) == std::string::npos) {
    return Failure(ErrorCode::refused,
                   fmt::format("its /init is not warmdump-capture{}{}", checked.has_value() ? "" : ": ",
                               checked.has_value() ? "" : checked.error().message));
  }
  return {};
}

Outcome<void> check_module(const ImageContent& content, const ModuleFile& module) {
  const std::string path = module_path_in_image(module.name);
  const auto file = content.files.find(path);
  if (file == content.files.end()) {
    return Failure(ErrorCode::refused, fmt::format("it has no /{}; {}", path, kBuildAnew));
  }
  if (file->second != module.content) {
    return Failure(ErrorCode::refused,
                   fmt::format("its /{} is not the module of this kernel; {}", path, kBuildAnew));
  }
  return {};
}

}  // namespace

Outcome<CrashImage> build_crash_image_on(std::string outside_image, CrashModules& modules,
                                         const CaptureConfiguration& configuration,
                                         const KernelConfig& kernel_config, std::string_view appended_archive,
                                         std::vector<std::string>& missing) {
  const ImageContent content = TRY(read_image_content(outside_image, kUnpackedSizeMax));
  if (!content.unpack_setting.empty() && kernel_config.known() &&
      !kernel_config.enabled(content.unpack_setting)) {
    return Failure(ErrorCode::unsupported, fmt::format("this kernel cannot unpack {} (no CONFIG_{})",
                                                       content.compression, content.unpack_setting));
  }
  TRY(check_init(content));
  for (const ModuleFile& module : modules.early) TRY(check_module(content, module));
  if (modules.pmem) TRY(check_module(content, *modules.pmem));
  std::erase_if(modules.watchdog, [&](const ModuleFile& module) {
    const bool is_missing = !check_module(content, module).has_value();
    if (is_missing) missing.push_back(module.name);
    return is_missing;
  });

  CrashImage image;
  image.bytes = std::move(outside_image);
  image.compression = content.compression;
  image.unpacked_size = content.unpacked_size + appended_archive.size();
  const auto add_part = [&](const std::string& path) {
    image.parts.push_back({path, content.files.find(path)->second.size()});
  };
  for (const ModuleFile& module : modules.watchdog) add_part(module_path_in_image(module.name));
  for (const ModuleFile& module : modules.early) add_part(module_path_in_image(module.name));
  if (modules.pmem) add_part(module_path_in_image(modules.pmem->name));
  add_part("init");
  append_boot_archives(image.bytes, modules, configuration, appended_archive);
  return image;
}

}  // namespace warmdump
