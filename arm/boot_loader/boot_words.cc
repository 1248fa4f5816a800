#include "arm/boot_loader/boot_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

struct Block {
  std::size_t start = std::string_view::npos;  // of the first mark
  std::size_t end = 0;                         // behind the second one
};

bool is_blank(char character) {
  return character == ' ' || character == '\t';
}

// Where `word` stands alone; npos when it does not. `count` grows with every time it does.
std::size_t find_word(std::string_view text, std::string_view word, unsigned& count) {
  std::size_t found = std::string_view::npos;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool alone = (at == 0 || is_blank(text[at - 1])) && (end == text.size() || is_blank(text[end]));
    if (!alone) continue;
    found = at;
    ++count;
  }
  return found;
}

Outcome<Block> find_block(std::string_view line) {
  unsigned begins = 0;
  unsigned ends = 0;
  const std::size_t begin = find_word(line, kWordsBegin, begins);
  const std::size_t end = find_word(line, kWordsEnd, ends);
  if (begins == 0 && ends == 0) return Block{};
  if (begins != 1 || ends != 1 || end < begin) {
    return Failure(
        ErrorCode::invalid,
        fmt::format("the marks {} and {} must stand there once each, in this order: mend the line by hand",
                    kWordsBegin, kWordsEnd));
  }
  return Block{begin, end + kWordsEnd.size()};
}

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Outcome<std::string> with_our_words(std::string_view text, const std::vector<std::string>& words) {
  const std::string_view line = without_line_end(text);
  if (line.find('\n') != std::string_view::npos) {
    return Failure(ErrorCode::invalid, "it must be one line of kernel options");
  }
  const std::string_view line_end = text.substr(line.size());
  const Block block = TRY(find_block(line));
  const std::string ours =
      words.empty() ? "" : fmt::format("{} {} {}", kWordsBegin, joined_words(words), kWordsEnd);
  if (block.start == std::string_view::npos) {
    const bool space = !ours.empty() && !(line.empty() && line_end.empty());
    return fmt::format("{}{}{}{}", line, space ? " " : "", ours, line_end);
  }
  std::string_view front = line.substr(0, block.start);
  if (ours.empty() && front.ends_with(' ')) front.remove_suffix(1);
  return fmt::format("{}{}{}{}", front, ours, line.substr(block.end), line_end);
}

std::vector<std::string> our_words(std::string_view text) {
  const std::string_view line = without_line_end(text);
  const auto block = find_block(line);
  if (!block.has_value() || block->start == std::string_view::npos) return {};
  const std::size_t begin = block->start + kWordsBegin.size();
  std::vector<std::string> words;
  for (const auto word : command_line_options(line.substr(begin, block->end - kWordsEnd.size() - begin))) {
    words.emplace_back(word);
  }
  return words;
}

std::vector<std::string> words_missing(const std::vector<std::string>& words, std::string_view others) {
  const auto present = command_line_options(others);
  std::vector<std::string> missing;
  for (const std::string& word : words) {
    if (std::find(present.begin(), present.end(), word) == present.end()) missing.push_back(word);
  }
  return missing;
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

}  // namespace warmdump
