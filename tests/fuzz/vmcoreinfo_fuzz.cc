// The text of the VMCOREINFO note, and the layouts that are read from it.

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "common/kernel/page_layout.h"
#include "common/kernel/vmcoreinfo.h"
#include "recover/report/printk_log.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/recipe_files.h"

namespace warmdump::fuzz {
namespace {

// Every line "KIND(name)=value" or "key=value" as it stands in the text.
void look_up(const Vmcoreinfo& info, std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view key = line.substr(0, equals);
  (void)info.hexadecimal(key);
  (void)info.decimal(key);
  const auto value = info.text(key);
  expect(value.has_value(), "a key that stands in the text is found");
  const std::size_t open = key.find('(');
  if (open == std::string_view::npos || key.back() != ')') return;
  const std::string_view name = key.substr(open + 1, key.size() - open - 2);
  (void)info.symbol(name);
  (void)info.size(name);
  (void)info.offset(name);
  (void)info.length(name);
  (void)info.number(name);
}

// The lines that a recipe gives word for word.
std::string vmcoreinfo_of(const std::string& recipe) {
  std::istringstream lines(recipe);
  std::string vmcoreinfo;
  for (std::string line; std::getline(lines, line);) {
    for (const std::string_view statement : {"vmcoreinfo ", "layout "}) {
      if (line.starts_with(statement)) vmcoreinfo += line.substr(statement.size()) + '\n';
    }
  }
  return vmcoreinfo;
}

}  // namespace

void fuzz_one(Input input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const Vmcoreinfo info(text);
  const std::string_view whole = info.whole_text();
  for (std::size_t start = 0; start < whole.size();) {
    const std::size_t end = std::min(whole.find('\n', start), whole.size());
    look_up(info, whole.substr(start, end - start));
    start = end + 1;
  }
  if (const auto size = info.page_size()) expect((*size & (*size - 1)) == 0, "a page size is a power of two");
  const auto layout = PageLayout::from_vmcoreinfo(info);
  if (layout) {
    expect(layout->size <= kStructPageSizeMax && layout->flags_offset + 8 <= layout->size &&
               layout->mapcount_offset + 4 <= layout->size && layout->mapping_offset + 8 <= layout->size,
           "fields lie inside of struct page");
  }
  (void)decode_printk_log({}, info);
}

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> inputs;
  for (const std::string& name : test::recipe_names()) {
    const std::string text = vmcoreinfo_of(test::recipe_text(name));
    const auto bytes = std::as_bytes(std::span(text));
    inputs.emplace_back(bytes.begin(), bytes.end());
  }
  return inputs;
}

}  // namespace warmdump::fuzz
