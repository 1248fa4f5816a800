// Runs in the guest and makes memory of the rarer kinds that a page filter must tell apart, then sleeps until
// it is killed (in the tests: until the machine panics). Every kind says on a line of its own what became of
// it, "kind: done" or "kind: why not"; the last line is "ready".
//
//   memory_kinds
//
// Kinds: hugetlb pages of 1 GiB and 2 MiB, transparent huge pages (whole, split, partly unmapped), large
// folios of shared memory, merged pages, pages in swap, in the swap cache and swapped shared memory, locked
// pages, and broken pages of most of these kinds. The guest has set up the pools, swap, and /proc/sys
// beforehand.

#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kHugePage = 2 * kMiB;
constexpr std::size_t kGiB = std::size_t{1} << 30;
constexpr int kKsmWaitTenthsMax = 100;

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

void say(const char* kind, bool done, const char* why = nullptr) {
  std::printf("%s: %s\n", kind, done ? "done" : why != nullptr ? why : std::strerror(errno));
  std::fflush(stdout);
}

unsigned char* map(std::size_t size, int flags, int file = -1) {
  const int kind = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, kind | flags, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<unsigned char*>(memory);
}

// Anonymous memory that begins at a multiple of 2 MiB.
unsigned char* map_aligned(std::size_t size) {
  unsigned char* memory = map(size + kHugePage, MAP_NORESERVE);
  if (memory == nullptr) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  return memory + ((start + kHugePage - 1) / kHugePage * kHugePage - start);
}

// Every page gets contents of its own.
void fill(unsigned char* memory, std::size_t size, std::uint64_t seed) {
  for (std::size_t offset = 0; offset < size; offset += sizeof(seed)) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    std::memcpy(memory + offset, &seed, sizeof(seed));
  }
}

std::uint64_t sum(const unsigned char* memory, std::size_t size) {
  std::uint64_t total = 0;
  for (std::size_t offset = 0; offset < size; offset += kPage)
    total += *static_cast<const volatile unsigned char*>(memory + offset);
  return total;
}

// Words of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst).
constexpr std::uint64_t kPagemapSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kPagemapPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kPagemapPfn = (std::uint64_t{1} << 55) - 1;

std::uint64_t pagemap(const unsigned char* memory) {
  std::uint64_t word = 0;
  const int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const auto at = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(memory) / kPage * sizeof(word));
  if (pread(file, &word, sizeof(word), at) != sizeof(word)) word = 0;
  close(file);
  return word;
}

std::size_t count_swapped(const unsigned char* memory, std::size_t size) {
  std::size_t count = 0;
  for (std::size_t offset = 0; offset < size; offset += kPage)
    count += (pagemap(memory + offset) & kPagemapSwapped) != 0;
  return count;
}

bool write_text(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = write(file, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
  const int error = errno;
  close(file);
  errno = error;
  return done;
}

long read_number(const char* path) {
  char text[32] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text, sizeof(text) - 1) < 0) text[0] = '0';
  if (file >= 0) close(file);
  return std::strtol(text, nullptr, 10);
}

void make_hugetlb() {
  unsigned char* gigantic = map(kGiB, MAP_HUGETLB | MAP_HUGE_1GB);
  if (gigantic != nullptr) {
    fill(gigantic, 4 * kMiB, 1);
    fill(gigantic + 512 * kMiB, 4 * kMiB, 2);  // in another section of the memory map
    fill(gigantic + kGiB - kMiB, kMiB, 3);
  }
  say("hugetlb 1 GiB", gigantic != nullptr);

  unsigned char* large = map(4 * kHugePage, MAP_HUGETLB | MAP_HUGE_2MB);
  if (large != nullptr) fill(large, 4 * kHugePage, 4);
  say("hugetlb 2 MiB", large != nullptr);

  unsigned char* broken = map(kHugePage, MAP_HUGETLB | MAP_HUGE_2MB);
  if (broken != nullptr) fill(broken, kHugePage, 5);
  say("broken hugetlb page", broken != nullptr && madvise(broken + 37 * kPage, kPage, MADV_HWPOISON) == 0);
}

// A transparent huge page; nullptr when the kernel gave small ones.
unsigned char* make_transparent(std::uint64_t seed) {
  unsigned char* memory = map_aligned(kHugePage);
  if (memory == nullptr) return nullptr;
  madvise(memory, kHugePage, MADV_HUGEPAGE);
  fill(memory, kHugePage, seed);
  const std::uint64_t first = pagemap(memory) & kPagemapPfn;
  const bool is_huge = first % 512 == 0 && (pagemap(memory + kHugePage - kPage) & kPagemapPfn) == first + 511;
  return is_huge ? memory : nullptr;
}

void make_transparent_huge_pages() {
  bool all = true;
  for (std::uint64_t seed = 10; seed < 14; ++seed) all = make_transparent(seed) != nullptr && all;
  say("transparent huge pages", all, "got small pages");

  unsigned char* split = make_transparent(20);
  // Lazily freeing a part makes the kernel split the page.
  say("split transparent huge page", split != nullptr && madvise(split + kMiB, 64 * kPage, MADV_FREE) == 0);

  unsigned char* holey = make_transparent(21);
  say("partly unmapped transparent huge page", holey != nullptr && munmap(holey + kMiB, kMiB / 2) == 0);

  unsigned char* broken = make_transparent(22);
  say("broken page of a transparent huge page",
      broken != nullptr && madvise(broken + 77 * kPage, kPage, MADV_HWPOISON) == 0);

  // The sizes between, where the kernel has them: the guest has switched them on.
  unsigned char* sized = map_aligned(kMiB);
  if (sized != nullptr) fill(sized, kMiB, 23);
  say("anonymous memory in folios", sized != nullptr);
}

void make_merged() {
  unsigned char* memory = map(4 * kMiB, 0);
  if (memory == nullptr) return say("merged pages", false);
  madvise(memory, 4 * kMiB, MADV_NOHUGEPAGE);
  for (std::size_t offset = 0; offset < 4 * kMiB; offset += kPage)
    std::memset(memory + offset, 0x40 + static_cast<int>(offset / kPage % 4), kPage);
  if (madvise(memory, 4 * kMiB, MADV_MERGEABLE) != 0) return say("merged pages", false);
  write_text("/sys/kernel/mm/ksm/pages_to_scan", "5000");
  write_text("/sys/kernel/mm/ksm/sleep_millisecs", "20");
  if (!write_text("/sys/kernel/mm/ksm/run", "1")) return say("merged pages", false);
  long shared = 0;
  for (int i = 0; i < kKsmWaitTenthsMax && shared < 4; ++i) {
    usleep(100000);
    shared = read_number("/sys/kernel/mm/ksm/pages_shared");
  }
  say("merged pages", shared > 0, "ksmd has merged none in time");
}

void make_swapped() {
  constexpr std::size_t kSize = 12 * kMiB;
  unsigned char* memory = map(kSize, 0);
  if (memory == nullptr) return say("swapped pages", false);
  madvise(memory, kSize, MADV_NOHUGEPAGE);
  fill(memory, kSize, 30);
  const bool asked = madvise(memory, kSize, MADV_PAGEOUT) == 0;
  const std::size_t swapped = count_swapped(memory, kSize);
  say("swapped pages", asked && swapped > 0, "the kernel swapped none");
  // Read again, not written: the page stays in the swap cache.
  sum(memory, kSize / 2);
  const bool is_back = (pagemap(memory) & kPagemapPresent) != 0;
  say("swap cache", swapped > 0 && is_back, "nothing came back from swap");

  const int file = memfd_create("swapped", 0);
  unsigned char* shared = file >= 0 && ftruncate(file, 4 * kMiB) == 0 ? map(4 * kMiB, 0, file) : nullptr;
  if (shared == nullptr) return say("swapped shared memory", false);
  fill(shared, 4 * kMiB, 31);
  say("swapped shared memory", madvise(shared, 4 * kMiB, MADV_PAGEOUT) == 0);
  sum(shared, kMiB);
}

void make_locked() {
  unsigned char* memory = map(kMiB, 0);
  if (memory == nullptr) return say("locked pages", false);
  fill(memory, kMiB, 40);
  say("locked pages", mlock(memory, kMiB) == 0);
}

// Breaks a page that nobody uses any more: it is free when the kernel hears of it.
void break_free_page() {
  unsigned char* memory = map(kMiB, 0);
  if (memory == nullptr) return say("broken free page", false);
  madvise(memory, kMiB, MADV_NOHUGEPAGE);
  fill(memory, kMiB, 50);
  const std::uint64_t pfn = pagemap(memory + 128 * kPage) & kPagemapPfn;
  munmap(memory, kMiB);
  char address[32];
  std::snprintf(address, sizeof(address), "0x%llx", static_cast<unsigned long long>(pfn * kPage));
  say("broken free page", write_text("/sys/devices/system/memory/hard_offline_page", address));
}

void break_pages() {
  unsigned char* memory = map(16 * kPage, 0);
  if (memory == nullptr) return say("broken anonymous page", false);
  madvise(memory, 16 * kPage, MADV_NOHUGEPAGE);
  fill(memory, 16 * kPage, 51);
  say("broken anonymous page", madvise(memory + 3 * kPage, kPage, MADV_HWPOISON) == 0);
  say("softly retired page", madvise(memory + 9 * kPage, kPage, MADV_SOFT_OFFLINE) == 0);

  const int file = memfd_create("broken", 0);
  unsigned char* shared = file >= 0 && ftruncate(file, 16 * kPage) == 0 ? map(16 * kPage, 0, file) : nullptr;
  if (shared == nullptr) return say("broken page of shared memory", false);
  fill(shared, 16 * kPage, 52);
  say("broken page of shared memory", madvise(shared + 5 * kPage, kPage, MADV_HWPOISON) == 0);
  break_free_page();
}

}  // namespace

int main() {
  // Notice of a page that broke just now. To ignore it would not do: newer kernels insist, and kill.
  std::signal(SIGBUS, [](int) {});
  make_hugetlb();
  make_transparent_huge_pages();
  make_merged();
  make_swapped();
  make_locked();
  break_pages();
  std::puts("ready");
  std::fflush(stdout);
  while (true) pause();
}
