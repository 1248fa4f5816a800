// crash_image_size CAPTURE KERNEL MODULES_DIRECTORY: bytes of the crash image that `warmdump arm` would load,
// with a configuration of usual length. Needs no region, unlike `warmdump arm --image-only`.

#include <cstdio>

#include "common/hosted/whole_file.h"
#include "initramfs/image_builder.h"

namespace {

using namespace warmdump;

constexpr ByteCount kCaptureSizeMax = 64 * kMiB;

Outcome<ByteCount> image_size(const char* capture_path, const char* kernel_path,
                              const char* modules_directory) {
  const std::string capture = TRY(read_whole_file(capture_path, kCaptureSizeMax));
  TRY(check_capture_program(capture));
  const CrashModules modules = TRY(read_crash_modules(modules_directory));
  const std::string directory(modules_directory);
  const std::string version = directory.substr(directory.find_last_of('/') + 1);
  CaptureConfiguration configuration;
  configuration.region_start = 0x10fe00000;
  configuration.region_size = 514 * kMiB;
  configuration.info = {{"boot_id", "00000000-0000-0000-0000-000000000000"},
                        {"armed_at", "2000-01-01T00:00:00Z"},
                        {"os_release", "Debian GNU/Linux"}};
  const KernelConfig kernel_config = find_kernel_config(version, kernel_path, directory);
  return TRY(build_crash_image(capture, modules, configuration, kernel_config, "")).bytes.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: crash_image_size CAPTURE KERNEL MODULES_DIRECTORY\n");
    return 2;
  }
  const auto size = image_size(argv[1], argv[2], argv[3]);
  if (!size.has_value()) {
    std::fprintf(stderr, "crash_image_size: %s\n", size.error().message.c_str());
    return 1;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(*size));
  return 0;
}
