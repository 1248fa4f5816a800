// A machine of which `warmdump status` says yes, without a single warning: tests break one thing of it.

#pragma once

#include <string>

#include "arm/load/active_region.h"
#include "arm/machine/memory_fingerprint.h"
#include "arm/status/status_report.h"
#include "common/hosted/region_dax_uuid.h"
#include "tests/arm/armed_machine.h"

namespace warmdump {

class StatusMachine : public ArmedMachine {
 public:
  StatusMachine() {
    write("/proc/sys/kernel/panic_on_oops", "1\n");
    write("/sys/devices/system/memory/auto_online_blocks", "offline\n");
    write("/sys/bus/nd/devices/dax0.0/uuid", std::string(kRegionDaxUuidText) + "\n");
    write("/run/systemd/system/.keep", "");
    write("/etc/systemd/system/sysinit.target.wants/warmdump-recover.service", "");
    write("/etc/systemd/system/multi-user.target.wants/warmdump-arm.service", "");
    write("/boot/grub/grub.cfg", kGrub);
    write("/sys/class/dmi/id/bios_version", "1.2.3\n");
    write_retention("retained", "1.2.3");
    record_.boot_id = "11-22";
    record_.armed_at = "2025-01-31T12:00:00Z";
    record_.region_start = kRegionStart;
    record_.region_size = kRegionSize;
    record_.kernel_path = "/boot/vmlinuz-6.1.0-test";
    record_.kernel_version = "6.1.0-test";
    record_.command_line = "memmap=514M!0x10fe00000 nr_cpus=1";
    record_.image_size = 200 * kKiB;
    record_.image_unpacked_size = 500 * kKiB;
    record_.image_sha256 = std::string(64, 'a');
    record_.crash_memory = 128 * kMiB;
    record_.memory = *memory_fingerprint(files(), *parse_memory_map(machines::kVirtual4GibArmed));
    record_.secret = *Secret::parse(std::string(64, '5'));
    store_record();
  }

  ArmRecord& record() { return record_; }
  void store_record() {
    const auto stored = ArmRecords(path(kArmRecordDirectory)).store(record_);
    if (!stored.has_value()) throw std::runtime_error(stored.error().message);
  }

  void write_retention(const std::string& verdict, const std::string& firmware) const {
    write("/var/lib/warmdump/selftest.json", "{\"schema\": 1, \"retention\": {\"verdict\": \"" + verdict +
                                                 "\", \"machine\": {\"firmware_version\": \"" + firmware +
                                                 "\"}}}");
  }

  // As before recovery has given it back: a raw disk, with nothing on it yet.
  void make_raw() const {
    for (int block = 34; block < 38; ++block) {
      remove("/sys/devices/system/memory/memory" + std::to_string(block));
    }
    remove("/sys/bus/dax");
    write("/sys/bus/nd/devices/namespace0.0/holder", "\n");
    write("/sys/bus/nd/devices/namespace0.0/block/pmem0/ro", "0\n");
    write("/dev/pmem0", "");
    std::filesystem::resize_file(path("/dev/pmem0"), kRegionSize);
  }

  void set_free_space(std::optional<ByteCount> size) { free_space_ = size; }

  StatusReport report() const {
    return judge_status(gather_status_facts(files(), [this](const std::string&) { return free_space_; }));
  }

  static constexpr const char* kGrub =
      "menuentry 'Debian' {\n"
      "\tlinux\t/boot/vmlinuz-6.1.0-test root=/dev/sda1 memmap=514M!0x10fe00000 crashkernel=128M quiet\n"
      "\tinitrd\t/boot/initrd.img-6.1.0-test\n"
      "}\n";

 private:
  ArmRecord record_;
  std::optional<ByteCount> free_space_ = 4 * kGiB;
};

}  // namespace warmdump
