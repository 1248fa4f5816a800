// Runs in the guest and puts its memory to the uses that a page filter must tell apart, then sleeps until it
// is killed (in the tests: until the machine panics). Prints "loaded" when all of it stands.
//
//   memory_load MEGABYTES [OBJECTS]   how much anonymous memory; the other kinds are small beside it, but for
//                                     OBJECTS files and a hundredth as many processes and pipes: kernel
//                                     memory
//
// Kinds: anonymous pages with random, with compressible and with zero bytes, a forked child's copies,
// transparent huge pages, hugetlb pages, a private file mapping, shared memory, full pipes and full sockets.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

unsigned char* map_anonymous(std::size_t size, int flags) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<unsigned char*>(memory);
}

void fill_random(unsigned char* memory, std::size_t size, std::uint64_t seed) {
  for (std::size_t offset = 0; offset + sizeof seed <= size; offset += sizeof seed) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t value = seed ^ (seed >> 29);
    std::memcpy(memory + offset, &value, sizeof value);
  }
}

void fill_text(unsigned char* memory, std::size_t size) {
  for (std::size_t offset = 0; offset + 64 <= size; offset += 64)
    std::snprintf(reinterpret_cast<char*>(memory + offset), 64, "record %zu of a process's heap",
                  offset / 64);
}

void load_anonymous(std::size_t size) {
  unsigned char* memory = map_anonymous(size, 0);
  if (memory == nullptr) fail("memory_load: mmap");
  madvise(memory, size, MADV_NOHUGEPAGE);
  const std::size_t third = size / 3 / 4096 * 4096;
  fill_random(memory, third, 1);
  fill_text(memory + third, third);
  std::memset(memory + 2 * third, 0, size - 2 * third);
}

void load_huge_pages() {
  unsigned char* transparent = map_anonymous(16 * kMiB, 0);
  if (transparent == nullptr) fail("memory_load: mmap");
  madvise(transparent, 16 * kMiB, MADV_HUGEPAGE);
  fill_text(transparent, 16 * kMiB);
  if (unsigned char* reserved = map_anonymous(8 * kMiB, MAP_HUGETLB)) fill_random(reserved, 8 * kMiB, 2);
}

void load_files() {
  const int shared = memfd_create("memory_load", 0);
  if (shared < 0 || ftruncate(shared, 4 * kMiB) != 0) fail("memory_load: memfd");
  void* memory = mmap(nullptr, 4 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (memory == MAP_FAILED) fail("memory_load: mmap");
  fill_text(static_cast<unsigned char*>(memory), 4 * kMiB);

  const int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  void* own = mmap(nullptr, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, program, 0);
  if (own != MAP_FAILED) std::memset(own, 0x5a, 8 << 10);
}

void fill_until_full(int descriptor) {
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  unsigned char block[4096];
  fill_text(block, sizeof block);
  while (write(descriptor, block, sizeof block) > 0) {
  }
}

void load_pipes_and_sockets() {
  for (int number = 0; number < 16; ++number) {
    int ends[2];
    if (pipe(ends) != 0) fail("memory_load: pipe");
    fill_until_full(ends[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) fail("memory_load: socketpair");
    fill_until_full(ends[1]);
  }
}

// Neighbours of different protection: each is a memory area of its own to the kernel.
void map_many_pieces() {
  constexpr std::size_t kPieces = 64;
  unsigned char* memory = map_anonymous(kPieces * 4096, 0);
  if (memory == nullptr) return;
  for (std::size_t piece = 0; piece < kPieces; piece += 2) mprotect(memory + piece * 4096, 4096, PROT_READ);
}

void load_kernel_objects(std::size_t count) {
  if (count == 0) return;
  const char* directory = "/dev/shm/objects";
  if (mkdir(directory, 0700) != 0) fail("memory_load: mkdir");
  for (std::size_t number = 0; number < count; ++number) {
    char name[64];
    std::snprintf(name, sizeof name, "%s/file-%zu", directory, number);
    const int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) fail("memory_load: open");
    close(file);
  }
  for (std::size_t number = 0; number < count / 100; ++number) {
    int ends[2];
    if (pipe(ends) != 0) fail("memory_load: pipe");
    fill_until_full(ends[1]);
    const pid_t child = fork();
    if (child < 0) fail("memory_load: fork");
    if (child == 0) {
      map_many_pieces();
      while (true) pause();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc >= 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
  const std::size_t objects = argc >= 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (megabytes == 0) {
    std::fprintf(stderr, "usage: memory_load MEGABYTES [OBJECTS]\n");
    return 2;
  }
  load_kernel_objects(objects);  // first: a child gets a copy of all page tables there are
  load_anonymous(megabytes * kMiB);
  load_huge_pages();
  load_files();
  load_pipes_and_sockets();
  if (fork() == 0) {
    unsigned char* copy = map_anonymous(2 * kMiB, 0);
    if (copy != nullptr) fill_random(copy, 2 * kMiB, 3);
    while (true) pause();
  }
  std::puts("loaded");
  std::fflush(stdout);
  while (true) pause();
}
