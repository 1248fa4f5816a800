#include "selftest/machine/recipe.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>

#include "common/dump_format/dump_state.h"

namespace warmdump::synthetic {
namespace {

using dump_format::PageClass;

// To add one: a line here, its enumerator in recipe.h, its case in StructPages::encode (struct_pages.cc).
const std::map<std::string_view, PageKind> kPageKinds = {
    {"kernel", PageKind::kernel},                  // in use, nothing known about it
    {"free", PageKind::free},                      // buddy block of 2^order
    {"slab", PageKind::slab},                      //
    {"anon", PageKind::anon},                      // order > 0: transparent huge page
    {"cache", PageKind::cache},                    // order > 0: large folio
    {"private_cache", PageKind::private_cache},    //
    {"swap_cache", PageKind::swap_cache},          // anonymous, in the swap cache, not on the LRU lists
    {"hugetlb", PageKind::hugetlb},                // hvo, hvo_shared: its tail struct pages are remapped
    {"compound", PageKind::compound},              // plain kernel memory of one piece
    {"offline", PageKind::offline},                //
    {"hwpoison", PageKind::hwpoison},              //
    {"page_table", PageKind::page_table},          //
    {"unaccepted", PageKind::unaccepted},          // block of 2^order
    {"tail", PageKind::tail},                      // tail pages without a head; compound= for the word
    {"poisoned", PageKind::poisoned},              // struct page all ones, never initialised
    {"zeroed", PageKind::zeroed},                  // struct page all zeros
    {"garbage", PageKind::garbage},                // struct page of any bytes, never initialised
    {"no_struct_page", PageKind::no_struct_page},  // memory map not present there
};

const std::string_view kFields[] = {"flags", "refcount", "mapping", "mapcount", "private", "compound"};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'K':
        shift = 10;
        break;
      case 'M':
        shift = 20;
        break;
      case 'G':
        shift = 30;
        break;
      case 'T':
        shift = 40;
        break;
      default:
        break;
    }
    if (shift != 0) text.remove_suffix(1);
  }
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value << shift;
}

std::vector<std::string> split_words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word && !word.starts_with('#');) words.push_back(word);
  return words;
}

std::optional<PageClass> parse_class(std::string_view name) {
  for (unsigned i = 0; i < dump_format::kPageClassCount; ++i) {
    std::string candidate = dump_format::page_class_name(static_cast<PageClass>(i));
    for (char& c : candidate) c = c == ' ' ? '_' : c;
    if (candidate == name) return static_cast<PageClass>(i);
  }
  return std::nullopt;
}

class Parser {
 public:
  Outcome<Recipe> parse(std::string_view text) {
    std::istringstream stream{std::string(text)};
    std::string line;
    for (line_ = 1; std::getline(stream, line); ++line_) TRY(parse_line(line));
    TRY(check_whole());
    return std::move(recipe_);
  }

 private:
  Failure expected(std::string_view what) const {
    return Failure(ErrorCode::invalid, fmt::format("recipe line {}: expected {}", line_, what));
  }

  Outcome<void> parse_line(const std::string& line) {
    words_ = split_words(line);
    if (words_.empty()) return {};
    const std::string& keyword = words_[0];
    rest_ = line.substr(line.find(keyword) + keyword.size());
    rest_.erase(0, std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    const auto statement = kStatements.find(keyword);
    if (statement == kStatements.end()) return expected(fmt::format("a statement, not \"{}\"", keyword));
    return (this->*statement->second)();
  }

  Outcome<std::uint64_t> number(std::size_t word) const {
    if (word < words_.size()) {
      if (const auto value = parse_number(words_[word])) return *value;
    }
    return expected(fmt::format("a number as word {}", word + 1));
  }

  template <class T>
  Outcome<void> store_number(T& target) {
    target = static_cast<T>(TRY(number(1)));
    return {};
  }

  Outcome<ByteRange> byte_range() const {
    const std::string word = words_.size() > 1 ? words_[1] : "";
    const std::size_t dots = word.find("..");
    const auto start = parse_number(std::string_view(word).substr(0, dots));
    const auto end =
        dots == std::string::npos ? std::nullopt : parse_number(std::string_view(word).substr(dots + 2));
    if (!start || !end || *start >= *end) return expected("a byte range START..END");
    return ByteRange{*start, *end};
  }

  Outcome<PageRange> page_range() const {
    const std::string word = words_.size() > 1 ? words_[1] : "";
    const std::size_t plus = word.find('+');
    const auto first = parse_number(std::string_view(word).substr(0, plus));
    const auto count =
        plus == std::string::npos ? std::nullopt : parse_number(std::string_view(word).substr(plus + 1));
    if (!first || !count || *count == 0) return expected("a page range FIRST+COUNT");
    return PageRange{*first, *count};
  }

  // Sets `target` to the value that stands with word `word` in `choices`.
  template <class T>
  Outcome<void> choose(T& target, std::size_t word,
                       std::initializer_list<std::pair<std::string_view, T>> choices) {
    std::string names;
    for (const auto& [name, value] : choices) {
      if (word < words_.size() && words_[word] == name) {
        target = value;
        return {};
      }
      names += (names.empty() ? "" : " or ") + std::string(name);
    }
    return expected(names);
  }

  Outcome<void> levels() { return choose(recipe_.levels, 1, {{"4", 4U}, {"5", 5U}}); }
  Outcome<void> kernel_image() {
    recipe_.kernel_image = TRY(byte_range());
    return {};
  }
  Outcome<void> kernel_offset() { return store_number(recipe_.kernel_offset); }
  Outcome<void> page_offset() { return store_number(recipe_.page_offset); }
  Outcome<void> vmemmap_base() { return store_number(recipe_.vmemmap_base); }
  Outcome<void> sme_mask() { return store_number(recipe_.sme_mask); }
  Outcome<void> memory_model() {
    return choose(recipe_.memory_model, 1,
                  {{"vmemmap", MemoryModel::vmemmap}, {"classic", MemoryModel::classic}});
  }
  Outcome<void> mem_section() {
    return choose(recipe_.mem_section_extreme, 1, {{"extreme", true}, {"flat", false}});
  }
  Outcome<void> mem_section_size() { return store_number(recipe_.mem_section_size); }
  Outcome<void> section_size_bits() { return store_number(recipe_.section_size_bits); }
  Outcome<void> struct_page_size() { return store_number(recipe_.struct_page_size); }
  Outcome<void> compound() {
    return choose(recipe_.compound, 1,
                  {{"page1_bytes", CompoundStyle::page1_bytes},
                   {"page1_flags", CompoundStyle::page1_flags},
                   {"page1_flags_typed", CompoundStyle::page1_flags_typed}});
  }
  Outcome<void> tails() {
    return choose(recipe_.tails, 1, {{"pointer", TailStyle::pointer}, {"mask", TailStyle::mask}});
  }
  Outcome<void> ram() {
    recipe_.ram.push_back(TRY(byte_range()));
    return {};
  }
  Outcome<void> metadata() {
    recipe_.metadata = TRY(byte_range());
    return {};
  }
  Outcome<void> share_struct_pages() {
    recipe_.share_struct_pages = true;
    return {};
  }
  Outcome<void> cpus() { return store_number(recipe_.cpus); }
  Outcome<void> device_dump() {
    if (words_.size() != 3) return expected("device_dump NAME BYTES");
    recipe_.device_dumps.push_back({words_[1], TRY(number(2))});
    return {};
  }
  Outcome<void> printk_ring() {
    recipe_.printk_desc_bits = static_cast<unsigned>(TRY(number(1)));
    recipe_.printk_text_bits = static_cast<unsigned>(TRY(number(2)));
    return {};
  }

  Outcome<void> log() {
    LogStatement record;
    std::istringstream stream(rest_);
    double seconds = 0;
    unsigned level = 0;
    if (!(stream >> seconds >> level)) return expected("log SECONDS LEVEL TEXT");
    record.time_ns = static_cast<std::uint64_t>(std::llround(seconds * 1e9));
    record.level = static_cast<std::uint8_t>(level);
    stream >> std::ws;
    while (stream.peek() == '@' || stream.peek() == '!') {
      std::string word;
      stream >> word >> std::ws;
      if (word == "!reserved") {
        record.state = LogState::reserved;
      } else if (word == "!committed") {
        record.state = LogState::committed;
      } else if (word.starts_with("@T") || word.starts_with("@C")) {
        const auto id = parse_number(std::string_view(word).substr(2));
        if (!id) return expected("a caller like @T12 or @C0");
        record.caller_id = static_cast<std::uint32_t>(*id) | (word[1] == 'C' ? 0x8000'0000U : 0U);
      } else {
        return expected("@CALLER or !STATE");
      }
    }
    std::getline(stream, record.text);
    recipe_.log.push_back(std::move(record));
    return {};
  }

  Outcome<void> vmcoreinfo() {
    recipe_.vmcoreinfo.push_back(rest_);
    return {};
  }
  Outcome<void> layout() {
    recipe_.layout.push_back(rest_);
    return {};
  }
  Outcome<void> omit() {
    recipe_.omit.push_back(rest_);
    return {};
  }
  Outcome<void> section_flags() {
    recipe_.section_flags.push_back({TRY(page_range()), TRY(number(2))});
    return {};
  }
  Outcome<void> struct_pages_by_4k() {
    recipe_.struct_pages_by_4k.push_back(TRY(page_range()));
    return {};
  }

  Outcome<void> content() {
    ContentStatement statement;
    statement.pages = TRY(page_range());
    TRY(choose(statement.kind, 2,
               {{"zero", ContentKind::zero},
                {"pattern", ContentKind::pattern},
                {"random", ContentKind::random},
                {"bytes", ContentKind::bytes}}));
    if (statement.kind == ContentKind::bytes) {
      const std::string hex = words_.size() > 3 ? words_[3] : "";
      for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        const auto byte = parse_number("0x" + hex.substr(i, 2));
        if (!byte) return expected("hexadecimal digits");
        statement.bytes.push_back(static_cast<std::byte>(*byte));
      }
      if (statement.bytes.empty() || hex.size() % 2 != 0) return expected("pairs of hexadecimal digits");
    }
    recipe_.content.push_back(std::move(statement));
    return {};
  }

  Outcome<void> page() {
    PageStatement statement;
    const auto kind = words_.size() > 2 ? kPageKinds.find(words_[2]) : kPageKinds.end();
    if (kind == kPageKinds.end()) return expected("a kind of page after the page range");
    statement.kind = kind->second;
    return page_statement(std::move(statement), 3);
  }

  Outcome<void> patch() {
    PageStatement statement;
    statement.kind = PageKind::patch;
    return page_statement(std::move(statement), 2);
  }

  Outcome<void> page_statement(PageStatement statement, std::size_t word) {
    statement.line = line_;
    statement.pages = TRY(page_range());
    for (; word < words_.size() && words_[word] != "->"; ++word) TRY(page_option(statement, words_[word]));
    const bool is_near = word + 4 == words_.size() && words_[word + 2] == "near";
    const auto page_class =
        is_near || word + 2 == words_.size() ? parse_class(words_[word + 1]) : std::nullopt;
    if (!page_class) return expected("-> and the class of the pages at the end");
    statement.expected = *page_class;
    if (is_near) {
      statement.near = parse_class(words_[word + 3]);
      if (!statement.near || statement.near == page_class) return expected("near and another class");
    }
    const PageCount block = PageCount{1} << statement.order;
    if (statement.pages.first % block != 0 || statement.pages.count % block != 0) {
      return expected("whole, aligned blocks of 2^order pages");
    }
    recipe_.pages.push_back(std::move(statement));
    return {};
  }

  Outcome<void> page_option(PageStatement& statement, const std::string& option) {
    const std::size_t equals = option.find('=');
    if (option == "hvo" || option == "hvo_shared") {
      statement.hugetlb_vmemmap = option == "hvo" ? HugetlbVmemmap::fake_heads : HugetlbVmemmap::shared_tails;
    } else if (option.starts_with('+')) {
      statement.flags_set.push_back(option.substr(1));
    } else if (option.starts_with('-')) {
      statement.flags_cleared.push_back(option.substr(1));
    } else if (equals != std::string::npos) {
      const std::string name = option.substr(0, equals);
      const auto value = parse_number(option.substr(equals + 1));
      if (!value) return expected(fmt::format("a number in \"{}\"", option));
      if (name == "order") {
        if (*value > 30) return expected("an order of at most 30");
        statement.order = static_cast<unsigned>(*value);
      } else if (std::find(std::begin(kFields), std::end(kFields), name) != std::end(kFields)) {
        statement.fields[name] = *value;
      } else {
        return expected(fmt::format("a field of struct page, not \"{}\"", name));
      }
    } else {
      return expected(fmt::format("an option of a page statement, not \"{}\"", option));
    }
    return {};
  }

  Outcome<void> check_whole() const {
    const auto fail = [](std::string_view what) {
      return Failure(ErrorCode::invalid, fmt::format("recipe: {}", what));
    };
    if (recipe_.ram.empty()) return fail("no ram");
    if (recipe_.kernel_image.end < recipe_.kernel_image.start + 2 * kMiB)
      return fail("kernel_image under 2 MiB");
    if ((recipe_.kernel_image.start | recipe_.kernel_offset) % (2 * kMiB) != 0) {
      return fail("kernel_image and kernel_offset must be multiples of 2 MiB");
    }
    if ((recipe_.metadata.start | recipe_.metadata.end) % (2 * kMiB) != 0 || recipe_.metadata.end == 0) {
      return fail("metadata missing or not a multiple of 2 MiB");
    }
    if (recipe_.section_size_bits < 21 || recipe_.section_size_bits > 34)
      return fail("section_size_bits out of range");
    return {};
  }

  // To add one: a line here, a parsing function above, a field in Recipe, its description in recipe.h.
  inline static const std::map<std::string_view, Outcome<void> (Parser::*)()> kStatements = {
      {"levels", &Parser::levels},
      {"kernel_image", &Parser::kernel_image},
      {"kernel_offset", &Parser::kernel_offset},
      {"page_offset", &Parser::page_offset},
      {"vmemmap_base", &Parser::vmemmap_base},
      {"sme_mask", &Parser::sme_mask},
      {"memory_model", &Parser::memory_model},
      {"mem_section", &Parser::mem_section},
      {"mem_section_size", &Parser::mem_section_size},
      {"section_size_bits", &Parser::section_size_bits},
      {"struct_page_size", &Parser::struct_page_size},
      {"compound", &Parser::compound},
      {"tails", &Parser::tails},
      {"ram", &Parser::ram},
      {"metadata", &Parser::metadata},
      {"share_struct_pages", &Parser::share_struct_pages},
      {"cpus", &Parser::cpus},
      {"device_dump", &Parser::device_dump},
      {"printk_ring", &Parser::printk_ring},
      {"log", &Parser::log},
      {"vmcoreinfo", &Parser::vmcoreinfo},
      {"layout", &Parser::layout},
      {"omit", &Parser::omit},
      {"section_flags", &Parser::section_flags},
      {"struct_pages_by_4k", &Parser::struct_pages_by_4k},
      {"content", &Parser::content},
      {"page", &Parser::page},
      {"patch", &Parser::patch},
  };

  Recipe recipe_;
  std::size_t line_ = 0;
  std::vector<std::string> words_;
  std::string rest_;  // of the line, behind the keyword
};

}  // namespace

Outcome<Recipe> Recipe::parse(std::string_view text) {
  return Parser().parse(text);
}

Outcome<Recipe> Recipe::load(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return Failure(ErrorCode::not_found, "cannot read the recipe " + path);
  return in_context(path, parse(text.str()));
}

}  // namespace warmdump::synthetic
