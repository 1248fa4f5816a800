// A machine as files below a folder, in which all is well: booted with a region that is movable RAM again,
// its kernel and modules installed. A test breaks one thing of it.

#pragma once

#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "arm/machine/machine_files.h"
#include "tests/arm/machines.h"
#include "tests/arm/sample_kernel.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {

inline std::string static_program() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  return std::string(reinterpret_cast<const char*>(&header), sizeof header);
}

class ArmedMachine {
 public:
  static constexpr PhysicalAddress kRegionStart = 0x10fe00000;
  static constexpr ByteCount kRegionSize = 514 * kMiB;

  ArmedMachine() {
    write("/proc/cmdline", "root=/dev/sda1 memmap=514M!0x10fe00000 crashkernel=128M console=ttyS0\n");
    write("/proc/iomem", machines::kVirtual4GibArmed);
    write("/proc/sys/kernel/osrelease", "6.1.0-test\n");
    write("/proc/sys/kernel/random/boot_id", "11-22\n");
    write("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n");
    write("/proc/swaps", "Filename Type Size Used Priority\n");
    write("/sys/kernel/kexec_crash_size", "134217728\n");
    write("/sys/kernel/kexec_crash_loaded", "1\n");
    write_boot_parameters(0x7f000000, 16 * kMiB);
    write("/sys/firmware/memmap/0/start", "0x100000\n");
    write("/sys/firmware/memmap/0/end", "0xbffdffff\n");
    write("/sys/firmware/memmap/0/type", "System RAM\n");
    write("/sys/firmware/memmap/1/start", "0x100000000\n");
    write("/sys/firmware/memmap/1/end", "0x13fffffff\n");
    write("/sys/firmware/memmap/1/type", "System RAM\n");
    write("/sys/devices/system/cpu/present", "0-3\n");
    write("/sys/devices/system/memory/block_size_bytes", "8000000\n");
    for (int block = 32; block < 40; ++block) {
      const std::string folder = "/sys/devices/system/memory/memory" + std::to_string(block);
      write(folder + "/state", "online\n");
      write(folder + "/valid_zones", block < 34 || block > 37 ? "Normal\n" : "Movable\n");
    }
    write("/sys/module/memory_hotplug/parameters/memmap_on_memory", "N\n");
    write("/sys/bus/nd/devices/provider", "e820\n");
    write("/sys/bus/nd/devices/region0/resource", "0x10fe00000\n");
    write("/sys/bus/nd/devices/region0/size", "538968064\n");
    write("/sys/bus/nd/devices/namespace0.0/holder", "dax0.0\n");
    write("/sys/bus/nd/devices/namespace0.0/target_node", "0\n");
    write("/sys/bus/nd/devices/dax0.0/uuid", "0\n");
    write("/sys/bus/dax/drivers/kmem/new_id", "");
    write("/sys/bus/dax/devices/dax0.0/resource", "0x110000000\n");
    std::filesystem::create_directory_symlink(path("/sys/bus/dax/drivers/kmem"),
                                              path("/sys/bus/dax/devices/dax0.0/driver"));
    write("/boot/vmlinuz-6.1.0-test", sample_kernel("6.1.0-test"));
    write("/lib/modules/6.1.0-test/modules.dep", "");
    write("/lib/modules/6.1.0-test/modules.builtin", "libnvdimm.ko\nnd_e820.ko\nnd_pmem.ko\n");
    write("/capture", static_program());
  }

  void write(const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(path(file)).parent_path());
    std::ofstream(path(file), std::ios::binary) << content;
  }
  void remove(const std::string& file) const { std::filesystem::remove_all(path(file)); }

  // As the boot loader leaves them, with an initrd.
  void write_boot_parameters(PhysicalAddress initrd, ByteCount size) const {
    std::string bytes(4096, '\0');
    const auto put = [&bytes](std::size_t offset, std::uint64_t number) {
      const LittleEndian<std::uint32_t> stored(static_cast<std::uint32_t>(number));
      std::memcpy(bytes.data() + offset, &stored, sizeof stored);
    };
    put(0x202, 0x53726448);  // "HdrS"
    put(0x218, initrd & 0xffffffff);
    put(0x0c0, initrd >> 32);
    put(0x21c, size & 0xffffffff);
    put(0x0c4, size >> 32);
    write("/sys/kernel/boot_params/data", bytes);
  }

  std::string path(const std::string& absolute) const { return directory_.path().string() + absolute; }
  MachineFiles files() const { return MachineFiles(directory_.path()); }

 private:
  const test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
};

}  // namespace warmdump
