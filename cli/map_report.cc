#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "cli/dump_report.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

using dump_format::PageClass;

constexpr std::size_t kAddressColumns = 12;
constexpr std::size_t kCellColumnsMin = 16;
constexpr std::size_t kCellColumnsMax = 128;
constexpr char kLost = '!';
constexpr std::string_view kNoRam = "·";

struct ClassSign {
  char letter;
  std::string_view colour;  // of the background, where most of the cell is in the dump
};

// To add one: a row, in the order of PageClass. Letters must differ.
constexpr ClassSign kSigns[dump_format::kPageClassCount] = {
    {'.', ""},        // absent
    {'k', "30;104"},  // kernel
    {'f', ""},        // free
    {'a', ""},        // unaccepted
    {'c', "30;103"},  // cache
    {'v', "30;43"},   // private cache
    {'u', "30;102"},  // user
    {'h', "30;42"},   // hugetlb
    {'b', ""},        // hwpoison
    {'o', ""},        // offline
    {'s', "30;106"},  // slab
    {'p', "30;105"},  // page table
    {'m', "30;46"},   // struct page
    {'i', "97;44"},   // kernel image
    {'r', ""},        // region
    {'n', "30;47"},   // unknown
};

char upper(char letter) {
  return static_cast<char>(letter - 'a' + 'A');
}

std::string cell_text(const DumpMapLine::Slot& slot, std::set<PageClass>& seen, const TerminalLook& look) {
  if (slot.cell == nullptr) return slot.is_region ? "#" : std::string(kNoRam);
  const MemoryCell& cell = *slot.cell;
  const bool is_stored = sum(cell.stored) >= sum(cell.excluded);
  const auto page_class = leading_class(is_stored ? cell.stored : cell.excluded);
  if (sum(cell.lost) > 0 || !page_class) {
    if (const auto lost = leading_class(cell.lost)) seen.insert(*lost);
    return look.paint(TerminalLook::kRed, std::string(1, kLost));
  }
  seen.insert(*page_class);
  const ClassSign& sign = kSigns[static_cast<std::size_t>(*page_class)];
  if (!is_stored) return look.paint(TerminalLook::kDim, std::string(1, sign.letter));
  return look.paint(sign.colour.empty() ? TerminalLook::kBold : sign.colour,
                    std::string(1, upper(sign.letter)));
}

std::string legend(const std::set<PageClass>& seen, const DumpMap& map) {
  std::string letters;
  for (const PageClass page_class : seen) {
    letters += fmt::format("{} {}, ", kSigns[static_cast<std::size_t>(page_class)].letter,
                           dump_format::page_class_name(page_class));
  }
  std::string text = letters + "by what most of the cell is. ";
  text += fmt::format(
      "Large letters: most of the cell is in the dump; small letters: most was left out; {}: something "
      "in it is lost; {}: no RAM",
      kLost, kNoRam);
  return text + (map.region.count() > 0 ? "; #: where the dump lay, not part of it." : ".");
}

}  // namespace

std::string map_report(const DumpMap& map, const TerminalLook& look) {
  if (map.cells.empty()) return "nothing is known of the machine's memory\n";
  const std::size_t room = look.columns > kAddressColumns ? look.columns - kAddressColumns : 0;
  const std::size_t columns = std::clamp(std::bit_floor(room), kCellColumnsMin, kCellColumnsMax);
  ClassPages stored{}, excluded{}, lost{};
  for (const MemoryCell& cell : map.cells) {
    for (std::size_t index = 0; index < stored.size(); ++index) {
      stored[index] += cell.stored[index];
      excluded[index] += cell.excluded[index];
      lost[index] += cell.lost[index];
    }
  }
  const auto bytes = [](PageCount pages) { return readable_byte_count(pages * kPageSize); };
  std::string text = look.wrapped(
      fmt::format("{} of RAM: {} in the dump, {} left out, {} lost. A cell is {}, a line {}.",
                  bytes(sum(stored) + sum(excluded) + sum(lost)), bytes(sum(stored)), bytes(sum(excluded)),
                  bytes(sum(lost)), bytes(map.cell_pages), bytes(map.cell_pages * columns)),
      0);
  text += "\n\n";
  std::set<PageClass> seen;
  for (const DumpMapLine& line : dump_map_lines(map, columns)) {
    if (line.gap_pages > 0)
      text += fmt::format("{:>{}}{} without RAM\n", "", kAddressColumns, bytes(line.gap_pages));
    const std::string address = line.first_pfn == 0 ? "0" : bytes(line.first_pfn);
    text += fmt::format("{:>{}}  ", address, kAddressColumns - 2);
    for (const DumpMapLine::Slot& slot : line.slots) text += cell_text(slot, seen, look);
    text += "\n";
  }
  return text + "\n" + look.wrapped(legend(seen, map), 0) + "\n";
}

}  // namespace warmdump
