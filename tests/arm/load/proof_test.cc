#include "arm/load/proof.h"

#include <gmock/gmock.h>

#include <functional>

#include "arm/machine/memory_fingerprint.h"
#include "tests/arm/armed_machine.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

const std::string kCrashCommandLine = "memmap=514M!0x10fe00000 nr_cpus=1";

std::vector<ProofResult> prove(const ArmedMachine& machine, const std::string& crash = kCrashCommandLine) {
  const MachineFiles files = machine.files();
  return prove_before_load(files, read_proof_facts(files, {}), crash);
}

std::string iomem_with(const std::string& line) {
  std::string iomem = machines::kVirtual4GibArmed;
  return iomem.insert(iomem.find("130000000-13fffffff"), line);
}

TEST(Proof, a_machine_in_order_passes_every_check) {
  for (const ProofResult& result : prove(ArmedMachine())) {
    EXPECT_EQ(result.verdict, Verdict::holds) << result.name << ": " << result.seen;
    EXPECT_FALSE(result.seen.empty() || result.wanted.empty()) << result.name;
    EXPECT_TRUE(result.remedy.empty()) << result.name;
  }
  EXPECT_TRUE(check_proof(prove(ArmedMachine())).has_value());
}

struct BrokenMachine {
  const char* check;  // the only one that fails
  const char* seen;
  std::function<void(ArmedMachine&)> breaking;
  std::string crash_command_line = kCrashCommandLine;
};

const BrokenMachine kBrokenMachines[] = {
    {"region", "2 regions",
     [](ArmedMachine& machine) {
       machine.write("/proc/iomem", iomem_with("") + "200000000-21fffffff : Persistent Memory (legacy)\n");
     }},
    {"region", "its command line asks for",
     [](ArmedMachine& machine) { machine.write("/proc/cmdline", "memmap=512M!0x10fe00000\n"); }},
    {"nothing-inside", "\"Kernel code\" in it, at 0x112000000-0x112ffffff",
     [](ArmedMachine& machine) {
       machine.write("/proc/iomem", iomem_with("  112000000-112ffffff : Kernel code\n"));
     }},
    {"nothing-inside", "\"Crash kernel\"",
     [](ArmedMachine& machine) {
       machine.write("/proc/iomem", iomem_with("  128000000-12fffffff : Crash kernel\n"));
     }},
    {"nothing-inside", "\"Reserved\"",
     [](ArmedMachine& machine) {
       machine.write("/proc/iomem", iomem_with("  12ffff000-12fffffff : Reserved\n"));
     }},
    {"nothing-inside", "\"System RAM\"",
     [](ArmedMachine& machine) {
       machine.write("/proc/iomem", iomem_with("12ffff000-12fffffff : System RAM\n"));
     }},
    {"firmware", "\"ACPI Tables\" in it, at 0x12f000000-0x12fffffff",
     [](ArmedMachine& machine) {
       machine.write("/sys/firmware/memmap/1/end", "0x12effffff\n");
       machine.write("/sys/firmware/memmap/2/start", "0x12f000000\n");
       machine.write("/sys/firmware/memmap/2/end", "0x12fffffff\n");
       machine.write("/sys/firmware/memmap/2/type", "ACPI Tables\n");
     }},
    {"firmware", "gives 498 MiB of it",
     [](ArmedMachine& machine) { machine.write("/sys/firmware/memmap/1/end", "0x12effffff\n"); }},
    {"initrd", "0x110000000-0x110ffffff",
     [](ArmedMachine& machine) { machine.write_boot_parameters(0x110000000, 16 * kMiB); }},
    {"initrd", "the next boot would overwrite the dump",
     [](ArmedMachine& machine) { machine.write_boot_parameters(0x10fdff000, 0x1001); }},
    {"movable", "memory35 is online and in zone Normal",
     [](ArmedMachine& machine) {
       machine.write("/sys/devices/system/memory/memory35/valid_zones", "Normal\n");
     }},
    {"movable", "memory37 is going-offline and its zone is not told",
     [](ArmedMachine& machine) {
       machine.write("/sys/devices/system/memory/memory37/state", "going-offline\n");
       machine.remove("/sys/devices/system/memory/memory37/valid_zones");
     }},
    {"struct-pages", "memmap_on_memory is Y",
     [](ArmedMachine& machine) {
       machine.write("/sys/module/memory_hotplug/parameters/memmap_on_memory", "Y\n");
       machine.write("/sys/bus/dax/devices/dax0.0/memmap_on_memory", "1\n");
     }},
    {"unused", "ramdax",
     [](ArmedMachine& machine) { machine.write("/sys/bus/nd/devices/provider", "ramdax\n"); }},
    {"unused", "/dev/pmem0 is mounted on /mnt",
     [](ArmedMachine& machine) {
       machine.write("/sys/bus/nd/devices/namespace0.0/holder", "\n");
       machine.write("/sys/bus/nd/devices/namespace0.0/block/pmem0/size", "1\n");
       machine.write("/proc/self/mounts", "/dev/pmem0 /mnt ext4 rw 0 0\n");
     }},
    {"unused", "btt0.0 sits on it",
     [](ArmedMachine& machine) { machine.write("/sys/bus/nd/devices/namespace0.0/holder", "btt0.0\n"); }},
    {"same-region", "lacks memmap=514M!0x10fe00000", [](ArmedMachine&) {}, "memmap=512M!0x10fe00000"},
    {"same-region", "only the crash kernel's command line has memmap=1G!0x200000000", [](ArmedMachine&) {},
     kCrashCommandLine + " memmap=1G!8G"},
    {"crash-memory", "no memory is set apart",
     [](ArmedMachine& machine) { machine.write("/sys/kernel/kexec_crash_size", "0\n"); }},
};

TEST(Proof, each_check_fails_by_itself_and_is_the_reason_of_the_refusal) {
  for (const BrokenMachine& broken : kBrokenMachines) {
    ArmedMachine machine;
    broken.breaking(machine);
    const auto results = prove(machine, broken.crash_command_line);
    for (const ProofResult& result : results) {
      if (result.name == broken.check) {
        EXPECT_EQ(result.verdict, Verdict::fails) << result.name << ": " << result.seen;
        EXPECT_THAT(result.seen, HasSubstr(broken.seen)) << result.name;
        EXPECT_FALSE(result.remedy.empty()) << result.name;
      } else {
        EXPECT_NE(result.verdict, Verdict::fails) << broken.seen << " breaks " << result.name;
      }
    }
    const auto refused = check_proof(results);
    ASSERT_FALSE(refused.has_value()) << broken.check;
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_THAT(refused.error().message, HasSubstr(broken.seen));
  }
}

TEST(Proof, what_the_kernel_does_not_tell_is_unknown_and_no_failure) {
  const struct {
    const char* check;
    const char* file;
  } cases[] = {
      {"firmware", "/sys/firmware/memmap"},
      {"initrd", "/sys/kernel/boot_params"},
      {"movable", "/sys/devices/system/memory"},
      {"unused", "/sys/bus/nd"},
      {"crash-memory", "/sys/kernel/kexec_crash_size"},
  };
  for (const auto& test : cases) {
    const ArmedMachine machine;
    machine.remove(test.file);
    for (const ProofResult& result : prove(machine)) {
      EXPECT_NE(result.verdict, Verdict::fails) << test.file << " breaks " << result.name;
      if (result.name == test.check) {
        EXPECT_EQ(result.verdict, Verdict::unknown) << test.file;
      }
    }
  }
}

TEST(Proof, without_root_nothing_fails_for_lack_of_addresses) {
  const ArmedMachine machine;
  machine.write("/proc/iomem", machines::kWithoutRoot);
  EXPECT_TRUE(check_proof(prove(machine)).has_value());
}

TEST(Proof, a_region_that_is_not_memory_of_the_system_yet_passes) {
  const ArmedMachine machine;
  for (int block = 34; block < 38; ++block) {
    machine.remove("/sys/devices/system/memory/memory" + std::to_string(block));
  }
  for (const ProofResult& result : prove(machine)) {
    EXPECT_EQ(result.verdict, Verdict::holds) << result.name << ": " << result.seen;
  }
}

class LoadedProof : public testing::Test {
 protected:
  LoadedProof() {
    record_->memory = *memory_fingerprint(machine_.files(), *parse_memory_map(machines::kVirtual4GibArmed));
  }
  Verdict verdict_of(std::string_view name) {
    for (const ProofResult& result : prove_loaded(machine_.files(), record_)) {
      if (result.name == name) return result.verdict;
    }
    return Verdict::unknown;
  }

  const ArmedMachine machine_;
  std::optional<ArmRecord> record_ = ArmRecord();
};

TEST_F(LoadedProof, holds_for_what_was_loaded) {
  EXPECT_EQ(verdict_of("loaded"), Verdict::holds);
  EXPECT_EQ(verdict_of("all-memory"), Verdict::holds);
}

TEST_F(LoadedProof, fails_when_nothing_is_loaded) {
  machine_.write("/sys/kernel/kexec_crash_loaded", "0\n");
  EXPECT_EQ(verdict_of("loaded"), Verdict::fails);
  EXPECT_EQ(verdict_of("all-memory"), Verdict::holds);
}

TEST_F(LoadedProof, finds_the_newer_place_of_the_kernels_files) {
  machine_.remove("/sys/kernel/kexec_crash_loaded");
  EXPECT_EQ(verdict_of("loaded"), Verdict::unknown);
  machine_.write("/sys/kernel/kexec/crash_loaded", "1\n");
  EXPECT_EQ(verdict_of("loaded"), Verdict::holds);
}

TEST_F(LoadedProof, memory_that_was_added_since_makes_it_outdated) {
  machine_.write("/proc/iomem", iomem_with("") + "140000000-147ffffff : System RAM\n");
  EXPECT_EQ(verdict_of("all-memory"), Verdict::fails);
}

TEST_F(LoadedProof, a_processor_that_was_added_since_makes_it_outdated) {
  machine_.write("/sys/devices/system/cpu/present", "0-4\n");
  EXPECT_EQ(verdict_of("all-memory"), Verdict::fails);
}

TEST_F(LoadedProof, a_kernel_that_updates_it_needs_no_record) {
  record_.reset();
  EXPECT_EQ(verdict_of("all-memory"), Verdict::unknown);
  machine_.write("/sys/devices/system/memory/crash_hotplug", "1\n");
  EXPECT_EQ(verdict_of("all-memory"), Verdict::unknown);  // processors are not kept up to date
  machine_.write("/sys/devices/system/cpu/crash_hotplug", "1\n");
  EXPECT_EQ(verdict_of("all-memory"), Verdict::holds);
}

}  // namespace
}  // namespace warmdump
