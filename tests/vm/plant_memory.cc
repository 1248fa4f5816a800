// Runs in the guest as an unprivileged user and fills memory with copies of a file, one at the beginning of
// every 2 MiB, as a program would that wants its bytes to be found in the dump region after a reboot. Prints
// "planted <copies> as user <uid>" when it can get no more, then sleeps until it is killed.
//
//   plant_memory FILE USER SPARE_MEGABYTES   SPARE_MEGABYTES of what the kernel calls available stay free

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kPlace = 2 * kMiB;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::size_t available_bytes() {
  std::FILE* file = std::fopen("/proc/meminfo", "r");
  if (file == nullptr) fail("plant_memory: /proc/meminfo");
  char line[256];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr &&
         std::sscanf(line, "MemAvailable: %llu", &kib) != 1) {
  }
  std::fclose(file);
  return kib << 10;
}

void become(unsigned user) {
  if (setgroups(0, nullptr) != 0 || setgid(user) != 0 || setuid(user) != 0) fail("plant_memory: setuid");
  if (setuid(0) == 0) {
    std::fputs("plant_memory: still able to become root\n", stderr);
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: plant_memory FILE USER SPARE_MEGABYTES\n");
    return 2;
  }
  become(static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
  const std::size_t spare = std::strtoul(argv[3], nullptr, 10) * kMiB;
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (file < 0 || fstat(file, &status) != 0) fail("plant_memory: open");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0 || size > kPlace) {
    std::fputs("plant_memory: the file does not fit into 2 MiB\n", stderr);
    return 1;
  }
  const void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) fail("plant_memory: mmap of the file");

  const std::size_t available = available_bytes();
  std::size_t places = available > spare ? (available - spare) / kPlace : 0;
  void* memory = mmap(nullptr, (places + 1) * kPlace, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("plant_memory: mmap");
  auto* place = reinterpret_cast<unsigned char*>((reinterpret_cast<std::uintptr_t>(memory) + kPlace - 1) /
                                                 kPlace * kPlace);
  madvise(place, places * kPlace, MADV_HUGEPAGE);  // a huge page lies where it is aligned, physically too
  for (std::size_t number = 0; number < places; ++number, place += kPlace) std::memcpy(place, bytes, size);
  std::printf("planted %zu as user %u\n", places, getuid());
  std::fflush(stdout);
  while (true) pause();
}
