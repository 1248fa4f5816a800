#include "recover/output/output_format.h"

#include <algorithm>
#include <array>

#include "recover/output/elf_output.h"
#include "recover/output/kdump_output.h"

namespace warmdump {
namespace {

constexpr std::array kFormats = {
    OutputFormat{"kdump", "kdump-compressed, as makedumpfile writes it", write_kdump},
    OutputFormat{"elf", "ELF core file, one segment for each run of pages in the dump", write_elf},
};

}  // namespace

std::span<const OutputFormat> output_formats() {
  return kFormats;
}

const OutputFormat* find_output_format(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(),
                                  [name](const OutputFormat& format) { return format.name == name; });
  return found == kFormats.end() ? nullptr : &*found;
}

}  // namespace warmdump
