#include "common/kernel/vmcoreinfo.h"

#include <gmock/gmock.h>

#include <cstring>
#include <memory>
#include <string>

namespace warmdump {
namespace {

using testing::Optional;

constexpr const char* kDebian61 =
    "OSRELEASE=6.1.0-18-amd64\n"
    "BUILD-ID=0123abcd\n"
    "PAGESIZE=4096\n"
    "SYMBOL(init_uts_ns)=ffffffff82a1b2c0\n"
    "SYMBOL(init_top_pgt)=ffffffff8280a000\n"
    "SIZE(page)=64\n"
    "OFFSET(page.flags)=0\n"
    "OFFSET(page.lru)=8\n"
    "LENGTH(mem_section)=2048\n"
    "NUMBER(phys_base)=-1048576\n"
    "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
    "NUMBER(PHYS_OFFSET)=0xffff800000000000\n"
    "KERNELOFFSET=1a000000\n"
    "CONFIG_X86_PAE=y\n"
    "CRASHTIME=1700000000";

TEST(Vmcoreinfo, ReadsEveryKindOfLine) {
  const Vmcoreinfo info(kDebian61);
  EXPECT_THAT(info.text("OSRELEASE"), Optional(std::string_view("6.1.0-18-amd64")));
  EXPECT_THAT(info.symbol("init_top_pgt"), Optional(0xffffffff8280a000));
  EXPECT_THAT(info.size("page"), Optional(64));
  EXPECT_THAT(info.offset("page.flags"), Optional(0));
  EXPECT_THAT(info.offset("page.lru"), Optional(8));
  EXPECT_THAT(info.length("mem_section"), Optional(2048));
  EXPECT_THAT(info.number("phys_base"), Optional(-1048576));
  EXPECT_THAT(info.number("PAGE_BUDDY_MAPCOUNT_VALUE"), Optional(-129));
  EXPECT_THAT(info.number("PHYS_OFFSET"), Optional(static_cast<std::int64_t>(0xffff800000000000)));
  EXPECT_THAT(info.hexadecimal("KERNELOFFSET"), Optional(0x1a000000));
  EXPECT_THAT(info.decimal("CRASHTIME"), Optional(1700000000));
  EXPECT_THAT(info.page_size(), Optional(4096));
}

TEST(Vmcoreinfo, KeysMatchAsAWhole) {
  const Vmcoreinfo info(kDebian61);
  EXPECT_EQ(info.offset("page.flag"), std::nullopt);
  EXPECT_EQ(info.offset("age.flags"), std::nullopt);
  EXPECT_EQ(info.size("page.flags"), std::nullopt);
  EXPECT_EQ(info.text("OSRELEAS"), std::nullopt);
  EXPECT_EQ(info.text(""), std::nullopt);
  EXPECT_EQ(info.symbol(""), std::nullopt);
}

TEST(Vmcoreinfo, FirstOfTwoEqualKeysCounts) {
  EXPECT_THAT(Vmcoreinfo("SIZE(page)=64\nSIZE(page)=56\n").size("page"), Optional(64));
}

TEST(Vmcoreinfo, ValuesThatAreNoNumbersAreAbsent) {
  for (const char* value : {"", "x", "12x", "-", "--1", "0x", " 1", "18446744073709551616", "+1"}) {
    const std::string text = "SIZE(a)=" + std::string(value) + "\nNUMBER(a)=" + value + "\nPAGESIZE=" + value;
    const Vmcoreinfo info(text);
    EXPECT_EQ(info.size("a"), std::nullopt) << value;
    EXPECT_EQ(info.number("a"), std::nullopt) << value;
    EXPECT_EQ(info.page_size(), std::nullopt) << value;
  }
  EXPECT_EQ(Vmcoreinfo("SYMBOL(a)=10000000000000000").symbol("a"), std::nullopt);
  EXPECT_EQ(Vmcoreinfo("NUMBER(a)=9223372036854775808").number("a"), std::nullopt);
  EXPECT_THAT(Vmcoreinfo("NUMBER(a)=-9223372036854775808").number("a"), Optional(INT64_MIN));
  EXPECT_EQ(Vmcoreinfo("PAGESIZE=0").page_size(), std::nullopt);
  EXPECT_EQ(Vmcoreinfo("PAGESIZE=4095").page_size(), std::nullopt);
}

TEST(Vmcoreinfo, GarbageLinesAreSkipped) {
  const std::string text =
      std::string("\n=\n()\nSIZE\nSIZE(\nSIZE(page\nSIZE(page)\nSIZE(page)64\n\xff\x01\n") +
      "SIZE(page)=64\n";
  EXPECT_THAT(Vmcoreinfo(text).size("page"), Optional(64));
}

TEST(Vmcoreinfo, ZeroByteEndsTheText) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Vmcoreinfo("SIZE(a)=1\n\0SIZE(b)=2\n"sv).size("b"), std::nullopt);
  EXPECT_THAT(Vmcoreinfo("SIZE(a)=1\0"sv).size("a"), Optional(1));
}

// The copies are exact allocations, so that a sanitizer sees any read behind the text.
TEST(Vmcoreinfo, EveryPrefixIsReadWithinItsBounds) {
  const std::string_view whole = kDebian61;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), whole.data(), size);
    const Vmcoreinfo info(std::string_view(copy.get(), size));
    for (const char* name : {"page", "page.flags", "phys_base", "OSRELEASE", "PAGESIZE"}) {
      info.size(name);
      info.number(name);
      info.text(name);
    }
    const auto page_size = info.size("page");
    EXPECT_TRUE(!page_size || *page_size == 64 || *page_size == 6) << size;
  }
}

}  // namespace
}  // namespace warmdump
