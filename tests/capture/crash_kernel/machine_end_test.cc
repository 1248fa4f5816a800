#include "capture/crash_kernel/machine_end.h"

#include <gmock/gmock.h>
#include <sys/reboot.h>

#include <string>
#include <vector>

namespace warmdump {
namespace {

using testing::ElementsAre;

// A machine that refuses everything, and remembers what it was asked for.
class StubbornMachine final : public MachineControl {
 public:
  void settle(unsigned) override { steps.emplace_back("settle"); }
  void set(const char* path, std::string_view value) override {
    const std::string name(path);
    steps.push_back(name.substr(name.rfind('/') + 1) + "=" + std::string(value));
  }
  void reboot(unsigned command) override {
    steps.emplace_back(command == RB_AUTOBOOT      ? "restart"
                       : command == RB_POWER_OFF   ? "power off"
                       : command == RB_HALT_SYSTEM ? "halt"
                                                   : "other");
  }
  void leave() override { steps.emplace_back("leave"); }

  std::vector<std::string> steps;
};

std::vector<std::string> steps_of(FinalAction action) {
  StubbornMachine machine;
  end_machine(action, machine);
  return machine.steps;
}

TEST(EndMachine, AResetFallsThroughToTheNextWay) {
  EXPECT_THAT(steps_of(FinalAction::warm_reset),
              ElementsAre("settle", "mode=warm", "restart", "sysrq-trigger=b", "leave"));
}

TEST(EndMachine, TheWayOfTheResetIsChosen) {
  EXPECT_THAT(steps_of(FinalAction::cold_reset),
              ElementsAre("settle", "mode=cold", "restart", "sysrq-trigger=b", "leave"));
  const struct {
    FinalAction action;
    const char* type;
  } cases[] = {{FinalAction::efi_reset, "type=efi"},
               {FinalAction::acpi_reset, "type=acpi"},
               {FinalAction::kbd_reset, "type=kbd"}};
  for (const auto& test : cases) {
    EXPECT_THAT(steps_of(test.action),
                ElementsAre("settle", "mode=warm", test.type, "restart", "sysrq-trigger=b", "leave"));
  }
}

TEST(EndMachine, WhatCannotBeSwitchedOffIsReset) {
  EXPECT_THAT(steps_of(FinalAction::power_off),
              ElementsAre("settle", "mode=warm", "power off", "restart", "sysrq-trigger=b", "leave"));
}

TEST(EndMachine, AHaltIsNeverFollowedByAReset) {
  EXPECT_THAT(steps_of(FinalAction::halt), ElementsAre("settle", "mode=warm", "halt"));
}

}  // namespace
}  // namespace warmdump
