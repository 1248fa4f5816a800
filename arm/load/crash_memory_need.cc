#include "arm/load/crash_memory_need.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

// Two program headers, one a processor and one a memory range, 56 bytes each: Debian's 8192 processors and
// the kernel's CONFIG_CRASH_MAX_MEMORY_RANGES of 8192. With the purgatory and the boot parameters.
constexpr ByteCount kElfHeaders = 1 * kMiB;

// Allocated while the kernel boots, less what it frees of its own image meanwhile: init_size covers that
// twice. bench/crashkernel-floor with Debian's kernels: 6.1 (init_size 64 MiB) starts with 76 MiB, not with
// 72; 6.12 (56 MiB) with 72 MiB; in 96 MiB they have 21 to 34 MiB left when the capture ends.
constexpr ByteCount kBootLeast = 4 * kMiB;
constexpr ByteCount kBootComfortable = 12 * kMiB;

// The capture's buffers, measured as peak RSS (5.5 MiB), and what the kernel never gives away
// (min_free_kbytes).
constexpr ByteCount kCaptureLeast = 4 * kMiB;
constexpr ByteCount kCaptureComfortable = 10 * kMiB;

constexpr ByteCount kBytesPerStructPage = 4096 / 64;

}  // namespace

CrashMemoryNeed crash_memory_need(const KernelImage& kernel, ByteCount image_size, ByteCount unpacked_size) {
  CrashMemoryNeed need;
  need.terms = {{"kernel", kernel.init_size, kernel.init_size},
                {"crash image", image_size, image_size},
                {"its files", unpacked_size, unpacked_size},
                {"description of the crashed machine", kElfHeaders, kElfHeaders},
                {"allocations of the booting kernel", kBootLeast, kBootComfortable},
                {"capture", kCaptureLeast, kCaptureComfortable}};
  MemoryTerm pages{"struct pages"};
  for (const MemoryTerm& term : need.terms) {
    pages.least += term.least / kBytesPerStructPage;
    pages.comfortable += term.comfortable / kBytesPerStructPage;
  }
  need.terms.push_back(pages);
  for (const MemoryTerm& term : need.terms) {
    need.least += term.least;
    need.comfortable += term.comfortable;
  }
  need.least = round_up(need.least, kMiB);
  need.comfortable = round_up(need.comfortable, kMiB);
  return need;
}

std::string memory_terms_text(const CrashMemoryNeed& need) {
  std::string text;
  for (const MemoryTerm& term : need.terms) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", term.name, readable_byte_count(term.comfortable));
  }
  return text;
}

std::optional<std::string> reservation_shortage(const CrashMemoryNeed& need, ByteCount reserved_size) {
  if (reserved_size >= need.comfortable) return std::nullopt;
  const std::string wanted = exact_byte_count(need.comfortable);
  if (reserved_size < need.least) {
    return fmt::format(
        "crashkernel= reserves {}, but this kernel and image need {} at least: make it crashkernel={} ({})",
        readable_byte_count(reserved_size), readable_byte_count(need.least), wanted, memory_terms_text(need));
  }
  return fmt::format(
      "crashkernel= reserves {}: enough to start this kernel and image, but crashkernel={} leaves room for "
      "more devices ({})",
      readable_byte_count(reserved_size), wanted, memory_terms_text(need));
}

}  // namespace warmdump
