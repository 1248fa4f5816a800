#include "capture/support/mapped_faults.h"

#include <signal.h>
#include <sys/mman.h>

namespace warmdump {
namespace {

// Written by the program, read by its signal handler: size last when watched, first when forgotten. The
// handler runs on the thread that reads the mapping, so volatile orders enough.
struct Mapping {
  volatile std::uintptr_t start;
  volatile ByteCount size;
};
Mapping mappings[4];
volatile std::uint64_t fault_count;

void on_bus_error(int number, siginfo_t* info, void*) {
  if (repair_mapped_fault(info->si_addr)) return;
  ::signal(number, SIG_DFL);  // the access is made again, and ends the program
}

}  // namespace

void watch_mapping(const std::byte* start, ByteCount size) {
  for (Mapping& mapping : mappings) {
    if (mapping.size != 0) continue;
    mapping.start = reinterpret_cast<std::uintptr_t>(start);
    mapping.size = size;
    return;
  }
}

void forget_mapping(const std::byte* start) {
  for (Mapping& mapping : mappings) {
    if (mapping.size != 0 && mapping.start == reinterpret_cast<std::uintptr_t>(start)) mapping.size = 0;
  }
}

std::uint64_t mapped_fault_count() {
  return fault_count;
}

bool repair_mapped_fault(void* address) {
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  for (const Mapping& mapping : mappings) {
    if (value < mapping.start || value - mapping.start >= mapping.size) continue;
    void* page = reinterpret_cast<void*>(round_down(value, kPageSize));
    const void* zeros = ::mmap(page, kPageSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) return false;
    fault_count = fault_count + 1;
    return true;
  }
  return false;
}

void handle_mapped_faults() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace warmdump
