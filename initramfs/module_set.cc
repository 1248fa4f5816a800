#include "initramfs/module_set.h"

#include <fmt/format.h>

#include <algorithm>

namespace warmdump {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::size_t kDepthMax = 64;  // chains of needed modules are a handful long; bounds the recursion

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> result;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (text.empty()) return result;
    result.push_back(text.substr(0, text.find_first_of(kBlanks)));
    text.remove_prefix(result.back().size());
  }
}

}  // namespace

std::string module_name_of_path(std::string_view path) {
  if (const auto slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  std::string name(path.substr(0, path.find('.')));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Outcome<ModuleSet> ModuleSet::parse(std::string_view modules_dep, std::string_view modules_builtin) {
  ModuleSet set;
  for (unsigned number = 1; !modules_dep.empty(); ++number) {
    const std::string_view line = take_line(modules_dep);
    if (words(line).empty() || line.starts_with('#')) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return Failure(ErrorCode::corrupt,
                     fmt::format("modules.dep: no colon in line {}; run depmod again", number));
    }
    Entry entry{std::string(line.substr(0, colon)), {}};
    for (const std::string_view needed : words(line.substr(colon + 1))) {
      entry.needed.push_back(module_name_of_path(needed));
    }
    set.entries_.insert_or_assign(module_name_of_path(entry.path), std::move(entry));
  }
  while (!modules_builtin.empty()) {
    for (const std::string_view path : words(take_line(modules_builtin))) {
      set.built_in_.insert(module_name_of_path(path));
    }
  }
  return set;
}

struct ModuleSet::Walk {
  std::vector<std::string> order;  // paths
  std::set<std::string, std::less<>> done;
  std::vector<std::string> open;  // names from the wanted module down to the one being visited
};

Outcome<void> ModuleSet::visit(const std::string& name, Walk& walk) const {
  if (walk.done.count(name) != 0) return {};
  if (std::find(walk.open.begin(), walk.open.end(), name) != walk.open.end() ||
      walk.open.size() == kDepthMax) {
    return Failure(ErrorCode::corrupt,
                   fmt::format("modules.dep: module {} needs itself; run depmod again", name));
  }
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    if (built_in(name)) return {};
    return Failure(ErrorCode::not_found,
                   fmt::format("the kernel has no module {}, neither as a file nor built in", name));
  }
  walk.open.push_back(name);
  for (const std::string& needed : found->second.needed) TRY(visit(needed, walk));
  walk.open.pop_back();
  walk.done.insert(name);
  walk.order.push_back(found->second.path);
  return {};
}

Outcome<std::vector<std::string>> ModuleSet::load_order(const std::vector<std::string>& wanted) const {
  Walk walk;
  for (const std::string& name : wanted) TRY(visit(name, walk));
  return std::move(walk.order);
}

}  // namespace warmdump
