// Redaction: obvious personal data out of text that leaves the machine. Pure.
//
// What each rule of redaction.cc finds is replaced by "<kind-N>", the same value by the same N as long as the
// object lives, so that a reader still sees which lines are about the same thing. Left alone: kernel
// addresses, symbols and offsets, times, PCI addresses, build ids, sizes. Obvious data only: it is no
// guarantee, and the vmcore itself is never redacted.
//
// One pass over the text, in time linear in its length.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace warmdump {

class Redaction {
 public:
  // Replaces `value` wherever it stands as a word of its own: the machine's host name, which no rule can
  // know. Shorter than three characters, or "localhost" or "(none)": ignored.
  void add_known(std::string kind, std::string value);

  std::string redact(std::string_view text);

 private:
  std::string placeholder(std::string_view kind, std::string_view value);

  std::map<std::string, std::map<std::string, std::size_t>, std::less<>> numbers_;  // by kind and value
  std::vector<std::pair<std::string, std::string>> known_;
};

}  // namespace warmdump
