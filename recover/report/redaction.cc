#include "recover/report/redaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "recover/report/redaction_rules.h"

namespace warmdump {
namespace {

constexpr std::size_t kKnownSizeMin = 3;

bool is_word_at(std::string_view text, std::size_t at, std::string_view word) {
  const auto is_part = [](char c) { return is_word_character(c) || c == '-'; };
  if (!text.substr(at).starts_with(word)) return false;
  const std::size_t end = at + word.size();
  return (at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]));
}

}  // namespace

void Redaction::add_known(std::string kind, std::string value) {
  if (value.size() < kKnownSizeMin || value == "localhost" || value == "(none)") return;
  known_.emplace_back(std::move(kind), std::move(value));
}

std::string Redaction::placeholder(std::string_view kind, std::string_view value) {
  auto& numbers = numbers_[std::string(kind)];
  std::string key(value);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::size_t number = numbers.emplace(std::move(key), numbers.size() + 1).first->second;
  return fmt::format("<{}-{}>", kind, number);
}

std::string Redaction::redact(std::string_view text) {
  std::string redacted;
  redacted.reserve(text.size());
  std::size_t copied = 0;
  const auto replace = [&](std::string_view kind, TextRange range) {
    redacted += text.substr(copied, range.start - copied);
    redacted += placeholder(kind, text.substr(range.start, range.end - range.start));
    copied = range.end;
  };
  for (std::size_t at = 0; at < text.size(); at = std::max(at + 1, copied)) {
    const auto known = std::find_if(known_.begin(), known_.end(),
                                    [&](const auto& entry) { return is_word_at(text, at, entry.second); });
    if (known != known_.end()) {
      replace(known->first, {at, at + known->second.size()});
      continue;
    }
    for (const RedactionRule& rule : redaction_rules) {
      const TextRange range = rule.match(text, at);
      if (range.start == range.end) continue;
      replace(rule.kind, range);
      break;
    }
  }
  return redacted + std::string(text.substr(copied));
}

}  // namespace warmdump
