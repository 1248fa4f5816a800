#include "recover/region/kernel_memory.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

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
  return load_kernel_modules({name});
}

Outcome<void> load_kernel_modules(const std::vector<std::string>& names) {
  std::vector<std::string> words{"modprobe", "-q", "-a"};
  // Starting modprobe to be told so would cost more than everything else that recovery does on its own.
  std::copy_if(names.begin(), names.end(), std::back_inserter(words),
               [](const auto& name) { return ::access(("/sys/module/" + name).c_str(), F_OK) != 0; });
  if (words.size() == 3) return {};
  std::string missing;
  for (auto name = words.begin() + 3; name != words.end(); ++name) missing += " " + *name;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (error != 0) return Failure::system("cannot run modprobe", error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Failure(ErrorCode::not_found,
                 "cannot load the kernel module" + missing +
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
