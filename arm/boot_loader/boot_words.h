// The words warmdump puts on the running system's command line, and how they sit in a line of options beside
// the admin's.
//
// In a file that is nothing but options, ours stand between two words that mark them:
//
//   root=/dev/sda1 quiet warmdump.begin memmap=514M!0x10fe00000 crashkernel=96M warmdump.end
//
// The kernel takes a word with a dot for an option of a module, and says nothing when there is no such
// module.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr std::string_view kWordsBegin = "warmdump.begin";
inline constexpr std::string_view kWordsEnd = "warmdump.end";

// `text` (a line of options, with or without a line break at its end) with `words` in place of ours, which
// are added at its end when it has none. No words: ours are taken out, and the text is what it was before
// they came. ErrorCode::invalid when a mark stands there without the other, or twice, or the text has more
// lines.
Outcome<std::string> with_our_words(std::string_view text, const std::vector<std::string>& words);

// The words between the marks.
std::vector<std::string> our_words(std::string_view text);

// `words` without those that `others` has already: an admin's memmap= is not given twice.
std::vector<std::string> words_missing(const std::vector<std::string>& words, std::string_view others);

std::string joined_words(const std::vector<std::string>& words);

}  // namespace warmdump
