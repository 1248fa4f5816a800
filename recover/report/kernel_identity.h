// KernelIdentity: which kernel crashed, in the words of uname(2).

#pragma once

#include <array>
#include <string>

#include "recover/dump/dump_reader.h"

namespace warmdump {

struct KernelIdentity {
  // Longest text of each: one less than the kernel's __NEW_UTS_LEN + 1.
  static constexpr std::size_t kFieldSize = 65;

  std::string system_name = "Linux";
  std::string node_name;
  std::string release;
  std::string version;
  std::string machine = "x86_64";
  std::string domain_name;
};

// From the kernel's init_uts_ns if its page is in the dump, else release alone from VMCOREINFO. What is not
// known stays as above. Errors: reading the region failed.
Outcome<KernelIdentity> read_kernel_identity(const DumpReader& dump);

}  // namespace warmdump
