#include "recover/sandbox/confinement.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <thread>

#include "recover/sandbox/file_boundary.h"
#include "recover/sandbox/sanitizer_build.h"
#include "recover/sandbox/syscall_filter.h"

namespace warmdump {
namespace {

constexpr int kArenasMax = 8;                 // of malloc; each reserves address space
constexpr ByteCount kArenaSize = 128 * kMiB;  // while it is made
constexpr ByteCount kThreadStack = 8 * kMiB + 64 * kKiB;
constexpr rlim_t kDescriptorsMax = 64;

// Each returns 0 or an errno.
int result_of(int returned) {
  return returned == 0 ? 0 : errno;
}

int limit(__rlimit_resource resource, rlim_t value) {
  rlimit limits{};
  ::getrlimit(resource, &limits);
  limits.rlim_max = std::min(limits.rlim_max, value);
  limits.rlim_cur = limits.rlim_max;
  return result_of(::setrlimit(resource, &limits));
}

// A pipe that nobody reads, or a terminal: not for who speaks for a dump.
int close_standard_streams() {
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) return errno;
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (kIsSanitizerBuild && stream == STDERR_FILENO) continue;
    if (::dup2(null, stream) < 0) return errno;
  }
  if (null > STDERR_FILENO) ::close(null);
  return 0;
}

int close_between(unsigned first, unsigned last) {
  if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return 0;
  if (errno != ENOSYS && errno != EPERM) return errno;
  rlimit limits{};
  ::getrlimit(RLIMIT_NOFILE, &limits);
  for (unsigned fd = first; fd <= last && fd < limits.rlim_cur; ++fd) ::close(static_cast<int>(fd));
  return 0;
}

int close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (const int error = close_between(next, static_cast<unsigned>(fd) - 1)) return error;
    next = static_cast<unsigned>(fd) + 1;
  }
  return close_between(next, ~0U);
}

int limit_memory(ByteCount memory_max) {
  ::mallopt(M_ARENA_MAX, kArenasMax);
  if (kIsSanitizerBuild) return 0;
  const ByteCount threads = std::max(1U, std::thread::hardware_concurrency());
  return limit(RLIMIT_AS, memory_max + threads * kThreadStack + kArenasMax * kArenaSize);
}

int limit_resources(bool changes_user) {
  for (const auto& [resource, value] : {std::pair{RLIMIT_CORE, rlim_t{0}},
                                        {RLIMIT_FSIZE, kFileSizeMax},
                                        {RLIMIT_NOFILE, kDescriptorsMax},
                                        {RLIMIT_MEMLOCK, 0},
                                        {RLIMIT_MSGQUEUE, 0}}) {
    if (const int error = limit(resource, value)) return error;
  }
  // Threads count. Of a user with other processes, those count too.
  const rlim_t threads = std::max(1U, std::thread::hardware_concurrency());
  return changes_user ? limit(RLIMIT_NPROC, 2 * threads + 64) : 0;
}

// When memory is short the kernel shall take this process, and not the machine's.
void be_first_to_go() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  constexpr std::string_view kFirst = "1000";
  if (::write(fd, kFirst.data(), kFirst.size()) < 0) errno = 0;
  ::close(fd);
}

// Into a directory that is removed already: it is empty, and nothing can be made in it.
int enter_nowhere() {
  int error = ENOENT;
  for (const char* const base : {"/run", "/tmp", "/var/tmp", "/dev/shm"}) {
    std::string path = std::string(base) + "/warmdump-reader-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      error = errno;
      continue;
    }
    error = result_of(::chdir(path.c_str()));
    if (::rmdir(path.c_str()) == 0 && error == 0) return 0;
  }
  return error;
}

int take_for_root() {
  if (::chroot(".") != 0) return errno;
  return result_of(::chdir("/"));
}

// What a user who is not root gets by it: a network without an interface, and the right to chroot.
int separate(bool is_root) {
  if (is_root) return result_of(::unshare(CLONE_NEWNET));
  return result_of(::unshare(CLONE_NEWUSER | CLONE_NEWNET));
}

int become(const ReaderUser& user) {
  if (::setgroups(0, nullptr) != 0) return errno;
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return errno;
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return errno;
  // A way back would make all of it worthless.
  return ::setresuid(0, 0, 0) == 0 ? EPERM : 0;
}

int drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return result_of(static_cast<int>(::syscall(SYS_capset, &header, none)));
}

class Walls {
 public:
  void raise(const char* what, int error) {
    if (error != 0) missing_.push_back(fmt::format("{} ({})", what, std::generic_category().message(error)));
  }
  void raise(const char* what, const Outcome<void>& outcome) {
    if (!outcome.has_value()) missing_.push_back(fmt::format("{} ({})", what, outcome.error().message));
  }
  std::vector<std::string> take() { return std::move(missing_); }

 private:
  std::vector<std::string> missing_;
};

}  // namespace

Confined confine(const Confinement& confinement) {
  const bool is_root = ::geteuid() == 0;
  Walls walls;
  Confined confined{confinement.directory, {}};
  be_first_to_go();
  ::clearenv();
  ::umask(S_IRWXG | S_IRWXO);
  ::prctl(PR_SET_NAME, "warmdump-reader");
  walls.raise("no closed standard streams", close_standard_streams());
  walls.raise("no closed descriptors", close_all_but(confinement.descriptors));
  walls.raise("no limits", limit_resources(confinement.user.has_value()));
  const int separated = separate(is_root);
  // Without root the filter of system calls stands in its place.
  if (is_root) walls.raise("no network namespace", separated);
  walls.raise("no ban on new privileges", result_of(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));

  // A name is looked up before the process moves, and nowhere is made before nothing can be made any more.
  const bool has_directory = !confinement.directory.empty();
  auto within = has_directory ? stay_within(confinement.directory) : Outcome<void>();
  const int entered = has_directory ? result_of(::chdir(confinement.directory.c_str())) : enter_nowhere();
  if (!has_directory) within = stay_within({});
  walls.raise("not in its directory", entered);
  const int rooted = entered != 0 ? entered : take_for_root();
  // Its name from here: a relative one, or one from another root, would lead nowhere.
  if (entered == 0 && has_directory) confined.directory = ".";
  if (is_root) walls.raise("no root directory of its own", rooted);
  // Either is enough, and the directory of the user's own choice is no wall by itself.
  if (!is_root && rooted != 0) walls.raise("no border around its directory", within);
  if (confinement.user) {
    walls.raise("no other user", become(*confinement.user));
  } else if (is_root) {
    walls.raise("no other user", EPERM);
  }
  walls.raise("no dropped capabilities", drop_capabilities());
  // After the change of user, which takes both back.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  walls.raise("no limit of memory", limit_memory(confinement.memory_max));
  walls.raise("no filter of system calls", load_syscall_filter());
  confined.missing = walls.take();
  return confined;
}

}  // namespace warmdump
