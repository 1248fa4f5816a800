#include "arm/machine/watchdog_device.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// /sys as the kernel lays it out, below a folder.
class WatchdogDevice : public testing::Test {
 protected:
  void add_device(const std::string& path, const std::string& module) {
    std::filesystem::create_directories(root_ + "/sys/devices/" + path);
    if (module.empty()) return;
    const std::string driver = root_ + "/sys/drivers/" + module;
    std::filesystem::create_directories(driver);
    std::filesystem::create_directories(root_ + "/sys/module/" + module);
    std::filesystem::create_directory_symlink(root_ + "/sys/module/" + module, driver + "/module");
    std::filesystem::create_directory_symlink(driver, root_ + "/sys/devices/" + path + "/driver");
  }
  void add_watchdog(const std::string& device, const std::string& state) {
    const std::string watchdog = "/sys/devices/" + device + "/watchdog/watchdog0";
    std::filesystem::create_directories(root_ + watchdog);
    std::filesystem::create_directory_symlink(root_ + "/sys/devices/" + device, root_ + watchdog + "/device");
    if (!state.empty()) {
      ASSERT_TRUE(write_whole_file(root_ + watchdog + "/state", state + "\n").has_value());
    }
    std::filesystem::create_directories(root_ + "/sys/class/watchdog");
    std::filesystem::create_directory_symlink(root_ + watchdog, root_ + "/sys/class/watchdog/watchdog0");
  }
  WatchdogFacts find() const { return find_watchdog(MachineFiles(root_)); }

  const test::TemporaryDirectory directory_;
  const std::string root_ = directory_.path();
};

TEST_F(WatchdogDevice, none_is_none) {
  EXPECT_FALSE(find().is_there || find().is_running);
  EXPECT_THAT(find().modules, IsEmpty());
}

TEST_F(WatchdogDevice, of_a_pci_card) {
  add_device("pci0000:00", "");
  add_device("pci0000:00/0000:00:04.0", "i6300esb");
  add_watchdog("pci0000:00/0000:00:04.0", "inactive");
  EXPECT_FALSE(find().is_running);
  EXPECT_THAT(find().modules, ElementsAre("i6300esb"));
}

TEST_F(WatchdogDevice, the_driver_of_the_bus_it_sits_on_comes_first) {
  add_device("pci0000:00/0000:00:1f.3", "i2c_i801");
  add_device("pci0000:00/0000:00:1f.3/iTCO_wdt", "iTCO_wdt");
  add_watchdog("pci0000:00/0000:00:1f.3/iTCO_wdt", "active");
  EXPECT_TRUE(find().is_running);
  EXPECT_THAT(find().modules, ElementsAre("i2c_i801", "iTCO_wdt"));
}

TEST_F(WatchdogDevice, an_unknown_state_counts_as_running) {
  add_device("platform/board", "");
  add_watchdog("platform/board", "");
  EXPECT_TRUE(find().is_running);
  EXPECT_THAT(find().modules, IsEmpty());
}

TEST_F(WatchdogDevice, one_without_hardware_has_no_modules) {
  std::filesystem::create_directories(root_ + "/sys/devices/virtual/watchdog/watchdog0");
  std::filesystem::create_directories(root_ + "/sys/class/watchdog");
  std::filesystem::create_directory_symlink(root_ + "/sys/devices/virtual/watchdog/watchdog0",
                                            root_ + "/sys/class/watchdog/watchdog0");
  EXPECT_TRUE(find().is_running);
  EXPECT_THAT(find().modules, IsEmpty());
}

TEST_F(WatchdogDevice, a_driver_that_hides_its_device_is_found_by_the_core_it_uses) {
  std::filesystem::create_directories(root_ + "/sys/devices/virtual/watchdog/watchdog0");
  std::filesystem::create_directories(root_ + "/sys/class/watchdog");
  std::filesystem::create_directory_symlink(root_ + "/sys/devices/virtual/watchdog/watchdog0",
                                            root_ + "/sys/class/watchdog/watchdog0");
  for (const char* holder : {"softdog", "i6300esb"}) {
    std::filesystem::create_directories(root_ + "/sys/module/watchdog/holders/" + holder);
  }
  EXPECT_THAT(find().modules, ElementsAre("i6300esb", "softdog"));
}

}  // namespace
}  // namespace warmdump
