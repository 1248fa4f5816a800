#include "selftest/warm_reset.h"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "common/hosted/unique_fd.h"
#include "selftest/program.h"

namespace warmdump {
namespace {

constexpr const char* kResetMode = "/sys/kernel/reboot/mode";
constexpr const char* kSystemdRuns = "/run/systemd/system";  // sd_booted(3)
constexpr const char* kSystemctl = "/bin/systemctl";
constexpr std::chrono::seconds kSystemctlTimeMax{30};

}  // namespace

bool prefer_warm_reset(const std::string& root) {
  const UniqueFd mode(::open((root + kResetMode).c_str(), O_WRONLY | O_CLOEXEC));
  return mode.valid() && ::write(mode.get(), "warm", 4) == 4;
}

Outcome<void> restart_machine() {
  std::error_code ignored;
  if (std::filesystem::is_directory(kSystemdRuns, ignored)) {
    const ProgramEnd end = TRY(run_program(kSystemctl, {"--no-block", "reboot"}, kSystemctlTimeMax));
    if (end.exit_code == 0) return {};
    return Failure(ErrorCode::io, "systemctl reboot failed: " + last_line(end.output));
  }
  ::sync();
  ::reboot(RB_AUTOBOOT);
  return Failure::system("cannot restart the machine", errno);
}

}  // namespace warmdump
