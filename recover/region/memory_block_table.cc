#include "recover/region/memory_block_table.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/hosted/unique_fd.h"
#include "recover/region/kernel_memory.h"

namespace warmdump {
namespace {

// A signal that interrupts a slow write(2) and does nothing else. It comes again and again, so that one that
// falls between arming and writing costs no more than an interval.
class WriteLimit {
 public:
  explicit WriteLimit(std::uint64_t limit_ms) {
    struct sigaction interrupt {};
    interrupt.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &interrupt, &previous_action_);
    const std::uint64_t first_ms = std::max<std::uint64_t>(limit_ms, 1);
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(first_ms / 1000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(first_ms % 1000 * 1000);
    timer.it_interval.tv_usec = 100'000;
    ::setitimer(ITIMER_REAL, &timer, &previous_timer_);
  }
  WriteLimit(const WriteLimit&) = delete;
  WriteLimit& operator=(const WriteLimit&) = delete;
  ~WriteLimit() {
    ::setitimer(ITIMER_REAL, &previous_timer_, nullptr);
    ::sigaction(SIGALRM, &previous_action_, nullptr);
  }

 private:
  struct sigaction previous_action_ {};
  itimerval previous_timer_{};
};

}  // namespace

ByteCount SysfsMemoryBlocks::block_size() const {
  const std::string text = read_line(directory_ + "/block_size_bytes");
  ByteCount size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size, 16);
  return size;
}

std::vector<MemoryBlock> SysfsMemoryBlocks::blocks(PhysicalAddress start, ByteCount size) const {
  std::vector<MemoryBlock> found;
  const ByteCount unit = block_size();
  if (unit == 0) return found;
  for (std::uint64_t number = (start + unit - 1) / unit; number < (start + size) / unit; ++number) {
    MemoryBlock block{.number = number, .online = false, .zone = ""};
    const std::string path = directory_ + "/" + block.name();
    const std::string state = read_line(path + "/state");
    if (state.empty()) continue;
    block.online = state != kOffline;  // "going-offline" is still in use
    if (block.online) block.zone = read_line(path + "/valid_zones");
    found.push_back(block);
  }
  return found;
}

int SysfsMemoryBlocks::set_state(std::uint64_t number, const char* state, std::uint64_t limit_ms) {
  const std::string path = directory_ + "/memory" + std::to_string(number) + "/state";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return errno;
  const WriteLimit limit(limit_ms);
  return ::write(fd.get(), state, std::strlen(state)) < 0 ? errno : 0;
}

std::uint64_t SysfsMemoryBlocks::now_ms() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

void SysfsMemoryBlocks::sleep_ms(std::uint64_t milliseconds) {
  ::usleep(static_cast<useconds_t>(milliseconds * 1000));
}

}  // namespace warmdump
