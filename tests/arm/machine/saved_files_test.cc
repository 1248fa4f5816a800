// What saved machines consist of: firmware map, memory blocks, lsmem, SRAT, boot parameters, options; and how
// a file that is missing or wrong is told.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "arm/machine/lsmem.h"
#include "arm/machine/machine.h"
#include "arm/machine/saved_machine.h"
#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kIomem = "00001000-0009ffff : System RAM\n00100000-7fffffff : System RAM\n";

class SavedFiles : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = folder_.file(path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
  }
  void write_least() {
    write("proc/iomem", kIomem);
    write("sys/devices/system/memory/block_size_bytes", "8000000\n");
  }
  MachineFiles files() const { return MachineFiles(folder_.path()); }
  Outcome<Machine> read() const { return read_machine(files()); }
  std::string failure() const {
    const auto machine = read();
    return machine.has_value() ? "no failure" : machine.error().message;
  }

  test::TemporaryDirectory folder_;
};

TEST_F(SavedFiles, map_and_block_size_are_enough_and_the_rest_is_unknown) {
  write_least();
  const auto machine = read();
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  EXPECT_EQ(machine->block_size, 128 * kMiB);
  EXPECT_EQ(machine->affinity_state, TableState::unknown);
  EXPECT_FALSE(machine->firmware_map || machine->boot || machine->blocks || machine->command_line);
  EXPECT_THAT(machine->unknown,
              testing::UnorderedElementsAre(HasSubstr("firmware memory map"), HasSubstr("no memory blocks"),
                                            HasSubstr("command line"), HasSubstr("boot parameters"),
                                            HasSubstr("ACPI tables")));
}

TEST_F(SavedFiles, missing_ones_are_named_with_the_way_to_save_them) {
  EXPECT_THAT(failure(), AllOf(HasSubstr("/proc/iomem is missing"), HasSubstr("warmdump plan --save"),
                               HasSubstr("cat /proc/iomem > DIR/iomem")));
  write("iomem", kIomem);
  EXPECT_THAT(failure(), HasSubstr("cat /sys/devices/system/memory/block_size_bytes > DIR/block_size_bytes"));
  EXPECT_TRUE(read_machine(files(), 128 * kMiB).has_value()) << "what the caller knows need not be saved";
}

TEST_F(SavedFiles, block_size_is_also_told_by_lsmem) {
  write("iomem", kIomem);
  write("lsmem",
        "RANGE SIZE STATE REMOVABLE BLOCK\n0x00000000-0x7fffffff 2G online yes 0\n\n"
        "Memory block size:         2G\nTotal online memory:       2G\n");
  const auto machine = read();
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  EXPECT_EQ(machine->block_size, 2 * kGiB);
}

TEST_F(SavedFiles, wrong_ones_are_named_with_the_line) {
  struct Wrong {
    const char* path;
    const char* text;
    const char* told;
  };
  const Wrong wrong[] = {
      {"proc/iomem", "00001000-0009ffff : System RAM\nnonsense\n", "/proc/iomem: line 2"},
      {"sys/devices/system/memory/block_size_bytes", "12345\n", "block_size_bytes: \"12345\""},
      {"memmap", "0x0-0xfff System RAM\n0x2000-0x1000 System RAM\n", "/memmap: line 2"},
      {"memmap", "0x0-0xfff\n", "/memmap: line 1"},
      {"lsmem", "RANGE STATE\n0x0-0x7ffffff online\n0x8000000 online\n", "/lsmem: line 3"},
      {"lsmem", "hello\n", "/lsmem: line 1 is not the heading"},
      {"lsmem", "{\"memory\": 3}", "no array \"memory\""},
      {"lsmem", "{\"memory\": [{\"range\": \"0x0-0xfff\"}]}", "\"memory\"[0]"},
      {"sys/firmware/memmap/0/start", "0x0\n", "/sys/firmware/memmap/0"},
      {"sys/devices/system/memory/memory3/state", "strange\n", "memory3/state: \"strange\""},
  };
  for (const Wrong& file : wrong) {
    std::filesystem::remove_all(folder_.path());
    write_least();
    write(file.path, file.text);
    EXPECT_THAT(failure(), HasSubstr(file.told)) << file.path;
  }
}

TEST_F(SavedFiles, firmware_map_is_the_same_from_sysfs_and_from_a_list) {
  write_least();
  write("memmap",
        "0x0-0x9ffff System RAM\nfec00000-fecfffff : ACPI Non-volatile Storage\n0x100000-0x7fffffff System "
        "RAM\n");
  const auto listed = read();
  ASSERT_TRUE(listed.has_value()) << listed.error().message;
  EXPECT_EQ(listed->firmware_map->entries[2].type, "ACPI Non-volatile Storage");
  EXPECT_THAT(usable_ranges(*listed->firmware_map),
              ElementsAre(AddressRange{0, 0xa0000}, AddressRange{kMiB, 0x7ff00000}));
  unsigned number = 10;
  for (const FirmwareEntry& entry : listed->firmware_map->entries) {
    const std::string place = "sys/firmware/memmap/" + std::to_string(number--) + "/";
    std::ostringstream start, end;
    start << "0x" << std::hex << entry.range.start << "\n";
    end << "0x" << std::hex << entry.range.end() - 1 << "\n";
    write(place + "start", start.str());
    write(place + "end", end.str());
    write(place + "type", entry.type + "\n");
  }
  std::filesystem::remove(folder_.file("memmap"));
  EXPECT_EQ(read()->firmware_map->entries, listed->firmware_map->entries);
}

TEST_F(SavedFiles, blocks_are_the_same_from_sysfs_and_from_lsmem) {
  write_least();
  const auto block = [this](const std::string& number, const std::string& state, const std::string& zones,
                            const std::string& node) {
    const std::string place = "sys/devices/system/memory/memory" + number + "/";
    write(place + "state", state + "\n");
    write(place + "valid_zones", zones + "\n");
    write(place + node + "/x", "");
  };
  block("0", "online", "none", "node0");
  block("1", "online", "DMA32", "node0");
  block("2", "online", "DMA32", "node0");
  block("10", "offline", "Normal Movable", "node1");
  block("11", "online", "Movable Normal", "node1");
  const auto machine = read();
  ASSERT_TRUE(machine.has_value()) << machine.error().message;
  const std::vector<MemoryBlocks> expected = {{{0, 128 * kMiB}, true, "none", 0},
                                              {{128 * kMiB, 256 * kMiB}, true, "DMA32", 0},
                                              {{1280 * kMiB, 128 * kMiB}, false, "", 1},
                                              {{1408 * kMiB, 128 * kMiB}, true, "Movable", 1}};
  EXPECT_EQ(*machine->blocks, expected);
  const std::string listing = print_lsmem(*machine->blocks, machine->block_size);
  const auto again = parse_lsmem(listing);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, expected) << listing;
  EXPECT_EQ(block_size_of_lsmem(listing), 128 * kMiB);
  EXPECT_EQ(node_of(*machine, {0, 384 * kMiB}), 0U);
  EXPECT_EQ(node_of(*machine, {0, 1500 * kMiB}), std::nullopt) << "on two nodes";
}

TEST_F(SavedFiles, a_broken_affinity_table_makes_it_unknown) {
  write_least();
  write("sys/firmware/acpi/tables/SRAT", "SRAT but too short");
  const auto machine = read();
  ASSERT_TRUE(machine.has_value());
  EXPECT_EQ(machine->affinity_state, TableState::unknown);
  EXPECT_THAT(machine->unknown, testing::Contains(HasSubstr("SRAT cannot be read")));
}

TEST_F(SavedFiles, an_affinity_table_is_absent_where_others_are_and_where_it_is_switched_off) {
  write_least();
  write("sys/firmware/acpi/tables/APIC", "x");
  EXPECT_EQ(read()->affinity_state, TableState::absent);
  const auto srat =
      read_whole_file(WARMDUMP_TEST_MACHINES "/server-two-nodes/sys/firmware/acpi/tables/SRAT", kMiB);
  write("sys/firmware/acpi/tables/SRAT", *srat);
  EXPECT_EQ(read()->affinity_state, TableState::present);
  write("proc/cmdline", "quiet numa=off\n");
  EXPECT_EQ(read()->affinity_state, TableState::absent);
}

TEST_F(SavedFiles, of_kernel_symbols_only_names_are_saved) {
  write_least();
  write("proc/kallsyms",
        "ffffffff81000000 T _stext\nffffffff8210abcd T parse_crashkernel_high\n"
        "ffffffffc0000000 t x_crashkernel\t[module]\n");
  const test::TemporaryDirectory parent;
  ASSERT_TRUE(save_machine(files(), parent.file("copy")).has_value());
  EXPECT_EQ(*MachineFiles(parent.file("copy")).read("/proc/kallsyms"),
            "0000000000000000 T parse_crashkernel_high\n");
}

TEST_F(SavedFiles, a_folder_in_use_is_not_overwritten) {
  write_least();
  const auto saved = save_machine(files(), folder_.path());
  ASSERT_FALSE(saved.has_value());
  EXPECT_EQ(saved.error().code, ErrorCode::refused);
}

TEST(MemoryAffinityTable, tells_domains_and_plugs) {
  const auto table =
      read_whole_file(WARMDUMP_TEST_MACHINES "/server-hot-plug-node/sys/firmware/acpi/tables/SRAT", kMiB);
  const auto ranges = parse_memory_affinity(*table);
  ASSERT_TRUE(ranges.has_value()) << ranges.error().message;
  EXPECT_THAT(*ranges, ElementsAre(AffinityRange{{0, 2 * kGiB}, 0, false},
                                   AffinityRange{{4 * kGiB, 30 * kGiB}, 0, false},
                                   AffinityRange{{34 * kGiB, 128 * kGiB}, 1, true}));
}

// Every cut of a real table, and every byte of it wrong: an answer or a failure, never more.
TEST(MemoryAffinityTable, survives_damage) {
  const auto table =
      read_whole_file(WARMDUMP_TEST_MACHINES "/server-two-nodes/sys/firmware/acpi/tables/SRAT", kMiB);
  for (std::size_t size = 0; size < table->size(); ++size) {
    EXPECT_FALSE(parse_memory_affinity(std::string_view(*table).substr(0, size)).has_value()) << size;
  }
  for (std::size_t at = 0; at < table->size(); ++at) {
    for (const char value : {'\0', '\1', '\x7f', '\xff'}) {
      std::string damaged = *table;
      damaged[at] = value;
      const auto ranges = parse_memory_affinity(damaged);
      EXPECT_TRUE(ranges.has_value() || ranges.error().code == ErrorCode::corrupt) << at;
    }
  }
}

TEST(BootParametersPage, tells_ram_initrd_and_efi) {
  const auto page =
      read_whole_file(WARMDUMP_TEST_MACHINES "/server-two-nodes/sys/kernel/boot_params/data", kMiB);
  const auto boot = parse_boot_parameters(*page);
  ASSERT_TRUE(boot.has_value()) << boot.error().message;
  EXPECT_TRUE(boot->ram_complete);
  EXPECT_TRUE(boot->efi);
  EXPECT_THAT(boot->ram, ElementsAre(AddressRange{0, 0xa0000}, AddressRange{kMiB, 0x6a700000},
                                     AddressRange{4 * kGiB, 126 * kGiB}));
  EXPECT_EQ(boot->initrd, (AddressRange{0x2f1c4000, 0x34bf4000 - 0x2f1c4000}));
  EXPECT_FALSE(parse_boot_parameters("").has_value());
  EXPECT_FALSE(parse_boot_parameters(std::string(4096, '\0')).has_value());
  std::string full = *page;
  full[0x1e8] = '\x80';
  EXPECT_FALSE(parse_boot_parameters(full)->ram_complete) << "the rest of 128 and more is elsewhere";
  full[0x1e8] = '\xff';
  EXPECT_FALSE(parse_boot_parameters(full).has_value());
}

TEST(MemoryOptions, are_found_on_the_command_line) {
  const MemoryOptions none = memory_options_of("ro quiet root=/dev/mem=1");
  EXPECT_FALSE(none.movable_node || none.movable_split || none.affinity_ignored || none.no_randomisation);
  const MemoryOptions all = memory_options_of(
      "memmap=1M$0x7c000000,514M!0x1ffe00000 memmap=exactmap memmap=64K@0 memmap=1M#4G "
      "movable_node kernelcore=4G mem=8G numa=off nokaslr -- memmap=1M!0");
  EXPECT_EQ(all.memmap_items, 3U) << "what is after -- is for init; exactmap and RAM do not count";
  EXPECT_TRUE(all.movable_node && all.movable_split && all.affinity_ignored && all.no_randomisation);
}

TEST(NumberList, is_as_the_kernel_prints_it) {
  EXPECT_EQ(*parse_number_list("0"), std::vector<unsigned>{0});
  EXPECT_EQ(*parse_number_list("0-2,5"), (std::vector<unsigned>{0, 1, 2, 5}));
  for (const char* text : {"", "x", "2-1", "0-", "0-99999999999"})
    EXPECT_FALSE(parse_number_list(text)) << text;
}

}  // namespace
}  // namespace warmdump
