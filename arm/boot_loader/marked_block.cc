#include "arm/boot_loader/marked_block.h"

#include <fmt/format.h>

namespace warmdump {
namespace {

constexpr std::string_view kBegin = "# warmdump begin: `warmdump plan --remove` takes this out\n";
// The file had no line break at its end, or its last line went on behind it, which would have swallowed ours:
// a line break was added, which goes with the block.
constexpr std::string_view kBeginAfterOpenLine =
    "# warmdump begin, and a line break: `warmdump plan --remove`\n";
constexpr std::string_view kBeginAfterContinuation =
    "# warmdump begin, and an empty line: `warmdump plan --remove`\n";
constexpr std::string_view kEnd = "# warmdump end\n";

struct Block {
  std::size_t start = std::string_view::npos;  // with what was added in front of it
  std::size_t inside = 0;
  std::size_t inside_end = 0;
};

std::size_t find_line(std::string_view text, std::string_view line) {
  const std::size_t at = text.find(line);
  return at == 0 || at == std::string_view::npos || text[at - 1] == '\n' ? at : std::string_view::npos;
}

Outcome<Block> find_block(std::string_view text) {
  Block block;
  const std::size_t end = find_line(text, kEnd);
  for (const std::string_view begin : {kBegin, kBeginAfterOpenLine, kBeginAfterContinuation}) {
    const std::size_t at = find_line(text, begin);
    if (at == std::string_view::npos) continue;
    block.start = at - (begin == kBegin ? 0 : 1);
    block.inside = at + begin.size();
    block.inside_end = end;
  }
  const bool any = block.start != std::string_view::npos;
  if (any != (end != std::string_view::npos) || (any && end < block.inside)) {
    return Failure(
        ErrorCode::invalid,
        "of the lines \"# warmdump begin\" and \"# warmdump end\" one is missing: mend it by hand");
  }
  return block;
}

bool ends_with_continuation(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.ends_with('\\');
}

}  // namespace

Outcome<std::string> with_marked_block(std::string_view text, std::string_view lines) {
  const Block block = TRY(find_block(text));
  std::string without = std::string(text);
  if (block.start != std::string_view::npos) {
    without.erase(block.start, block.inside_end + kEnd.size() - block.start);
  }
  if (lines.empty()) return without;
  std::string_view begin = kBegin;
  std::string added;
  if (ends_with_continuation(without) && without.ends_with('\n')) {
    begin = kBeginAfterContinuation;
    added = "\n";
  } else if (!without.empty() && !without.ends_with('\n')) {
    begin = kBeginAfterOpenLine;
    added = "\n";
  }
  return fmt::format("{}{}{}{}{}", without, added, begin, lines, kEnd);
}

std::string marked_block(std::string_view text) {
  const auto block = find_block(text);
  if (!block.has_value() || block->start == std::string_view::npos) return {};
  return std::string(text.substr(block->inside, block->inside_end - block->inside));
}

}  // namespace warmdump
