// What redaction looks for: a table of kinds of personal data and how each is told from its near misses.

#pragma once

#include <cstddef>
#include <string_view>

namespace warmdump {

// Part of a text; empty: no match.
struct TextRange {
  std::size_t start = 0;
  std::size_t end = 0;
};

struct RedactionRule {
  const char* kind;  // in the placeholder
  // The value, if what the rule knows begins at `at`, which is no end. Looks at a bounded number of
  // characters, or at those of a word that no other `at` makes it look at again.
  TextRange (*match)(std::string_view text, std::size_t at);
};

// In the order in which they are tried.
inline constexpr std::size_t kRedactionRules = 9;
extern const RedactionRule redaction_rules[kRedactionRules];

bool is_word_character(char character);  // ASCII letters, digits, '_'

}  // namespace warmdump
