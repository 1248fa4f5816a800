#include "arm/load/capture_program.h"

#include <fmt/format.h>

#include <filesystem>

namespace warmdump {
namespace {

constexpr const char* kCaptureName = "warmdump-capture";

}  // namespace

Outcome<std::string> find_capture_program(const std::string& path) {
  if (!path.empty()) return path;
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const std::filesystem::path beside = program.parent_path() / kCaptureName;
    if (std::filesystem::exists(beside, error)) return beside.string();
  }
  const std::string installed = std::string(WARMDUMP_LIBEXEC_DIRECTORY) + "/" + kCaptureName;
  if (std::filesystem::exists(installed, error)) return installed;
  return Failure(ErrorCode::not_found,
                 fmt::format("no {} beside the warmdump program, nor {}; name it with --capture",
                             kCaptureName, installed));
}

}  // namespace warmdump
