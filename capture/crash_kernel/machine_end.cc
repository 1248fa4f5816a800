#include "capture/crash_kernel/machine_end.h"

#include <sys/reboot.h>
#include <unistd.h>

#include "capture/support/raw_log.h"
#include "capture/support/text_file.h"

namespace warmdump {
namespace {

// Reset at once would overtake what is still on its way from the memory controller to the memory.
constexpr unsigned kSettleSeconds = 1;

constexpr const char* kRebootMode = "/sys/kernel/reboot/mode";
constexpr const char* kRebootType = "/sys/kernel/reboot/type";

// Value of kRebootType; empty leaves the kernel's own choice (kernel/reboot.c, "type").
std::string_view reset_type(FinalAction action) {
  switch (action) {
    case FinalAction::efi_reset:
      return "efi";
    case FinalAction::acpi_reset:
      return "acpi";
    case FinalAction::kbd_reset:
      return "kbd";
    default:
      return {};
  }
}

class SystemControl final : public MachineControl {
 public:
  void settle(unsigned seconds) override {
    ::sync();
    ::sleep(seconds);
  }
  void set(const char* path, std::string_view value) override {
    [[maybe_unused]] const auto done = write_text_file(path, value);
  }
  void reboot(unsigned command) override { ::reboot(static_cast<int>(command)); }
  void leave() override { ::_exit(1); }
};

}  // namespace

void end_machine(FinalAction action, MachineControl& control) {
  control.settle(kSettleSeconds);
  // Also where the machine is to be switched off: should it refuse, the reset after it keeps the memory.
  control.set(kRebootMode, action == FinalAction::cold_reset ? "cold" : "warm");
  if (const auto type = reset_type(action); !type.empty()) control.set(kRebootType, type);

  if (action == FinalAction::halt) {
    control.reboot(RB_HALT_SYSTEM);
    log_line("the kernel refused to halt the machine");
    return;
  }
  if (action == FinalAction::power_off) {
    control.reboot(RB_POWER_OFF);
    log_line("the kernel refused to switch the machine off; resetting it");
  }
  control.reboot(RB_AUTOBOOT);
  log_line("the kernel refused to reset the machine; trying SysRq");
  control.set("/proc/sysrq-trigger", "b");
  log_line("SysRq did not reset the machine; leaving it to panic=");
  control.leave();
}

void end_machine(FinalAction action) {
  SystemControl control;
  end_machine(action, control);
  for (;;) ::pause();
}

}  // namespace warmdump
