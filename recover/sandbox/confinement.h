// What a process that reads a dump gives up, in one call: other files, other users' rights, the network,
// system calls, memory. The walls stand behind each other: what one lets through the next one stops.
//
//   wall                  where it comes from               without root
//   -------------------   -------------------------------   ---------------
//   no other descriptor   close_range(2)                    holds
//   no environment        clearenv(3)                       holds
//   limits                setrlimit(2), see below           holds
//   no network            network namespace of its own      with a user namespace; by system calls
//   one directory         chroot(2), Landlock               Landlock; chroot(2) with a user namespace
//   user, capabilities    setresuid(2), capset(2)           holds: no root
//   no new privileges     prctl(2)                          holds
//   system calls          seccomp(2), syscall_filter.h      holds

#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/units.h"
#include "recover/sandbox/reader_user.h"

namespace warmdump {

// No honest file is larger: a sparse core is as long as physical memory is high, and file systems end here.
inline constexpr ByteCount kFileSizeMax = 16 * 1024 * kGiB;

struct Confinement {
  std::optional<ReaderUser> user;   // whom to become; empty: stay, as who is not root must
  std::filesystem::path directory;  // the one it keeps; belongs to `user`. Empty: it keeps none
  std::vector<int> descriptors;     // that stay open; 0, 1 and 2 become /dev/null
  ByteCount memory_max = 4 * kGiB;  // of address space, threads and C library not counted
};

struct Confined {
  std::filesystem::path directory;   // the name that `directory` has now; empty like it
  std::vector<std::string> missing;  // walls that this system does not have, each with its reason
};

// Confines the calling process, which has one thread, for ever. A wall that cannot be had is left out.
Confined confine(const Confinement& confinement);

}  // namespace warmdump
