// Which module files make a kernel able to do something, and in which order they are loaded; from the
// indexes that depmod writes below /lib/modules/<version>.

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

// "kernel/drivers/nvdimm/nd-pmem.ko.xz" -> "nd_pmem": what the kernel calls the module.
std::string module_name_of_path(std::string_view path);

class ModuleSet {
 public:
  // Texts of modules.dep ("path: path path ...") and modules.builtin (one path a line). A line of modules.dep
  // without a colon is ErrorCode::corrupt, with its number.
  static Outcome<ModuleSet> parse(std::string_view modules_dep, std::string_view modules_builtin);

  // Files to load, in this order, so that all of `wanted` work: each after everything it needs, none twice,
  // built-in ones left out. Paths as in modules.dep: relative to the modules directory, or absolute.
  // A module that is neither a file nor built in: ErrorCode::not_found; a circle: corrupt.
  Outcome<std::vector<std::string>> load_order(const std::vector<std::string>& wanted) const;

  bool built_in(std::string_view name) const { return built_in_.find(name) != built_in_.end(); }

 private:
  struct Entry {
    std::string path;
    std::vector<std::string> needed;  // names
  };
  struct Walk;
  Outcome<void> visit(const std::string& name, Walk& walk) const;

  std::map<std::string, Entry, std::less<>> entries_;  // by name
  std::set<std::string, std::less<>> built_in_;
};

}  // namespace warmdump
