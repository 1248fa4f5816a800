#include "recover/sandbox/syscall_filter.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>

#include "recover/sandbox/sanitizer_build.h"

namespace warmdump {
namespace {

struct Rule {
  std::uint32_t action;
  int syscall;
  std::span<const scmp_arg_cmp> arguments = {};  // all must hold
};

constexpr scmp_arg_cmp bits_are(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

constexpr scmp_datum_t kNewNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

constexpr scmp_arg_cmp kThread[] = {
    bits_are(0, CLONE_THREAD | CLONE_VM | CLONE_PTRACE | kNewNamespaces, CLONE_THREAD | CLONE_VM)};
constexpr scmp_arg_cmp kPrivateData[] = {bits_are(2, PROT_EXEC, 0), bits_are(3, MAP_SHARED, 0)};
constexpr scmp_arg_cmp kNotExecutable[] = {bits_are(2, PROT_EXEC, 0)};
constexpr scmp_arg_cmp kThreadName[] = {{0, SCMP_CMP_EQ, PR_SET_NAME, 0}};
constexpr scmp_arg_cmp kMappingName[] = {{0, SCMP_CMP_EQ, 0x53564d41 /* PR_SET_VMA */, 0}};
constexpr scmp_arg_cmp kFileFlags[] = {{1, SCMP_CMP_EQ, F_GETFL, 0}};
constexpr scmp_arg_cmp kDescriptorFlags[] = {{1, SCMP_CMP_EQ, F_GETFD, 0}};
constexpr scmp_arg_cmp kCloseOnExec[] = {{1, SCMP_CMP_EQ, F_SETFD, 0}};
constexpr scmp_arg_cmp kDuplicate[] = {{1, SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0}};
constexpr scmp_arg_cmp kIsTerminal[] = {{1, SCMP_CMP_EQ, TCGETS, 0}};
constexpr scmp_arg_cmp kOwnLimits[] = {{0, SCMP_CMP_EQ, 0, 0}, {2, SCMP_CMP_EQ, 0, 0}};

// To add one: the call here, and why a reader of dumps needs it if that is not plain.
constexpr int kAllowed[] = {
    // Memory and threads.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
    SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(gettid),
    // Its own signals.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    // Time, random numbers, what machine this is.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    // Open files.
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64),
    SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(copy_file_range),
    // Files by name: in the reader's directory, which is all it sees.
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(statfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(rmdir), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rename), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(umask)};

constexpr Rule kConditional[] = {
    {SCMP_ACT_ALLOW, SCMP_SYS(clone), kThread},
    // Its flags lie in memory, where a filter cannot see them; C libraries then take clone.
    {SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3)},
    {SCMP_ACT_ALLOW, SCMP_SYS(mmap), kPrivateData},
    {SCMP_ACT_ALLOW, SCMP_SYS(mprotect), kNotExecutable},
    {SCMP_ACT_ALLOW, SCMP_SYS(prctl), kThreadName},
    {SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), kMappingName},
    {SCMP_ACT_ALLOW, SCMP_SYS(fcntl), kFileFlags},
    {SCMP_ACT_ALLOW, SCMP_SYS(fcntl), kDescriptorFlags},
    {SCMP_ACT_ALLOW, SCMP_SYS(fcntl), kCloseOnExec},
    {SCMP_ACT_ALLOW, SCMP_SYS(fcntl), kDuplicate},
    {SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), kIsTerminal},
    {SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), kOwnLimits},
};

// What the sanitizers do beside the program; pipes are how they find out whether memory can be read.
constexpr int kSanitizerCalls[] = {
    SCMP_SYS(prctl),  SCMP_SYS(pipe),    SCMP_SYS(pipe2),    SCMP_SYS(getrusage), SCMP_SYS(sched_setaffinity),
    SCMP_SYS(tgkill), SCMP_SYS(mincore), SCMP_SYS(prlimit64)};

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

Outcome<void> add(void* context, const Rule& rule) {
  const int code =
      ::seccomp_rule_add_array(context, rule.action, rule.syscall,
                               static_cast<unsigned>(rule.arguments.size()), rule.arguments.data());
  // A call that this architecture does not have.
  if (code == 0 || code == -EDOM) return {};
  return Failure::system("cannot make the filter of system calls", -code);
}

}  // namespace

Outcome<void> load_syscall_filter() {
  const Context context(::seccomp_init(SCMP_ACT_KILL_PROCESS), ::seccomp_release);
  if (!context) return Failure(ErrorCode::unsupported, "cannot make the filter of system calls");
  for (const int syscall : kAllowed) TRY(add(context.get(), {SCMP_ACT_ALLOW, syscall}));
  for (const Rule& rule : kConditional) {
    const bool comes_whole =
        kIsSanitizerBuild && (rule.syscall == SCMP_SYS(prctl) || rule.syscall == SCMP_SYS(prlimit64));
    if (!comes_whole) TRY(add(context.get(), rule));
  }
  // abort(3): a signal to itself.
  const scmp_arg_cmp own_process[] = {{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()), 0}};
  if (kIsSanitizerBuild) {
    for (const int syscall : kSanitizerCalls) TRY(add(context.get(), {SCMP_ACT_ALLOW, syscall}));
  } else {
    TRY(add(context.get(), {SCMP_ACT_ALLOW, SCMP_SYS(tgkill), own_process}));
  }
  // A call of another architecture (32 bit, x32) has another number and other arguments.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (const int code = ::seccomp_load(context.get()); code != 0) {
    return Failure::system("cannot load the filter of system calls", -code);
  }
  return {};
}

}  // namespace warmdump
