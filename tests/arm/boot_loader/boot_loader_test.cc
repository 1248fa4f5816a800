// systemd-boot, plain files, the choice between loaders, and drift.

#include "arm/boot_loader/boot_loader.h"

#include <gmock/gmock.h>

#include <random>

#include "arm/boot_loader/boot_drift.h"
#include "arm/boot_loader/boot_words.h"
#include "arm/boot_loader/marked_block.h"
#include "arm/boot_loader/options_file.h"
#include "arm/boot_loader/systemd_boot.h"
#include "tests/arm/boot_loader/machine_tree.h"
#include "tests/arm/machines.h"

namespace warmdump {
namespace {

using test::change_now;
using test::MachineTree;
using test::NotingRunner;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kWords = {"memmap=514M!0x10fe00000", "crashkernel=96M"};
const std::vector<std::string> kOtherWords = {"memmap=258M!0x107e00000"};

TEST(BootWords, come_and_go_without_a_trace) {
  for (const char* text :
       {"", "\n", "quiet", "quiet\n", "quiet \n", "root=/dev/sda1  quiet\r\n", " quiet",
        "dyndbg=\"a b\" x='y'\n", "memmap=1M$0x1000\n", "xwarmdump.begin warmdump.endx\n"}) {
    const auto with = with_our_words(text, kWords);
    ASSERT_TRUE(with.has_value());
    EXPECT_EQ(our_words(*with), kWords) << *with;
    EXPECT_EQ(*with_our_words(*with, kWords), *with);
    const auto other = with_our_words(*with, kOtherWords);
    EXPECT_EQ(our_words(*other), kOtherWords);
    EXPECT_EQ(*with_our_words(*other, {}), text);
    EXPECT_EQ(*with_our_words(*with, {}), text);
    EXPECT_EQ(with->find('\n') == std::string::npos,
              std::string_view(text).find('\n') == std::string_view::npos);
  }
  EXPECT_EQ(*with_our_words("a warmdump.begin x warmdump.end b\n", kOtherWords),
            "a warmdump.begin memmap=258M!0x107e00000 warmdump.end b\n");
}

TEST(BootWords, broken_marks_are_refused) {
  for (const char* text : {"warmdump.begin a", "a warmdump.end", "warmdump.end warmdump.begin",
                           "warmdump.begin warmdump.end warmdump.begin warmdump.end", "a\nb\n"}) {
    EXPECT_EQ(with_our_words(text, kWords).error().code, ErrorCode::invalid) << text;
    EXPECT_THAT(our_words(text), IsEmpty());
  }
}

TEST(MarkedBlock, comes_and_goes_without_a_trace) {
  std::mt19937_64 random(3);
  constexpr std::string_view kPieces[] = {"a=b",  "\n", "\\\n", "\\",   "# c",
                                          "\r\n", "'",  "\"",   "\n\n", "# warmdump end"};
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 6; n > 0; --n) text += kPieces[random() % 9];
    const auto with = with_marked_block(text, "x\n");
    ASSERT_TRUE(with.has_value()) << text;
    EXPECT_EQ(marked_block(*with), "x\n");
    EXPECT_EQ(*with_marked_block(*with, "x\n"), *with);
    EXPECT_EQ(marked_block(*with_marked_block(*with, "y\n")), "y\n");
    EXPECT_EQ(*with_marked_block(*with_marked_block(*with, "y\n"), ""), text);
  }
  EXPECT_FALSE(with_marked_block("# warmdump end\n", "x\n").has_value());
  const std::string with = *with_marked_block("a\n", "x\n");
  EXPECT_FALSE(with_marked_block(with.substr(0, with.size() - 5), "x\n").has_value());
}

TEST(UnifiedDiff, shows_what_changes_and_nothing_else) {
  EXPECT_EQ(unified_diff({"/f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n"}),
            "--- /f\n+++ /f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n");
  EXPECT_EQ(unified_diff({"/f", std::nullopt, "a\n"}), "--- /dev/null\n+++ /f\n@@ -0,0 +1 @@\n+a\n");
  EXPECT_EQ(unified_diff({"/f", "a", std::nullopt}),
            "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n");
  EXPECT_EQ(unified_diff({"/f", "a", "a"}), "");
}

TEST(FileChange, is_refused_when_the_file_has_changed) {
  MachineTree tree;
  tree.write("/f", "new");
  const auto result = apply_change(tree.files(), {"/f", "old", "x"});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::busy);
  EXPECT_EQ(tree.read("/f"), "new");
  EXPECT_EQ(apply_change(tree.files(), {"/none/f", std::nullopt, "x"}).error().code, ErrorCode::not_found);
}

TEST(OptionsFile, is_made_changed_and_restored) {
  for (const std::optional<std::string>& text :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("\n"),
        std::optional<std::string>("quiet"), std::optional<std::string>("root=x quiet\n")}) {
    MachineTree tree;
    tree.make_folder("/image");
    if (text) tree.write("/image/options", *text);
    const auto before = tree.snapshot();
    NotingRunner runner;
    const auto loader = make_options_file(tree.files(), "/image/options");
    for (const auto& words : {kWords, kOtherWords, kWords}) {
      ASSERT_TRUE(change_now(*loader, words, tree, runner).has_value());
    }
    EXPECT_TRUE(loader->change(kWords)->files.empty());
    EXPECT_EQ(our_words((*loader->next_entries())[0].command_line), kWords);
    ASSERT_TRUE(change_now(*loader, {}, tree, runner).has_value());
    EXPECT_EQ(tree.snapshot(), before);
    EXPECT_THAT(runner.commands, IsEmpty());
  }
}

TEST(OptionsFile, words_of_the_admin_are_not_given_twice) {
  MachineTree tree;
  tree.write("/options", "memmap=514M!0x10fe00000 quiet\n");
  NotingRunner runner;
  ASSERT_TRUE(change_now(*make_options_file(tree.files(), "/options"), kWords, tree, runner).has_value());
  EXPECT_EQ(tree.read("/options"),
            "memmap=514M!0x10fe00000 quiet warmdump.begin crashkernel=96M warmdump.end\n");
}

constexpr const char* kEntry =
    "title Debian\nversion 6.1\nlinux /a/linux\ninitrd /a/initrd\noptions root=UUID=x ro\n";

TEST(SystemdBoot, entries_get_a_line_of_their_own) {
  MachineTree tree;
  tree.write("/boot/loader/entries/a-6.1.conf", kEntry);
  tree.write("/boot/loader/entries/crlf.conf", "title T\r\nlinux /b\r\noptions\troot=y\r\noptions quiet");
  tree.write("/boot/loader/entries/tool.conf", "title Memory test\nefi /memtest.efi\n");
  tree.write("/efi/loader/entries/own.conf", "linux /c\noptions memmap=514M!0x10fe00000 crashkernel=96M\n");
  tree.write("/etc/kernel/cmdline", "root=UUID=x ro\n");
  const auto before = tree.snapshot();
  NotingRunner runner;
  const auto loader = make_systemd_boot(tree.files());
  EXPECT_EQ(*loader->admins_command_line(), "root=UUID=x ro\n");
  for (const auto& words : {kOtherWords, kWords, kWords}) {
    ASSERT_TRUE(change_now(*loader, words, tree, runner).has_value());
  }
  EXPECT_TRUE(loader->change(kWords)->files.empty());
  const auto entries = *loader->next_entries();
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[1].command_line, "root=UUID=x ro memmap=514M!0x10fe00000 crashkernel=96M");
  EXPECT_EQ(entries[2].command_line, "root=y quiet memmap=514M!0x10fe00000 crashkernel=96M");
  EXPECT_EQ(entries[3].command_line, "memmap=514M!0x10fe00000 crashkernel=96M") << "the admin's own, once";
  EXPECT_EQ(tree.snapshot().at("/boot/loader/entries/tool.conf"),
            before.at("/boot/loader/entries/tool.conf"));
  ASSERT_TRUE(change_now(*loader, {}, tree, runner).has_value());
  EXPECT_EQ(tree.snapshot(), before);
}

TEST(SystemdBoot, unified_images_are_told) {
  MachineTree tree;
  tree.write("/etc/kernel/cmdline", "quiet\n");
  tree.write("/boot/efi/EFI/Linux/debian.efi", "");
  EXPECT_THAT(make_systemd_boot(tree.files())->change(kWords)->notes,
              ElementsAre(HasSubstr("unified kernel images")));
}

TEST(BootLoader, the_one_that_is_there_is_found) {
  NotingRunner runner;
  MachineTree tree;
  const auto name_of = [&](std::string_view choice) {
    const auto loader = find_boot_loader(tree.files(), runner, choice);
    return loader.has_value() ? (*loader)->name() : loader.error().message;
  };
  EXPECT_THAT(name_of(""), HasSubstr("neither GRUB"));
  tree.write("/etc/default/grub", "");
  EXPECT_EQ(name_of(""), "GRUB");
  tree.write("/boot/loader/entries/a.conf", kEntry);
  EXPECT_THAT(name_of(""), HasSubstr("--boot-loader"));
  EXPECT_EQ(name_of("grub"), "GRUB");
  EXPECT_EQ(name_of("systemd-boot"), "systemd-boot");
  EXPECT_EQ(name_of("file:/x"), "/x");
  EXPECT_THAT(name_of("file:x"), HasSubstr("from the root"));
  EXPECT_THAT(name_of("lilo"), HasSubstr("not known"));
  std::string info = std::string("\6\0\0\0", 4);
  for (const char letter : std::string_view("systemd-boot 252")) info += {letter, '\0'};
  tree.write("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", info);
  EXPECT_EQ(name_of(""), "systemd-boot");
}

WantedOptions wanted() {
  Machine machine;
  machine.map = *parse_memory_map(machines::kVirtual4Gib);
  const AddressRange region{0x10fe00000, 514 * kMiB};
  return {region, boot_memory_of(machine, {region}), common_x86_64_rules(true)};
}

TEST(BootDrift, words_keep_the_admins_crashkernel_when_it_is_enough) {
  EXPECT_EQ(words_for(wanted(), "quiet"), kWords);
  EXPECT_EQ(words_for(wanted(), "3 quiet crashkernel=256M"), std::vector<std::string>{kWords[0]});
  EXPECT_EQ(words_for(wanted(), "crashkernel=64M"), kWords);
}

TEST(BootDrift, is_what_is_missing_or_too_much) {
  EXPECT_THAT(drift_of(wanted(), "quiet memmap=514M!0x10fe00000 crashkernel=96M"), IsEmpty());
  EXPECT_THAT(drift_of(wanted(), "memmap=0x20200000!0x10fe00000 crashkernel=1G,high"), IsEmpty())
      << "same values";
  EXPECT_THAT(drift_of(wanted(), "quiet"),
              ElementsAre(HasSubstr("memmap=514M!0x10fe00000 is missing"), HasSubstr("no crashkernel=")));
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000 crashkernel=64M"),
              ElementsAre(HasSubstr("64 MiB")));
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000 memmap=1G!0x200000000 crashkernel=96M"),
              ElementsAre(HasSubstr("memmap=1G!0x200000000 is not the planned region")));
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000 memmap=514M!0x10fe00000 crashkernel=96M"),
              ElementsAre(HasSubstr("more than once")));
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000,1M$1M,1M$3M,1M$5M,1M$7M crashkernel=96M"),
              ElementsAre(HasSubstr("5 items")));
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000,1M$1M,1M$3M,1M$5M crashkernel=96M"), IsEmpty());
  EXPECT_THAT(drift_of(wanted(), "memmap=514M!0x10fe00000 crashkernel=96M@0x110000000"),
              ElementsAre(HasSubstr("the region 0x10fe00000")));
}

}  // namespace
}  // namespace warmdump
