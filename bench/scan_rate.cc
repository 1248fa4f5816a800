// scan_rate: how fast struct pages are classified, beside a plain read of the same struct pages by the same
// means, in one run.
//
//   scan_rate VMCORE [RUNS]
//
// Two means: the vmcore mapped as a whole, which leaves the loop alone (`in_place`), and the capture's own
// way to the memory, mappings and system calls included (`as_captured`). Prints key=value lines; times are
// processor time of the fastest run, because the slower ones measure what else the machine did.

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/crashed_machine/vmcore_memory.h"
#include "common/file_device.h"
#include "common/kernel/page_classifier.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {
namespace {

constexpr Pfn kBlock = PageClassifier::kBlockPfns;

// The whole file in one mapping, entries filled by the first pass over it.
class WholeMapping final : public PhysicalMemory {
 public:
  WholeMapping(const FileDevice& vmcore, const MemoryRanges& ranges) : ranges_(ranges), size_(vmcore.size()) {
    void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED | MAP_NORESERVE, vmcore.descriptor(), 0);
    if (mapping != MAP_FAILED) bytes_ = static_cast<const std::byte*>(mapping);
  }
  WholeMapping(const WholeMapping&) = delete;
  WholeMapping& operator=(const WholeMapping&) = delete;
  ~WholeMapping() {
    if (bytes_ != nullptr) ::munmap(const_cast<std::byte*>(bytes_), size_);
  }
  bool is_mapped() const { return bytes_ != nullptr; }

  Result<void> read(PhysicalAddress address, std::span<std::byte> target) override {
    const auto source = TRY(view(address, target.size()));
    std::copy(source.begin(), source.end(), target.begin());
    return {};
  }
  Result<void> copy(PhysicalAddress address, std::span<std::byte> target) override {
    return read(address, target);
  }
  Result<std::span<const std::byte>> view(PhysicalAddress address, ByteCount length) override {
    const MemoryRange* range = ranges_.find(address);
    if (range == nullptr || length > range->end - address)
      return Error::make(ErrorCode::not_found, "not in the vmcore");
    return std::span(bytes_ + range->file_offset + (address - range->start), length);
  }

 private:
  const MemoryRanges& ranges_;
  const std::byte* bytes_ = nullptr;
  ByteCount size_;
};

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Work>
double fastest(int runs, Work work) {
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const double start = processor_seconds();
    work();
    const double seconds = processor_seconds() - start;
    best = run == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

class Scan {
 public:
  Scan(const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory)
      : kernel_(kernel),
        memory_(memory),
        classifier_(*kernel.layout, *kernel.mem_map, *kernel.page_tables, memory) {
    Pfn done = 0;
    for (std::size_t i = 0; i < elf.memory.count(); ++i) {
      const MemoryRange& range = elf.memory[i];
      for (Pfn pfn = std::max(done, round_down(range.start / kPageSize, kBlock)); pfn * kPageSize < range.end;
           pfn += kBlock) {
        if (kernel.mem_map->page_address(pfn).has_value()) blocks_.push_back(pfn);
        done = pfn + kBlock;
      }
    }
  }

  Pfn pfns() const { return blocks_.size() * kBlock; }
  std::uint64_t checksum() const { return checksum_; }

  void classify() {
    for (const Pfn pfn : blocks_) {
      classifier_.classify(pfn, classes_);
      checksum_ += static_cast<std::uint64_t>(classes_[0]);
    }
  }

  void read_plainly() {
    for (const Pfn pfn : blocks_) {
      const auto mapping = kernel_.page_tables->translate(*kernel_.mem_map->page_address(pfn));
      if (!mapping.has_value()) continue;
      const ByteCount length = std::min(mapping->length, kBlock * kernel_.layout->size);
      const auto bytes = memory_.view(mapping->address, length);
      if (!bytes.has_value()) continue;
      const auto* words = reinterpret_cast<const std::uint64_t*>(bytes->data());
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < length / sizeof(*words); ++i) sum += words[i];
      checksum_ += sum;
    }
  }

 private:
  CrashedKernel& kernel_;
  PhysicalMemory& memory_;
  PageClassifier classifier_;
  std::vector<Pfn> blocks_;
  std::uint64_t checksum_ = 0;
  PageClass classes_[kBlock];
};

void measure(const char* name, const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory,
             int runs) {
  const auto scan = std::make_unique<Scan>(elf, kernel, memory);
  scan->classify();
  double scanning = 0;
  double reading = 0;
  for (int run = 0; run < runs; ++run) {
    const double scanned = fastest(1, [&scan] { scan->classify(); });
    const double read = fastest(1, [&scan] { scan->read_plainly(); });
    scanning = run == 0 ? scanned : std::min(scanning, scanned);
    reading = run == 0 ? read : std::min(reading, read);
  }
  if (scan->checksum() == 1) std::puts("unlikely");  // keeps the plain read from being left out
  std::printf("%s.pfns=%llu\n", name, static_cast<unsigned long long>(scan->pfns()));
  std::printf("%s.struct_bytes=%llu\n", name,
              static_cast<unsigned long long>(scan->pfns() * kernel.layout->size));
  std::printf("%s.classify_seconds=%.6f\n%s.read_seconds=%.6f\n", name, scanning, name, reading);
}

int run(const char* path, int runs) {
  FileDevice vmcore;
  const auto elf = std::make_unique<VmcoreElf>();
  const auto opened = vmcore.open(path, FileDevice::Access::read_only);
  if (!opened.has_value() || !read_vmcore_elf(vmcore, *elf).has_value()) {
    std::fprintf(stderr, "scan_rate: %s: no vmcore of x86_64 that can be read\n", path);
    return 1;
  }
  const auto mapping = std::make_unique<WholeMapping>(vmcore, elf->memory);
  const auto captured = std::make_unique<VmcoreMemory>(vmcore, elf->memory, VmcoreMemory::Access::automatic);
  const auto kernel = std::make_unique<CrashedKernel>();
  if (!mapping->is_mapped() || !read_crashed_kernel(vmcore, *elf, *captured, *kernel).has_value() ||
      !kernel->mem_map) {
    std::fprintf(stderr, "scan_rate: %s: struct pages cannot be found\n", path);
    return 1;
  }
  measure("in_place", *elf, *kernel, *mapping, runs);
  measure("as_captured", *elf, *kernel, *captured, runs);
  return 0;
}

}  // namespace
}  // namespace warmdump

int main(int argc, char** argv) {
  const int runs = argc > 2 ? std::atoi(argv[2]) : 5;
  if (argc < 2 || runs < 1) {
    std::fprintf(stderr, "usage: scan_rate VMCORE [RUNS]\n");
    return 2;
  }
  return warmdump::run(argv[1], runs);
}
