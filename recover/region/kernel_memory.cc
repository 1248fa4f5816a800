#include "recover/region/kernel_memory.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr const char* kPolicyPath = "/sys/devices/system/memory/auto_online_blocks";
constexpr const char* kMovable = "online_movable";

}  // namespace

ByteCount read_memory_total() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  ByteCount kib = 0;
  return file >> key >> kib && key == "MemTotal:" ? kib * kKiB : 0;
}

MovableOnlinePolicy::MovableOnlinePolicy() {
  const std::string policy = read_line(kPolicyPath);
  if (!policy.empty() && policy != kMovable && write_line(kPolicyPath, kMovable)) previous_ = policy;
}

MovableOnlinePolicy::~MovableOnlinePolicy() {
  if (!previous_.empty()) write_line(kPolicyPath, previous_);
}

Outcome<void> load_kernel_module(const std::string& name) {
  // Starting modprobe to be told so would cost more than everything else that recovery does on its own.
  if (::access(("/sys/module/" + name).c_str(), F_OK) == 0) return {};
  std::string program = "modprobe", quiet = "-q", module = name;
  char* const arguments[] = {program.data(), quiet.data(), module.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  if (error != 0) return Failure::system("cannot run modprobe", error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Failure(ErrorCode::not_found,
                 "cannot load the kernel module " + name +
                     ": is it installed for this kernel, or kept out by /etc/modprobe.d or "
                     "module_blacklist= ?");
}

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

bool write_line(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace warmdump
