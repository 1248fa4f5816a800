#include "arm/load/arm.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <memory>

#include "initramfs/cpio_writer.h"
#include "tests/arm/armed_machine.h"
#include "tests/arm/fake_loader.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ArmMachine : public testing::Test {
 protected:
  ArmMachine() { reset(); }
  void reset() {
    machine_ = std::make_unique<ArmedMachine>();
    root_ = machine_->path("");
    request_.capture_path = root_ + "/capture";
  }
  void write(const std::string& path, const std::string& content) { machine_->write(path, content); }
  Outcome<CrashSetup> prepare() { return prepare_crash_setup(request_, machine_->files()); }

  std::unique_ptr<ArmedMachine> machine_;
  std::string root_;
  ArmRequest request_;
};

TEST_F(ArmMachine, is_armed) {
  auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_EQ(setup->region, (AddressRange{0x10fe00000, 514 * kMiB}));
  EXPECT_THAT(setup->warnings, IsEmpty());
  FakeLoader loader;
  const auto reserved = load_crash_setup(*setup, loader);
  ASSERT_TRUE(reserved.has_value()) << reserved.error().message;
  EXPECT_TRUE(loader.is_loaded);
  EXPECT_EQ(loader.initramfs, setup->image.bytes);
  EXPECT_THAT(loader.initramfs,
              HasSubstr("region_start=0x10fe00000\nregion_size=0x20200000\ndump_level=31\n"));
  EXPECT_THAT(loader.initramfs, HasSubstr("info.boot_id=11-22\n"));
  EXPECT_THAT(loader.command_line, HasSubstr("memmap=514M!0x10fe00000"));
  EXPECT_THAT(loader.command_line, HasSubstr("console=ttyS0"));
  EXPECT_THAT(setup->warnings, IsEmpty());
}

TEST_F(ArmMachine, a_small_reservation_is_told) {
  auto setup = prepare();
  ASSERT_TRUE(setup.has_value());
  FakeLoader loader;
  loader.reserved = 72 * kMiB;
  ASSERT_TRUE(load_crash_setup(*setup, loader).has_value());
  EXPECT_THAT(setup->warnings, testing::ElementsAre(HasSubstr("crashkernel= reserves 72 MiB")));
}

TEST_F(ArmMachine, another_kernel_is_told) {
  write("/other", sample_kernel("6.12.0-other"));
  request_.kernel_path = root_ + "/other";
  request_.modules_directory = root_ + "/lib/modules/6.1.0-test";
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_THAT(setup->warnings, testing::ElementsAre(HasSubstr("6.12.0-other")));
}

TEST_F(ArmMachine, without_root_only_an_image_is_made) {
  write("/proc/iomem", machines::kWithoutRoot);
  EXPECT_EQ(prepare().error().code, ErrorCode::no_permission);
  request_.image_only = true;
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_EQ(setup->region, (AddressRange{0x10fe00000, 514 * kMiB}));
}

TEST_F(ArmMachine, how_the_capture_ends_goes_into_the_image) {
  request_.final_action = "efi";
  request_.deadline_s = 300;
  request_.watchdog_s = 20;
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_THAT(setup->image.bytes, HasSubstr("reset=efi\ndeadline=300\nwatchdog=20\n"));
  EXPECT_THAT(setup->command_line, HasSubstr("reboot=warm,efi"));
  EXPECT_THAT(setup->warnings, testing::ElementsAre(HasSubstr("no hardware watchdog")));
}

TEST_F(ArmMachine, takes_an_image_of_another_builder) {
  CpioWriter writer;
  writer.add_file("init", 0755, static_program() + "/warmdump.conf");
  write("/boot/crash-6.1.0-test.img", writer.finish());
  request_.capture_path.clear();
  request_.outside_image_path = root_ + "/boot/crash-%v.img";
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_THAT(setup->image.bytes, HasSubstr("info.boot_id=11-22\n"));
  EXPECT_EQ(setup->image.compression, "none");

  write("/boot/crash-6.1.0-test.img", "#!/bin/sh\n");
  EXPECT_THAT(prepare().error().message,
              HasSubstr("cannot use " + root_ + "/boot/crash-6.1.0-test.img as crash image"));
  request_.outside_image_path = root_ + "/none-of-%v";
  EXPECT_EQ(prepare().error().code, ErrorCode::not_found);
  EXPECT_THAT(prepare().error().message, HasSubstr("none-of-6.1.0-test"));
}

TEST_F(ArmMachine, nonsense_is_refused) {
  const struct {
    const char* final_action;
    std::uint64_t deadline_s;
    std::uint64_t watchdog_s;
    const char* message;
  } cases[] = {{"none", 0, 0, "choose warm, cold, efi, acpi, kbd, off or halt"},
               {"", 0, 0, "choose warm"},
               {"warm", 1'000'000, 0, "deadline of 1000000 s"},
               {"warm", 0, 4, "watchdog timeout of 4 s"},
               {"warm", 0, 86400, "watchdog timeout of 86400 s"}};
  for (const auto& test : cases) {
    request_.final_action = test.final_action;
    request_.deadline_s = test.deadline_s;
    request_.watchdog_s = test.watchdog_s;
    const auto setup = prepare();
    ASSERT_FALSE(setup.has_value()) << test.message;
    EXPECT_EQ(setup.error().code, ErrorCode::invalid);
    EXPECT_THAT(setup.error().message, HasSubstr(test.message));
  }
}

TEST_F(ArmMachine, a_lost_dump_is_told) {
  request_.final_action = "off";
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value());
  EXPECT_THAT(setup->warnings, testing::ElementsAre(HasSubstr("the dump is lost")));
}

TEST_F(ArmMachine, a_watchdog_that_runs_is_taken_over) {
  std::filesystem::create_directories(root_ + "/sys/devices/pci/watchdog/watchdog0");
  std::filesystem::create_directories(root_ + "/sys/class/watchdog");
  std::filesystem::create_directories(root_ + "/sys/drivers/i6300esb");
  std::filesystem::create_directories(root_ + "/sys/module/i6300esb");
  const auto link = [this](const char* to, const char* from) {
    std::filesystem::create_directory_symlink(root_ + to, root_ + from);
  };
  link("/sys/module/i6300esb", "/sys/drivers/i6300esb/module");
  link("/sys/drivers/i6300esb", "/sys/devices/pci/driver");
  link("/sys/devices/pci", "/sys/devices/pci/watchdog/watchdog0/device");
  link("/sys/devices/pci/watchdog/watchdog0", "/sys/class/watchdog/watchdog0");
  write("/lib/modules/6.1.0-test/modules.dep", "i6300esb.ko:\n");
  write("/lib/modules/6.1.0-test/i6300esb.ko",
        "\x7f"
        "ELF");
  const struct {
    const char* state;
    std::optional<std::uint64_t> asked;
    bool taken;
  } cases[] = {
      {"active\n", {}, true}, {"inactive\n", {}, false}, {"inactive\n", 30, true}, {"active\n", 0, false}};
  for (const auto& test : cases) {
    write("/sys/devices/pci/watchdog/watchdog0/state", test.state);
    request_.watchdog_s = test.asked;
    const auto setup = prepare();
    ASSERT_TRUE(setup.has_value()) << setup.error().message;
    EXPECT_EQ(setup->image.bytes.find("module=/modules/i6300esb.ko\n") != std::string::npos, test.taken);
    EXPECT_EQ(setup->command_line.find("watchdog.stop_on_reboot=0") != std::string::npos, test.taken);
    EXPECT_THAT(setup->warnings, IsEmpty());
  }
  std::filesystem::remove(root_ + "/lib/modules/6.1.0-test/i6300esb.ko");
  request_.watchdog_s = 30;
  const auto setup = prepare();
  ASSERT_TRUE(setup.has_value()) << setup.error().message;
  EXPECT_THAT(setup->warnings, testing::ElementsAre(HasSubstr("no module i6300esb")));
}

TEST_F(ArmMachine, every_missing_part_has_its_message) {
  const struct {
    const char* path;
    const char* content;
    const char* message;
  } cases[] = {
      {"/boot/vmlinuz-6.1.0-test", "not a kernel", "vmlinuz-6.1.0-test: not an x86 kernel image"},
      {"/capture", "#!/bin/sh", "not an ELF program"},
      {"/lib/modules/6.1.0-test/modules.builtin", "libnvdimm.ko\n", "CONFIG_X86_PMEM_LEGACY"},
      {"/proc/cmdline", "quiet", "its command line asks for none"},
      {"/proc/iomem", machines::kVirtual4Gib, "warmdump plan"},
  };
  for (const auto& test : cases) {
    reset();
    write(test.path, test.content);
    const auto setup = prepare();
    ASSERT_FALSE(setup.has_value()) << test.path;
    EXPECT_THAT(setup.error().message, HasSubstr(test.message));
  }
}

}  // namespace
}  // namespace warmdump
