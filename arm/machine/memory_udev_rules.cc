#include "arm/machine/memory_udev_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace warmdump {
namespace {

// udev(7), highest rank first.
constexpr std::array kRuleFolders = {"/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d",
                                     "/usr/lib/udev/rules.d", "/lib/udev/rules.d"};

constexpr std::string_view kBlanks = " \t,";

// One KEY{attribute}OPERATOR"value" of a rule.
struct Token {
  std::string_view key;       // "ATTR", without its attribute
  std::string_view argument;  // "state" of ATTR{state}
  std::string_view operation;
  std::string_view value;

  bool matches() const { return operation == "==" || operation == "!="; }
};

std::optional<Token> take_token(std::string_view& rule) {
  rule.remove_prefix(std::min(rule.find_first_not_of(kBlanks), rule.size()));
  const std::size_t operation_start = rule.find_first_of("=!+-:");
  const std::size_t quote = rule.find('"');
  if (operation_start == std::string_view::npos || quote == std::string_view::npos) return std::nullopt;
  // An attribute may hold any of these characters: ATTR{[dmi/id]product-name}.
  std::size_t operation_at = operation_start;
  const std::size_t brace = rule.find('{');
  if (brace < operation_at) {
    const std::size_t brace_end = rule.find('}', brace);
    if (brace_end == std::string_view::npos) return std::nullopt;
    operation_at = rule.find_first_of("=!+-:", brace_end);
  }
  if (operation_at == std::string_view::npos || operation_at > quote) return std::nullopt;
  Token token;
  token.key = rule.substr(0, operation_at);
  if (brace < operation_at) {
    token.argument = token.key.substr(brace + 1, token.key.find('}') - brace - 1);
    token.key = token.key.substr(0, brace);
  }
  while (token.key.ends_with(' ')) token.key.remove_suffix(1);
  token.operation = rule.substr(operation_at, quote - operation_at);
  while (token.operation.ends_with(' ')) token.operation.remove_suffix(1);
  std::size_t end = quote + 1;
  while (end < rule.size() && rule[end] != '"') end += rule[end] == '\\' ? 2U : 1U;
  end = std::min(end, rule.size());
  token.value = rule.substr(quote + 1, end - quote - 1);
  rule.remove_prefix(std::min(end + 1, rule.size()));
  return token;
}

// Whether one of the patterns "a|b|mem*" can be the subsystem `memory`.
bool names_memory(std::string_view patterns) {
  while (true) {
    const std::string_view pattern = patterns.substr(0, patterns.find('|'));
    const std::size_t star = pattern.find_first_of("*?[");
    if (pattern == "memory" ||
        (star != std::string_view::npos && std::string_view("memory").starts_with(pattern.substr(0, star)))) {
      return true;
    }
    if (pattern.size() == patterns.size()) return false;
    patterns.remove_prefix(pattern.size() + 1);
  }
}

bool is_online_outside_movable(std::string_view value) {
  return value == "online" || value == "online_kernel";
}

// What a shell command writes to a state file: the word after echo, where "state" is written to.
std::string_view written_by_command(std::string_view command) {
  if (command.find("/state") == std::string_view::npos) return {};
  for (const std::string_view word : {"online_movable", "online_kernel", "online"}) {
    if (command.find(word) != std::string_view::npos) return word;
  }
  return {};
}

// Follows one file, rule by rule.
class RuleReader {
 public:
  explicit RuleReader(std::string file) : file_(std::move(file)) {}

  void rule(std::string_view text, unsigned line) {
    bool is_for_memory = !section_end_.empty();
    std::string_view leaves_to;
    bool leaves_for_others = false;
    std::vector<Token> assignments;
    while (const auto token = take_token(text)) {
      if (token->key == "LABEL" && token->value == section_end_) section_end_.clear();
      if (token->key == "SUBSYSTEM" && token->operation == "==") is_for_memory = names_memory(token->value);
      if (token->key == "SUBSYSTEM" && token->operation == "!=") {
        leaves_for_others = names_memory(token->value);
      }
      if (token->key == "GOTO") leaves_to = token->value;
      if (!token->matches()) assignments.push_back(*token);
    }
    if (leaves_for_others && !leaves_to.empty()) section_end_ = leaves_to;
    for (const Token& token : assignments) assignment(token, is_for_memory, line);
  }

  std::vector<MemoryOnlineRule> take() { return std::move(found_); }

 private:
  void assignment(const Token& token, bool is_for_memory, unsigned line) {
    if (token.key == "ENV" && is_online_outside_movable(token.value)) {
      variables_[std::string(token.argument)] = token.value;
    }
    if (!is_for_memory) return;
    std::string_view value;
    if (token.key == "ATTR" && token.argument == "state") value = resolved(token.value);
    if (token.key == "RUN") value = written_by_command(token.value);
    if (is_online_outside_movable(value)) found_.push_back({file_, line, std::string(value)});
  }

  std::string_view resolved(std::string_view value) const {
    for (const auto& [name, text] : variables_) {
      if (value == "$env{" + name + "}" || value == "%E{" + name + "}") return text;
    }
    return value;
  }

  std::string file_;
  std::string section_end_;  // the label that ends a section for memory alone
  std::map<std::string, std::string, std::less<>> variables_;
  std::vector<MemoryOnlineRule> found_;
};

}  // namespace

std::vector<MemoryOnlineRule> memory_online_rules_in(std::string_view text, const std::string& file) {
  RuleReader reader(file);
  std::string rule;
  unsigned first_line = 1;
  for (unsigned line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (rule.empty()) first_line = line_number;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with('#')) continue;
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    rule += line;
    if (goes_on) continue;
    reader.rule(rule, first_line);
    rule.clear();
  }
  reader.rule(rule, first_line);
  return reader.take();
}

std::vector<MemoryOnlineRule> memory_online_rules(const MachineFiles& files) {
  std::map<std::string, std::string> path_by_name;
  for (const char* folder : kRuleFolders) {
    for (const std::string& name : files.names_in(folder)) {
      if (name.ends_with(".rules")) path_by_name.try_emplace(name, std::string(folder) + "/" + name);
    }
  }
  std::vector<MemoryOnlineRule> found;
  for (const auto& [name, path] : path_by_name) {
    if (files.link_target(path) == "/dev/null") continue;
    const auto text = files.read(path);
    if (!text.has_value()) continue;
    for (MemoryOnlineRule& rule : memory_online_rules_in(*text, path)) found.push_back(std::move(rule));
  }
  return found;
}

}  // namespace warmdump
