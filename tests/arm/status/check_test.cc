#include "arm/status/check.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"
#include "tests/arm/status/status_machine.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

constexpr CheckState kWarning = CheckState::warning;
constexpr CheckState kFailed = CheckState::failed;
constexpr CheckState kUnknown = CheckState::unknown;

const CheckResult* result_of(const StatusReport& report, std::string_view name) {
  for (const CheckResult& result : report.checks) {
    if (result.name == name) return &result;
  }
  return nullptr;
}

void write_header(const StatusMachine& machine, dump_format::State state,
                  PhysicalAddress start = StatusMachine::kRegionStart) {
  auto header = dump_format::make_header(start, StatusMachine::kRegionSize);
  header.state = static_cast<std::uint32_t>(state);
  header.phase = static_cast<std::uint32_t>(dump_format::Phase::kernel_pages);
  header.frame_count = 7;
  std::array<std::byte, dump_format::kHeaderSize> buffer;
  FileDevice disk;
  ASSERT_TRUE(disk.open(machine.path("/dev/pmem0").c_str(), FileDevice::Access::read_write).has_value());
  ASSERT_TRUE(dump_format::write_header(disk, header, buffer).has_value());
}

void replace_in(const StatusMachine& machine, const std::string& file, const std::string& old,
                const std::string& text) {
  std::string content = *machine.files().read(file);
  const std::size_t place = content.find(old);
  ASSERT_NE(place, std::string::npos) << file;
  machine.write(file, content.replace(place, old.size(), text));
}

void add_option(const StatusMachine& machine, const std::string& option) {
  replace_in(machine, "/proc/cmdline", "console=", option + " console=");
}

// Moves the region, everywhere it is named.
void move_region(StatusMachine& machine, PhysicalAddress start, ByteCount size, const std::string& iomem,
                 const std::string& memmap) {
  machine.write("/proc/iomem", iomem);
  machine.write("/proc/cmdline", "memmap=" + memmap + " crashkernel=128M\n");
  machine.write("/sys/bus/nd/devices/region0/resource", std::to_string(start) + "\n");
  machine.write("/sys/bus/nd/devices/region0/size", std::to_string(size) + "\n");
  replace_in(machine, "/boot/grub/grub.cfg", "514M!0x10fe00000", memmap);
  machine.record().region_start = start;
  machine.record().region_size = size;
  machine.record().command_line = "memmap=" + memmap;
  machine.record().memory = *memory_fingerprint(machine.files(), *parse_memory_map(iomem));
  machine.store_record();
}

struct BrokenMachine {
  const char* check;  // no other one warns or fails
  CheckState state;
  const char* seen;
  std::function<void(StatusMachine&)> breaking;
};

constexpr const char* kRequest =
    "/sys/firmware/efi/efivars/MemoryOverwriteRequestControl-e20939be-32d4-41be-a150-897f85d49829";
constexpr const char* kLock =
    "/sys/firmware/efi/efivars/MemoryOverwriteRequestControlLock-bb983ccf-151d-40e1-a07b-4a17be168292";

const BrokenMachine kRegionMachines[] = {
    {"region", kFailed, "its command line asks for",
     [](StatusMachine& machine) { replace_in(machine, "/proc/cmdline", "514M", "512M"); }},
    {"ready", kFailed, "another program made it memory",
     [](StatusMachine& machine) { machine.write("/sys/bus/nd/devices/dax0.0/uuid", "0\n"); }},
    {"ready", kFailed, "nobody has prepared the region", [](StatusMachine& machine) { machine.make_raw(); }},
    {"ready", kFailed, "a dump waits in it (complete)",
     [](StatusMachine& machine) {
       machine.make_raw();
       write_header(machine, dump_format::State::complete);
     }},
    {"ready", kFailed, "was prepared for 0x200000000",
     [](StatusMachine& machine) {
       machine.make_raw();
       write_header(machine, dump_format::State::empty, 0x200000000);
     }},
    {"ready", kUnknown, "no driver serves the region",
     [](StatusMachine& machine) { machine.remove("/sys/bus/nd"); }},
    {"nothing-inside", kFailed, "\"Kernel code\"",
     [](StatusMachine& machine) {
       replace_in(machine, "/proc/iomem", "130000000-13fffffff",
                  "  112000000-112ffffff : Kernel code\n130000000-13fffffff");
     }},
    {"unused", kFailed, "/dev/pmem0 is mounted on /mnt",
     [](StatusMachine& machine) {
       machine.make_raw();
       write_header(machine, dump_format::State::empty);
       machine.write("/proc/self/mounts", "/dev/pmem0 /mnt ext4 rw 0 0\n");
     }},
    {"firmware", kFailed, "gives 498 MiB",
     [](StatusMachine& machine) { machine.write("/sys/firmware/memmap/1/end", "0x12effffff\n"); }},
    {"initrd", kFailed, "0x110000000-0x110ffffff",
     [](StatusMachine& machine) { machine.write_boot_parameters(0x110000000, 16 * kMiB); }},
    {"above-4g", kWarning, "below 4 GiB",
     [](StatusMachine& machine) {
       move_region(machine, 0x87e00000, 258 * kMiB,
                   "00100000-87dfffff : System RAM\n87e00000-97ffffff : Persistent Memory (legacy)\n"
                   "98000000-bffdffff : System RAM\n",
                   "258M!0x87e00000");
     }},
    {"alignment", kWarning, "256 MiB of it never come back",
     [](StatusMachine& machine) {
       move_region(machine, 0x108000000, 512 * kMiB,
                   "00100000-bffdffff : System RAM\n108000000-127ffffff : Persistent Memory (legacy)\n"
                   "128000000-13fffffff : System RAM\n",
                   "512M!0x108000000");
       machine.write("/sys/devices/system/memory/block_size_bytes", "10000000\n");
     }},
    {"node", kWarning, "no NUMA node",
     [](StatusMachine& machine) {
       machine.make_raw();
       write_header(machine, dump_format::State::cleared);
       machine.remove("/sys/bus/nd/devices/namespace0.0/target_node");
     }},
    {"use", kWarning, "serves nobody",
     [](StatusMachine& machine) { machine.remove("/sys/bus/dax/devices/dax0.0/driver"); }},
};

constexpr const char* kLoop =
    R"({"schema": 1, "stands": true, "boot_id": "b", "crashes": 3, "window_s": 3600, "first_dump": "1011",)"
    R"( "first_directory": "/var/crash/first"})";

const BrokenMachine kCrashKernelMachines[] = {
    {"crash-loop", kWarning, "3 crashes within 60 minutes are recorded, but a crash kernel is loaded",
     [](StatusMachine& machine) { machine.write(kCrashLoopPath, kLoop); }},
    {"crash-memory", kFailed, "no memory is set apart",
     [](StatusMachine& machine) {
       machine.write("/sys/kernel/kexec_crash_size", "0\n");
       machine.remove("/boot/vmlinuz-6.1.0-test");  // else it is too little as well
     }},
    {"loaded", kFailed, "no crash kernel is loaded",
     [](StatusMachine& machine) { machine.write("/sys/kernel/kexec_crash_loaded", "0\n"); }},
    {"record", kFailed, "has not armed this boot",
     [](StatusMachine& machine) { machine.remove(kArmRecordDirectory); }},
    {"record", kFailed, "armed for the region 0x120000000-0x13fffffff",
     [](StatusMachine& machine) {
       machine.record().region_start = 0x120000000;
       machine.record().region_size = 512 * kMiB;
       machine.store_record();
     }},
    {"record", kWarning, "the running one is 6.1.0-test",
     [](StatusMachine& machine) {
       machine.record().kernel_version = "6.1.0-older";
       machine.write("/lib/modules/6.1.0-older/modules.dep", "");
       machine.write("/lib/modules/6.1.0-older/modules.builtin", "libnvdimm.ko\nnd_e820.ko\nnd_pmem.ko\n");
       machine.store_record();
     }},
    {"same-region", kFailed, "lacks memmap=514M!0x10fe00000",
     [](StatusMachine& machine) {
       machine.record().command_line = "nr_cpus=1";
       machine.store_record();
     }},
    {"all-memory", kFailed, "were added or removed",
     [](StatusMachine& machine) { machine.write("/sys/devices/system/cpu/present", "0-7\n"); }},
    {"image-modules", kFailed, "lacks nd_pmem",
     [](StatusMachine& machine) {
       machine.write("/lib/modules/6.1.0-test/modules.dep", "kernel/drivers/nvdimm/nd_pmem.ko.xz:\n");
       machine.write("/lib/modules/6.1.0-test/modules.builtin", "libnvdimm.ko\nnd_e820.ko\n");
     }},
    {"memory-need", kFailed, "crashkernel= reserves 48 MiB",
     [](StatusMachine& machine) { machine.write("/sys/kernel/kexec_crash_size", "50331648\n"); }},
    {"memory-need", kWarning, "leaves room for more devices",
     [](StatusMachine& machine) { machine.write("/sys/kernel/kexec_crash_size", "83886080\n"); }},
    {"watchdog", kWarning, "lacks softdog",
     [](StatusMachine& machine) {
       machine.write("/sys/class/watchdog/watchdog0/state", "active\n");
       machine.write("/sys/module/watchdog/holders/softdog", "");
     }},
    {"reload", kWarning, "kexec_load_disabled is set",
     [](StatusMachine& machine) { machine.write("/proc/sys/kernel/kexec_load_disabled", "1\n"); }},
    {"modules-directory", kWarning, "/lib/modules/6.1.0-test has gone",
     [](StatusMachine& machine) { machine.remove("/lib/modules/6.1.0-test"); }},
};

const BrokenMachine kMemoryMachines[] = {
    {"movable", kFailed, "memory35 is online and in zone Normal",
     [](StatusMachine& machine) {
       machine.write("/sys/devices/system/memory/memory35/valid_zones", "Normal\n");
     }},
    {"struct-pages", kFailed, "memmap_on_memory is Y",
     [](StatusMachine& machine) {
       machine.write("/sys/module/memory_hotplug/parameters/memmap_on_memory", "Y\n");
       machine.write("/sys/bus/dax/devices/dax0.0/memmap_on_memory", "1\n");
     }},
    {"auto-online", kWarning, "online_kernel",
     [](StatusMachine& machine) {
       machine.write("/sys/devices/system/memory/auto_online_blocks", "online_kernel\n");
     }},
    {"auto-online", kWarning, "should anybody but",
     [](StatusMachine& machine) {
       machine.make_raw();
       write_header(machine, dump_format::State::empty);
       machine.write("/sys/devices/system/memory/auto_online_blocks", "online\n");
     }},
    {"udev-rules", kWarning, "40-hotplug.rules line 1 writes \"online\"",
     [](StatusMachine& machine) {
       machine.write("/lib/udev/rules.d/40-hotplug.rules",
                     "SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}=\"online\"\n");
     }},
};

const BrokenMachine kBootMachines[] = {
    {"address-randomization", kWarning, "5 memmap= ranges",
     [](StatusMachine& machine) { add_option(machine, "memmap=4K$0x1000,4K$0x2000,4K$0x3000,4K$0x4000"); }},
    {"memory-limits", kWarning, "mem=3G", [](StatusMachine& machine) { add_option(machine, "mem=3G"); }},
    {"memory-limits", kWarning, "for a limit of memory",
     [](StatusMachine& machine) { add_option(machine, "memmap=1M%0x80000000-1+2"); }},
    {"memory-limits", kWarning, "memmap=2G limits",
     [](StatusMachine& machine) { add_option(machine, "memmap=2G"); }},
    {"memory-limits", kWarning, "exactmap",
     [](StatusMachine& machine) { add_option(machine, "memmap=exactmap"); }},
    {"boot-entries", kWarning, "1 of 2 boot entries",
     [](StatusMachine& machine) {
       machine.write("/boot/grub/grub.cfg",
                     StatusMachine::kGrub + "linux /boot/vmlinuz-6.1.0-test root=/dev/sda1 single\n"s);
     }},
    {"boot-units", kWarning, "would wait in the region",
     [](StatusMachine& machine) {
       machine.remove("/etc/systemd/system/sysinit.target.wants/warmdump-recover.service");
     }},
    {"boot-units", kWarning, "not arm the machine again",
     [](StatusMachine& machine) {
       machine.remove("/etc/systemd/system/multi-user.target.wants/warmdump-arm.service");
     }},
    {"boot-units", kWarning, "not arm the machine again",
     [](StatusMachine& machine) { machine.write("/etc/init/warmdump-recover.conf", ""); }},
    {"boot-units", kWarning, "would wait in the region",
     [](StatusMachine& machine) {
       std::filesystem::create_symlink("/dev/null",
                                       machine.path("/etc/systemd/system/warmdump-recover.service"));
     }},
    {"boot-units", kWarning, "neither systemd nor",
     [](StatusMachine& machine) { machine.remove("/run/systemd"); }},
};

const BrokenMachine kFirmwareMachines[] = {
    {"memory-overwrite", kFailed, "clears all RAM at the next reset",
     [](StatusMachine& machine) { machine.write(kRequest, "\7\0\0\0\1"s); }},
    {"memory-overwrite", kFailed, "locked",
     [](StatusMachine& machine) {
       machine.write(kRequest, "\7\0\0\0\1"s);
       machine.write(kLock, "\7\0\0\0\1"s);
     }},
    {"memory-overwrite", kUnknown, "cannot be read",
     [](StatusMachine& machine) { machine.write("/sys/firmware/efi/systab", ""); }},
    {"memory-encryption", kFailed, "encrypted guest",
     [](StatusMachine& machine) { machine.write("/dev/sev-guest", ""); }},
    {"memory-encryption", kWarning, "Intel TME",
     [](StatusMachine& machine) {
       machine.remove("/var/lib/warmdump/selftest.json");
       machine.write("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tme vme\n\nprocessor\t: 1\n");
     }},
    {"memory-encryption", kWarning, "AMD SME is on",
     [](StatusMachine& machine) {
       machine.remove("/var/lib/warmdump/selftest.json");
       machine.write("/proc/cpuinfo", "flags\t\t: fpu sme\n");
       add_option(machine, "mem_encrypt=on");
     }},
    {"retention", kFailed, "cleared by a reset",
     [](StatusMachine& machine) { machine.write_retention("lost", "1.2.3"); }},
    {"retention", kFailed, "damaged by a reset",
     [](StatusMachine& machine) { machine.write_retention("partly", "1.2.3"); }},
    {"retention", kUnknown, "the firmware is another one",
     [](StatusMachine& machine) { machine.write_retention("retained", "1.2.2"); }},
    {"retention", kUnknown, "never tested",
     [](StatusMachine& machine) { machine.remove("/var/lib/warmdump/selftest.json"); }},
    {"retention", kUnknown, "not a JSON object",
     [](StatusMachine& machine) { machine.write("/var/lib/warmdump/selftest.json", "{"); }},
};

const BrokenMachine kSystemMachines[] = {
    {"panic-on-oops", kWarning, "goes on after an oops",
     [](StatusMachine& machine) { machine.write("/proc/sys/kernel/panic_on_oops", "0\n"); }},
    {"panic-notifiers", kWarning, "crash_kexec_post_notifiers",
     [](StatusMachine& machine) {
       machine.write("/sys/module/kernel/parameters/crash_kexec_post_notifiers", "Y\n");
     }},
    {"crash-tools", kWarning, "kdump.service is enabled",
     [](StatusMachine& machine) {
       machine.write("/etc/systemd/system/multi-user.target.wants/kdump.service", "");
     }},
    {"crash-tools", kFailed, "kdump-tools.service was started",
     [](StatusMachine& machine) { machine.write("/run/systemd/units/invocation:kdump-tools.service", ""); }},
    {"spool-space", kWarning, "can fill the region's 514 MiB",
     [](StatusMachine& machine) { machine.set_free_space(513 * kMiB); }},
    {"spool-space", kFailed, "no dump fits", [](StatusMachine& machine) { machine.set_free_space(kMiB); }},
    {"spool-space", kUnknown, "not told", [](StatusMachine& machine) { machine.set_free_space({}); }},
};

// Not one whole memory block: what is lost is more than it should be as well, so it stands by itself.
const BrokenMachine kHopelessRegion = {
    "returnable", kWarning, "not one whole memory block", [](StatusMachine& machine) {
      move_region(machine, 0x110000000, 128 * kMiB,
                  "00100000-bffdffff : System RAM\n110000000-117ffffff : Persistent Memory (legacy)\n"
                  "118000000-13fffffff : System RAM\n",
                  "128M!0x110000000");
    }};

std::vector<BrokenMachine> all_broken_machines() {
  std::vector<BrokenMachine> machines;
  const auto add = [&machines](const auto& table) {
    machines.insert(machines.end(), std::begin(table), std::end(table));
  };
  add(kRegionMachines);
  add(kCrashKernelMachines);
  add(kMemoryMachines);
  add(kBootMachines);
  add(kFirmwareMachines);
  add(kSystemMachines);
  return machines;
}

TEST(StatusChecks, a_machine_in_order_passes_all_of_them) {
  const StatusReport report = StatusMachine().report();
  for (const CheckResult& result : report.checks) {
    EXPECT_EQ(result.finding.state, CheckState::ok) << result.name << ": " << result.finding.seen;
    EXPECT_FALSE(result.finding.seen.empty() || result.wanted.empty()) << result.name;
    EXPECT_TRUE(result.finding.mend.empty()) << result.name;
  }
  EXPECT_EQ(report.captured, true) << report.reason;
  EXPECT_EQ(report.checks.size(), all_checks().size());
}

TEST(StatusChecks, a_raw_region_is_in_order_too) {
  StatusMachine machine;
  machine.make_raw();
  write_header(machine, dump_format::State::cleared);
  const StatusReport report = machine.report();
  EXPECT_EQ(report.captured, true) << report.reason;
  EXPECT_EQ(report.warnings, 0U);
}

TEST(StatusChecks, each_sees_what_it_is_for_and_nothing_else) {
  for (const BrokenMachine& broken : all_broken_machines()) {
    StatusMachine machine;
    broken.breaking(machine);
    const StatusReport report = machine.report();
    for (const CheckResult& result : report.checks) {
      if (result.name != broken.check) {
        EXPECT_TRUE(result.finding.state == CheckState::ok || result.finding.state == CheckState::unknown)
            << broken.check << " (" << broken.seen << ") breaks " << result.name << ": "
            << result.finding.seen;
        continue;
      }
      EXPECT_EQ(result.finding.state, broken.state) << result.name << ": " << result.finding.seen;
      EXPECT_THAT(result.finding.seen, HasSubstr(broken.seen)) << result.name;
      EXPECT_FALSE(result.wanted.empty()) << result.name;
      if (broken.state == kWarning || broken.state == kFailed) {
        EXPECT_FALSE(result.finding.mend.empty()) << result.name;
      }
    }
    EXPECT_EQ(report.captured == false, broken.state == kFailed) << broken.check << ": " << broken.seen;
    if (broken.state == kFailed) {
      EXPECT_THAT(report.reason, HasSubstr(broken.seen));
    }
  }
}

TEST(StatusChecks, a_crash_loop_is_the_first_reason_when_nothing_is_loaded) {
  StatusMachine machine;
  machine.write(kCrashLoopPath, kLoop);
  machine.write("/sys/kernel/kexec_crash_loaded", "0\n");
  machine.remove(kArmRecordDirectory);
  const StatusReport report = machine.report();
  EXPECT_EQ(report.captured, false);
  EXPECT_EQ(report.reason,
            "crash-loop: crash loop: 3 crashes within 60 minutes, and no more is captured; its first dump is "
            "/var/crash/first");
}

TEST(StatusChecks, a_region_without_a_whole_block) {
  StatusMachine machine;
  kHopelessRegion.breaking(machine);
  const StatusReport report = machine.report();
  EXPECT_EQ(report.captured, true) << report.reason;
  const CheckResult* result = result_of(report, kHopelessRegion.check);
  ASSERT_NE(result, nullptr);
  EXPECT_EQ(result->finding.state, kWarning);
  EXPECT_THAT(result->finding.seen, HasSubstr(kHopelessRegion.seen));
  EXPECT_EQ(report.warnings, 2U);
}

TEST(StatusChecks, none_is_without_its_broken_machine) {
  std::set<std::string_view> broken = {kHopelessRegion.check};
  for (const BrokenMachine& machine : all_broken_machines()) broken.insert(machine.check);
  for (const Check& check : all_checks()) EXPECT_EQ(broken.count(check.name), 1U) << check.name;
  EXPECT_EQ(broken.size(), all_checks().size());
}

TEST(StatusChecks, each_has_its_line_in_the_manual_page) {
  const auto page = read_whole_file(WARMDUMP_TEST_MACHINES "/../../../docs/man/warmdump-status.8", kMiB);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  for (const Check& check : all_checks()) {
    std::string name;
    for (const char c : check.name) name += c == '-' ? "\\-" : std::string(1, c);
    const std::string line =
        check.weight == Weight::decisive ? "\n.BR " + name + " *\n" : "\n.B " + name + "\n";
    EXPECT_THAT(*page, HasSubstr(line)) << check.name;
  }
}

TEST(StatusChecks, all_that_arm_proves_is_told) {
  std::set<std::string_view> told;
  for (const Check& check : all_checks()) {
    if (check.judge == nullptr) told.insert(check.name);
  }
  const StatusMachine machine;
  const StatusFacts facts = gather_status_facts(machine.files(), free_space_on_disk);
  for (const ProofResult& proved : facts.proof) EXPECT_EQ(told.erase(proved.name), 1U) << proved.name;
  EXPECT_TRUE(told.empty()) << *told.begin() << " is not proved";
}

}  // namespace
}  // namespace warmdump
