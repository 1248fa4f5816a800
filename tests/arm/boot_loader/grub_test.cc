#include "arm/boot_loader/grub.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arm/machine/command_line.h"
#include "tests/arm/boot_loader/machine_tree.h"

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

constexpr const char* kPlain =
    "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n";

// What a shell makes of the settings, as grub-mkconfig reads them: GRUB_CMDLINE_LINUX.
std::string sourced(const MachineTree& tree) {
  const auto result =
      system_command_runner().run({"/bin/sh", "-c",
                                   "set -e; . $0/etc/default/grub; for x in $0/etc/default/grub.d/*.cfg; do "
                                   "if [ -e \"$x\" ]; then . \"$x\"; fi; "
                                   "done; printf '%s' \"$GRUB_CMDLINE_LINUX\"",
                                   tree.root()},
                                  20);
  return result.has_value() ? result->output : result.error().message;
}

struct Settings {
  const char* name;
  const char* text;
  const char* expected;  // of GRUB_CMDLINE_LINUX with our words, %s for them
};

class EverySetting : public testing::TestWithParam<Settings> {};

INSTANTIATE_TEST_SUITE_P(
    Grub, EverySetting,
    testing::Values(Settings{"Plain", kPlain, "%s"}, Settings{"Unset", "GRUB_DEFAULT=0\n", "%s"},
                    Settings{"Empty", "", "%s"},
                    Settings{"Filled", "GRUB_CMDLINE_LINUX='console=ttyS0'\n", "console=ttyS0 %s"},
                    Settings{"Quotes", "GRUB_CMDLINE_LINUX=\"dyndbg=\\\"file x +p\\\" a='b'\"\n",
                             "dyndbg=\"file x +p\" a='b' %s"},
                    Settings{"Continuation", "GRUB_CMDLINE_LINUX=\"a \\\nb\"\n", "a b %s"},
                    Settings{"OpenContinuation", "GRUB_CMDLINE_LINUX=a\\\n", "a %s"},
                    Settings{"ContinuedComment", "GRUB_CMDLINE_LINUX=a\n# comment \\\n", "a %s"},
                    Settings{"NoLineEnd", "GRUB_CMDLINE_LINUX=a", "a %s"},
                    Settings{"CommentedOut", "#GRUB_CMDLINE_LINUX=b\nGRUB_CMDLINE_LINUX=a # end\n", "a %s"},
                    Settings{"Computed", "x=1\nGRUB_CMDLINE_LINUX=\"a=$((x+1)) $(echo b)\"\n", "a=2 b %s"},
                    Settings{"Prints", "echo hello\nGRUB_CMDLINE_LINUX=a\n", "a %s"}),
    [](const auto& chosen) { return chosen.param.name; });

TEST_P(EverySetting, is_given_the_words_once_and_gets_its_old_bytes_back) {
  for (const bool drop_ins : {true, false}) {
    MachineTree tree;
    tree.write(kGrubDefaults, GetParam().text);
    if (drop_ins) tree.write("/etc/default/grub.d/50-admin.cfg", "GRUB_TIMEOUT=1\n");
    const auto before = tree.snapshot();
    const std::string old_words = sourced(tree);
    NotingRunner runner;
    const auto loader = make_grub(tree.files(), runner);
    for (const auto& words : {kWords, kWords, kOtherWords, kWords}) {
      const auto change = change_now(*loader, words, tree, runner);
      ASSERT_TRUE(change.has_value()) << change.error().message;
    }
    std::string expected = GetParam().expected;
    expected.replace(expected.find("%s"), 2, "memmap=514M!0x10fe00000 crashkernel=96M");
    const std::string line = sourced(tree);
    EXPECT_EQ(line.substr(line.starts_with("hello\n") ? 6 : 0), expected);
    EXPECT_TRUE(loader->change(kWords)->files.empty()) << "the second time nothing is left to do";
    EXPECT_THAT(*loader->admins_command_line(), testing::Not(HasSubstr("memmap=")));
    EXPECT_EQ(tree.snapshot().count(kGrubDropIn), drop_ins ? 1U : 0U);
    ASSERT_TRUE(change_now(*loader, {}, tree, runner).has_value());
    EXPECT_EQ(tree.snapshot(), before);
    EXPECT_EQ(sourced(tree), old_words);
    EXPECT_TRUE(loader->change({})->files.empty());
  }
}

TEST(Grub, words_of_the_admin_are_not_given_twice) {
  MachineTree tree;
  tree.write(kGrubDefaults, "GRUB_CMDLINE_LINUX='memmap=514M!0x10fe00000 memmap=1M$0x1000'\n");
  tree.make_folder("/etc/default/grub.d");
  NotingRunner runner;
  const auto loader = make_grub(tree.files(), runner);
  ASSERT_TRUE(change_now(*loader, kWords, tree, runner).has_value());
  EXPECT_EQ(sourced(tree), "memmap=514M!0x10fe00000 memmap=1M$0x1000 crashkernel=96M");
  EXPECT_TRUE(loader->change({kWords[0]})->files[0].after == std::nullopt)
      << "nothing of ours is left in the file";
}

TEST(Grub, runs_what_makes_the_menu) {
  struct Case {
    std::vector<const char*> files;
    std::vector<std::vector<std::string>> commands;
  };
  const Case cases[] = {
      {{"/usr/sbin/update-grub", "/usr/sbin/grub-mkconfig", "/boot/grub/grub.cfg"},
       {{"/usr/sbin/update-grub"}}},
      {{"/usr/sbin/grub2-mkconfig", "/boot/grub2/grub.cfg"},
       {{"/usr/sbin/grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"}}},
      {{"/usr/sbin/grub-mkconfig", "/boot/grub/grub.cfg"},
       {{"/usr/sbin/grub-mkconfig", "-o", "/boot/grub/grub.cfg"}}},
      {{}, {}},
  };
  for (const Case& one : cases) {
    MachineTree tree;
    tree.write(kGrubDefaults, kPlain);
    for (const char* file : one.files) tree.write(file, "");
    NotingRunner runner;
    const auto loader = make_grub(tree.files(), runner);
    const auto change = change_now(*loader, kWords, tree, runner);
    ASSERT_TRUE(change.has_value());
    EXPECT_EQ(runner.commands, one.commands);
    EXPECT_EQ(change->notes.empty(), !one.commands.empty());
    ASSERT_TRUE(change_now(*loader, kWords, tree, runner).has_value());
    EXPECT_EQ(runner.commands, one.commands) << "not again when nothing changed";
  }
}

TEST(Grub, a_failing_command_is_told_and_the_files_stay) {
  MachineTree tree;
  tree.write(kGrubDefaults, kPlain);
  tree.write("/usr/sbin/update-grub", "");
  NotingRunner runner;
  runner.exit_code = 3;
  const auto loader = make_grub(tree.files(), runner);
  const auto result = change_now(*loader, kWords, tree, runner);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("\"/usr/sbin/update-grub\" ended with exit code 3"));
  EXPECT_THAT(tree.read(kGrubDefaults), HasSubstr("memmap="));
}

TEST(Grub, what_is_not_read_back_is_put_back) {
  MachineTree tree;
  tree.write(kGrubDefaults, kPlain);
  tree.write("/etc/default/grub.d/90-late.cfg", "GRUB_CMDLINE_LINUX=mine\n");
  const auto before = tree.snapshot();
  NotingRunner runner;
  const auto loader = make_grub(tree.files(), runner);
  const auto result = change_now(*loader, kWords, tree, runner);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("sets it anew behind ours"));
  EXPECT_EQ(tree.snapshot(), before);
}

TEST(Grub, broken_settings_are_refused_and_left_alone) {
  for (const char* text :
       {"GRUB_CMDLINE_LINUX='open\n", "exit 0\n", "if true\n", "GRUB_CMDLINE_LINUX=\"a\"\r\nif\r\n"}) {
    MachineTree tree;
    tree.write(kGrubDefaults, text);
    const auto before = tree.snapshot();
    NotingRunner runner;
    const auto change = make_grub(tree.files(), runner)->change(kWords);
    ASSERT_FALSE(change.has_value()) << text;
    EXPECT_THAT(change.error().message, HasSubstr("/etc/default/grub"));
    EXPECT_EQ(tree.snapshot(), before);
  }
}

TEST(Grub, line_ends_of_another_system_stay) {
  MachineTree tree;
  tree.write(kGrubDefaults, "GRUB_CMDLINE_LINUX=\"a\"\r\nGRUB_TIMEOUT=5\r\n");
  const auto before = tree.snapshot();
  NotingRunner runner;
  const auto loader = make_grub(tree.files(), runner);
  ASSERT_TRUE(change_now(*loader, kWords, tree, runner).has_value());
  EXPECT_EQ(sourced(tree), "a\r memmap=514M!0x10fe00000 crashkernel=96M") << "the \\r is the admin's";
  ASSERT_TRUE(change_now(*loader, {}, tree, runner).has_value());
  EXPECT_EQ(tree.snapshot(), before);
}

TEST(Grub, a_crashkernel_that_comes_behind_ours_is_told) {
  MachineTree tree;
  tree.write(kGrubDefaults, "GRUB_CMDLINE_LINUX_DEFAULT='quiet crashkernel=64M'\n");
  NotingRunner runner;
  EXPECT_THAT(make_grub(tree.files(), runner)->change(kWords)->notes,
              testing::Contains(HasSubstr("comes last and wins")));
  EXPECT_THAT(make_grub(tree.files(), runner)->change({kWords[0]})->notes,
              testing::Not(testing::Contains(HasSubstr("comes last and wins"))));
}

TEST(Grub, grubby_is_left_to_the_admin) {
  MachineTree tree;
  tree.write(kGrubDefaults, "GRUB_ENABLE_BLSCFG=true\n");
  tree.write("/usr/sbin/grubby", "");
  NotingRunner runner;
  const auto change = make_grub(tree.files(), runner)->change(kWords);
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->files.empty());
  EXPECT_THAT(change->notes, ElementsAre(HasSubstr("--args='memmap=514M!0x10fe00000 crashkernel=96M'")));
}

TEST(Grub, permissions_and_links_are_kept) {
  MachineTree tree;
  tree.write("/etc/real-grub", kPlain);
  ASSERT_EQ(::chmod((tree.root() + "/etc/real-grub").c_str(), 0640), 0);
  tree.make_folder("/etc/default");
  ASSERT_EQ(::symlink("../real-grub", (tree.root() + kGrubDefaults).c_str()), 0);
  NotingRunner runner;
  ASSERT_TRUE(change_now(*make_grub(tree.files(), runner), kWords, tree, runner).has_value());
  struct stat status = {};
  ASSERT_EQ(::lstat((tree.root() + kGrubDefaults).c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  ASSERT_EQ(::stat((tree.root() + "/etc/real-grub").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  EXPECT_THAT(tree.read("/etc/real-grub"), HasSubstr("memmap="));
}

TEST(Grub, entries_of_the_menu) {
  const auto entries = entries_of_grub_menu(
      "### BEGIN /etc/grub.d/10_linux ###\n"
      "menuentry 'Debian GNU/Linux' --class debian {\n\tlinux\t/boot/vmlinuz-6.1 root=UUID=x ro  quiet\n"
      "\tinitrd\t/boot/initrd.img\n}\nsubmenu 'Advanced' {\n\tmenuentry \"Debian (recovery mode)\" {\n"
      "\t\tlinux\t/boot/vmlinuz-6.1 root=UUID=x ro single\n\t}\n}\n### END /etc/grub.d/10_linux ###\n"
      "### BEGIN /etc/grub.d/30_os-prober ###\nmenuentry 'Other' {\n linux /vmlinuz root=/dev/sdb1\n}\n"
      "### END /etc/grub.d/30_os-prober ###\n");
  ASSERT_EQ(entries.size(), 2U) << "not those of another system";
  EXPECT_EQ(entries[0].name, "Debian GNU/Linux");
  EXPECT_EQ(entries[0].command_line, "root=UUID=x ro  quiet");
  EXPECT_EQ(entries[1].name, "Debian (recovery mode)");
  EXPECT_EQ(entries_of_grub_menu("menuentry 'Mine' {\nlinux /k a=b\n}\n").size(), 1U) << "written by hand";
  EXPECT_THAT(entries_of_grub_menu("linux\nlinux \nlinux /k\n"), testing::SizeIs(3));
  EXPECT_THAT(entries_of_grub_menu(""), IsEmpty());
}

// The real grub-mkconfig and 10_linux of Debian, in a folder of their own. Only grub-probe, which looks at
// disks, is another.
TEST(Grub, the_real_grub_mkconfig_puts_the_words_into_every_entry) {
  if (!std::filesystem::exists("/usr/sbin/grub-mkconfig") ||
      !std::filesystem::exists("/etc/grub.d/10_linux")) {
    GTEST_SKIP() << "grub-common is not installed; scripts/install-deps installs it";
  }
  MachineTree tree;
  tree.write(kGrubDefaults,
             "GRUB_DEFAULT=0\nGRUB_DISTRIBUTOR=Debian\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
             "GRUB_CMDLINE_LINUX=\"console=ttyS0 dyndbg=\\\"file x +p\\\"\"\n");
  tree.make_folder("/etc/default/grub.d");
  tree.write("/boot/vmlinuz-6.1.0-1-amd64", "x");
  tree.write("/boot/initrd.img-6.1.0-1-amd64", "x");
  tree.write(
      "/probe",
      "#!/bin/sh\ncase \"$*\" in\n*--target=device*) echo /dev/vda1 ;;\n*--target=fs_uuid*) echo 1-2 ;;\n"
      "*--target=fs*) echo ext2 ;;\nesac\n");
  ASSERT_EQ(::chmod((tree.root() + "/probe").c_str(), 0755), 0);
  NotingRunner runner;
  const auto loader = make_grub(tree.files(), runner);
  ASSERT_TRUE(change_now(*loader, kWords, tree, runner).has_value());
  tree.make_folder("/etc/grub.d");
  tree.make_folder("/boot/grub");
  const auto made = system_command_runner().run(
      {"/bin/sh", "-c",
       "exec 2>$0/log; cd $0; sed \"s#^sysconfdir=.*#sysconfdir=$0/etc#; "
       "s#^grub_probe=.*#grub_probe=$0/probe#\" "
       "/usr/sbin/grub-mkconfig > mkconfig; sed \"s#/boot/vmlinuz-\\*#$0/boot/vmlinuz-*#g\" "
       "/etc/grub.d/10_linux > "
       "etc/grub.d/10_linux; chmod +x etc/grub.d/10_linux; EUID=0 sh mkconfig -o $0/boot/grub/grub.cfg",
       tree.root()},
      60);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(made->exit_code, 0) << tree.read("/log");
  const auto entries = loader->next_entries();
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 3U) << "usual, the same again in the submenu, recovery\n"
                                 << tree.read("/boot/grub/grub.cfg");
  unsigned recovery = 0;
  for (const BootEntry& entry : *entries) {
    EXPECT_THAT(entry.command_line, HasSubstr(" console=ttyS0 dyndbg=\"file x +p\" ")) << entry.name;
    const auto words = command_line_options(entry.command_line);
    for (const std::string& word : kWords)
      EXPECT_EQ(std::count(words.begin(), words.end(), word), 1) << entry.name;
    recovery += std::count(words.begin(), words.end(), "single") > 0 ? 1U : 0U;
  }
  EXPECT_EQ(recovery, 1U);
}

}  // namespace
}  // namespace warmdump
