// The system calls that the reader of a dump may make. Any other ends it (SECCOMP_RET_KILL_PROCESS, SIGSYS).
//
// Allowed is what reading an open file, computing with threads and writing files in its own directory takes
// with the C libraries of Debian 12 and later. Not allowed are, among others: sockets, exec, new processes,
// signals to others, ptrace, mount, links, making memory executable, shared mappings.
// With AddressSanitizer compiled in, its own calls are let through too.

#pragma once

#include "common/hosted/failure.h"

namespace warmdump {

// For this process, all threads that it will have, and for ever; sets no_new_privs. Call with one thread.
// Errors: unsupported (a kernel without seccomp filters), no_permission.
Outcome<void> load_syscall_filter();

}  // namespace warmdump
