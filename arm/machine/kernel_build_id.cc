#include "arm/machine/kernel_build_id.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

constexpr std::string_view kOwner("GNU\0", 4);

std::size_t padded(std::size_t size) {
  return (size + 3) / 4 * 4;
}

}  // namespace

std::string build_id_of_notes(std::string_view notes) {
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, notes.data(), sizeof header);
    notes.remove_prefix(sizeof header);
    const std::size_t owner_size = padded(header.n_namesz);
    if (owner_size > notes.size() || header.n_descsz > notes.size() - owner_size) return {};
    const std::string_view owner = notes.substr(0, header.n_namesz);
    const std::string_view content = notes.substr(owner_size, header.n_descsz);
    if (owner == kOwner && header.n_type == NT_GNU_BUILD_ID) return hexadecimal_text(content);
    notes.remove_prefix(std::min(owner_size + padded(header.n_descsz), notes.size()));
  }
  return {};
}

}  // namespace warmdump
