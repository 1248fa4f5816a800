#include "arm/estimate/live_memory.h"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>

#include "arm/estimate/page_flags.h"
#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

class LiveMemoryFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ + "/proc"); }
  void write(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(write_whole_file(root_ + path, bytes).has_value());
  }
  // A core file as fs/proc/kcore.c makes it: one piece of RAM, and one of vmalloc without physical address.
  static std::string kcore(PhysicalAddress start, const std::string& content) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    Elf64_Phdr segments[2] = {};
    segments[0].p_type = PT_LOAD;
    segments[0].p_paddr = ~Elf64_Addr{0};
    segments[0].p_memsz = 32 * kGiB;
    segments[1].p_type = PT_LOAD;
    segments[1].p_paddr = start;
    segments[1].p_memsz = content.size();
    segments[1].p_offset = sizeof header + sizeof segments;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(segments), sizeof segments);
    return bytes + content;
  }

  const test::TemporaryDirectory directory_;
  const std::string root_ = directory_.path();
};

TEST_F(LiveMemoryFiles, pages_and_their_flags_are_read) {
  const std::uint64_t flags[] = {1, 2, 3};
  write("/proc/kpageflags", {reinterpret_cast<const char*>(flags), sizeof flags});
  write("/proc/kcore", kcore(0x5000, std::string(kPageSize, 'a') + std::string(kPageSize, 'b')));
  auto memory = SystemLiveMemory::open(MachineFiles(root_));
  ASSERT_TRUE(memory.has_value()) << memory.error().message;
  EXPECT_EQ(memory->why_unreadable(), "");

  std::uint64_t read[4] = {};
  ASSERT_TRUE(memory->page_flags(1, read).has_value());
  EXPECT_EQ(read[0], 2U);
  EXPECT_EQ(read[1], 3U);
  EXPECT_EQ(read[2], flag_bit(PageFlag::no_page)) << "behind the end";
  EXPECT_EQ(read[3], flag_bit(PageFlag::no_page));

  std::byte page[kPageSize];
  EXPECT_FALSE(memory->read_page(4, page));
  ASSERT_TRUE(memory->read_page(6, page));
  EXPECT_EQ(page[0], std::byte{'b'});
  EXPECT_EQ(page[kPageSize - 1], std::byte{'b'});
  EXPECT_FALSE(memory->read_page(7, page));
}

TEST_F(LiveMemoryFiles, without_a_core_file_the_flags_still_tell) {
  write("/proc/kpageflags", std::string(64, '\0'));
  for (const char* content :
       {"", "no ELF file, but long enough to be one; it is not, and nobody reads on."}) {
    if (*content != '\0') write("/proc/kcore", content);
    const auto memory = SystemLiveMemory::open(MachineFiles(root_));
    ASSERT_TRUE(memory.has_value());
    EXPECT_THAT(memory->why_unreadable(), HasSubstr("/proc/kcore"));
  }
  write("/proc/kcore", kcore(0x5000, "").substr(0, 80));
  EXPECT_THAT(SystemLiveMemory::open(MachineFiles(root_))->why_unreadable(), HasSubstr("ends within"));
}

TEST_F(LiveMemoryFiles, without_flags_there_is_nothing_to_tell) {
  const auto memory = SystemLiveMemory::open(MachineFiles(root_));
  ASSERT_FALSE(memory.has_value());
  EXPECT_EQ(memory.error().code, ErrorCode::not_found);
  EXPECT_THAT(memory.error().message, HasSubstr("/proc/kpageflags"));
}

}  // namespace
}  // namespace warmdump
