#include "recover/report/debugger_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace warmdump {
namespace {

struct Distribution {
  std::string_view id;       // ID of os-release
  std::string_view install;  // of the kernel's debug information; {} is its release
  std::string_view vmlinux;  // where that puts it
};

// To add one: a row. The first is for kernels of systems that are not known.
constexpr Distribution kDistributions[] = {
    {"", "", "/usr/lib/debug/boot/vmlinux-{}"},
    {"debian", "apt install linux-image-{}-dbg", "/usr/lib/debug/boot/vmlinux-{}"},
    {"ubuntu", "apt install linux-image-{}-dbgsym", "/usr/lib/debug/boot/vmlinux-{}"},
    {"fedora", "dnf debuginfo-install kernel-{}", "/usr/lib/debug/lib/modules/{}/vmlinux"},
    {"rhel", "dnf debuginfo-install kernel-{}", "/usr/lib/debug/lib/modules/{}/vmlinux"},
    {"centos", "dnf debuginfo-install kernel-{}", "/usr/lib/debug/lib/modules/{}/vmlinux"},
    {"opensuse-leap", "zypper install kernel-default-debuginfo", "/usr/lib/debug/boot/vmlinux-{}.debug"},
    {"opensuse-tumbleweed", "zypper install kernel-default-debuginfo",
     "/usr/lib/debug/usr/lib/modules/{}/vmlinux.debug"},
    {"sles", "zypper install kernel-default-debuginfo", "/usr/lib/debug/boot/vmlinux-{}.debug"},
    {"arch", "", "/usr/lib/debug/usr/lib/modules/{}/build/vmlinux"},
};

bool is_plain_word(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-";
  return !text.empty() && text.size() <= 128 && text.front() != '-' &&
         text.find_first_not_of(kPlain) == std::string_view::npos;
}

std::string with_release(std::string_view text, std::string_view release) {
  return text.find("{}") == std::string_view::npos ? std::string(text)
                                                   : fmt::format(fmt::runtime(text), release);
}

}  // namespace

std::vector<DebuggerCommand> debugger_commands(const std::string& vmcore, const std::string& release,
                                               const std::string& build_id, const std::string& os_id) {
  const auto* found = std::find_if(std::begin(kDistributions) + 1, std::end(kDistributions),
                                   [&](const Distribution& row) { return row.id == os_id; });
  const Distribution& system = found == std::end(kDistributions) ? kDistributions[0] : *found;
  const bool is_known = is_plain_word(release);
  const std::string vmlinux = is_known ? with_release(system.vmlinux, release) : "path/to/vmlinux";

  std::vector<DebuggerCommand> commands;
  if (is_known && !system.install.empty())
    commands.push_back({"the debug information of this kernel", with_release(system.install, release)});
  if (is_plain_word(build_id))
    commands.push_back(
        {"or by its build id, where there is a debuginfod server", "debuginfod-find debuginfo " + build_id});
  commands.push_back({"drgn, a debugger in Python", fmt::format("drgn -c {} -s {}", vmcore, vmlinux)});
  commands.push_back({"crash, the classic", fmt::format("crash {} {}", vmlinux, vmcore)});
  commands.push_back({"this report on a terminal; the log; the picture of memory",
                      "warmdump show .\nwarmdump show --dmesg .\nwarmdump show --map ."});
  return commands;
}

}  // namespace warmdump
