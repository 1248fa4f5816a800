#include "recover/report/kernel_identity.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/arch/page_tables_x86_64.h"

namespace warmdump {
namespace {

constexpr std::size_t kNamesSize = 6 * KernelIdentity::kFieldSize;

// Where struct uts_namespace has its names when the kernel does not say: behind nothing, or behind a kref.
constexpr std::size_t kNameOffsetMax = 64;
constexpr std::size_t kNameOffsetGuesses[] = {0, 4};

// Empty when one of the pages is not in the dump.
Outcome<std::string> read_image_bytes(const DumpReader& dump, VirtualAddress address, std::size_t size) {
  const auto phys_base = dump.vmcoreinfo().number("phys_base");
  if (!phys_base || address < kKernelMapStart) return std::string();
  const PhysicalAddress start = address - kKernelMapStart + static_cast<std::uint64_t>(*phys_base);
  PageReader pages(dump);
  std::array<std::byte, kPageSize> page;
  std::string bytes;
  while (bytes.size() < size) {
    const PhysicalAddress at = start + bytes.size();
    if (!TRY(pages.read(at / kPageSize, page))) return std::string();
    const std::size_t offset = at % kPageSize;
    const std::size_t count = std::min(size - bytes.size(), kPageSize - offset);
    bytes.append(reinterpret_cast<const char*>(page.data()) + offset, count);
  }
  return bytes;
}

std::string field(std::string_view names, std::size_t index) {
  const std::string_view text =
      names.substr(index * KernelIdentity::kFieldSize, KernelIdentity::kFieldSize - 1);
  return std::string(text.substr(0, text.find('\0')));
}

bool look_like_names(std::string_view names) {
  return field(names, 0) == "Linux" && !field(names, 2).empty() && field(names, 4) == "x86_64";
}

}  // namespace

Outcome<KernelIdentity> read_kernel_identity(const DumpReader& dump) {
  KernelIdentity identity;
  if (const auto release = dump.vmcoreinfo().text("OSRELEASE")) identity.release = *release;
  const auto address = dump.vmcoreinfo().symbol("init_uts_ns");
  if (!address) return identity;
  const std::string bytes = TRY(read_image_bytes(dump, *address, kNameOffsetMax + kNamesSize));
  if (bytes.empty()) return identity;

  std::vector<std::size_t> offsets(std::begin(kNameOffsetGuesses), std::end(kNameOffsetGuesses));
  if (const auto told = dump.vmcoreinfo().offset("uts_namespace.name")) offsets = {*told};
  for (const std::size_t offset : offsets) {
    if (offset > kNameOffsetMax) continue;
    const std::string_view names = std::string_view(bytes).substr(offset, kNamesSize);
    if (!look_like_names(names)) continue;
    return KernelIdentity{field(names, 0), field(names, 1), field(names, 2),
                          field(names, 3), field(names, 4), field(names, 5)};
  }
  return identity;
}

}  // namespace warmdump
