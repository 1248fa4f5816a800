// The judge of the page filter: compares a dump of ours, page by page, with the vmcore it was made from, with
// what the struct pages of that vmcore say (page_decoder.h), and with makedumpfile's dump of the same vmcore.
// All files are read by libkdumpfile and by nothing of ours.
//
//   page_truth --vmcore FILE --dump FILE --level N [--reference FILE] [--allow-extra START,END,WHY]...
//              [--region START,SIZE] [--kinds]
//
// Every page present in --dump must hold the vmcore's bytes. The set of present pages must be the one that
// the decoded struct pages and the dump level ask for, but for ranges of physical addresses [START,END) that
// are kept whatever the filter says, and the region the dump was stored in, which never is. Where --reference
// has another set, the decoded struct page must say why, in one of a few ways named in
// reason_for_difference(). Each class of differences is counted and its pfn ranges are printed, with --kinds
// also how many pages of which kind there were. Exit code: 0 all explained, 1 not, 2 cannot judge.

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/vm/dump_file.h"
#include "tests/vm/page_decoder.h"

namespace {

using namespace warmdump::judge;

constexpr std::size_t kRangesPrintedMax = 12;

struct AddressRange {
  std::uint64_t start;
  std::uint64_t end;
  std::string why;

  bool contains(std::uint64_t pfn) const { return pfn * kPageSize >= start && pfn * kPageSize < end; }
};

// Pages of one kind of difference, kept as ranges of pfns.
class DifferenceClass {
 public:
  void add(std::uint64_t pfn) {
    ++count_;
    if (!ranges_.empty() && ranges_.back().second == pfn) {
      ranges_.back().second = pfn + 1;
    } else {
      ranges_.emplace_back(pfn, pfn + 1);
    }
  }

  void print(const std::string& name) const {
    std::printf("  %10" PRIu64 "  %s\n", count_, name.c_str());
    for (std::size_t i = 0; i < ranges_.size() && i < kRangesPrintedMax; ++i)
      std::printf("              pfn 0x%" PRIx64 "-0x%" PRIx64 "\n", ranges_[i].first, ranges_[i].second - 1);
    if (ranges_.size() > kRangesPrintedMax)
      std::printf("              and %zu ranges more\n", ranges_.size() - kRangesPrintedMax);
  }

 private:
  std::uint64_t count_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;  // end is exclusive
};

struct Arguments {
  std::string vmcore, dump, reference;
  std::optional<unsigned> level;
  std::vector<AddressRange> extra;
  AddressRange region{0, 0, {}};
  bool print_kinds = false;
};

AddressRange parse_range(const std::string& text, bool has_size) {
  char* rest = nullptr;
  AddressRange range{std::strtoull(text.c_str(), &rest, 0), 0, {}};
  if (*rest++ != ',') stop("expected two addresses at " + text);
  range.end = std::strtoull(rest, &rest, 0) + (has_size ? range.start : 0);
  range.why = *rest == ',' ? rest + 1 : "allowed";
  return range;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--kinds") {
      arguments.print_kinds = true;
      continue;
    }
    if (++i == argc) stop("no value for " + std::string(option));
    const std::string value = argv[i];
    if (option == "--vmcore") {
      arguments.vmcore = value;
    } else if (option == "--dump") {
      arguments.dump = value;
    } else if (option == "--reference") {
      arguments.reference = value;
    } else if (option == "--level") {
      arguments.level = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    } else if (option == "--allow-extra") {
      arguments.extra.push_back(parse_range(value, false));
    } else if (option == "--region") {
      arguments.region = parse_range(value, true);
    } else {
      stop("unknown option " + std::string(option));
    }
  }
  if (arguments.vmcore.empty() || arguments.dump.empty() || !arguments.level)
    stop(
        "usage: page_truth --vmcore FILE --dump FILE --level N [--reference FILE] [--allow-extra "
        "START,END,WHY]... "
        "[--region START,SIZE] [--kinds]");
  return arguments;
}

// Why we hold a page whatever the filter says; empty if nothing allows it.
std::string reason_for_extra(const Arguments& arguments, std::uint64_t pfn) {
  for (const AddressRange& range : arguments.extra) {
    if (range.contains(pfn)) return range.why;
  }
  return {};
}

// Why the reference holds a page that the struct pages tell to leave out, or the other way round; empty if
// nothing explains it.
std::string reason_for_difference(const PageDecoder& decoder, const PageFacts& facts, bool in_reference) {
  if (facts.rule == Rule::not_online) return "its memory block is not online";
  if (facts.rule == Rule::no_map) return "it has no struct page";
  if (in_reference && facts.rule == Rule::broken) return "it is broken, and must not be read";
  if (facts.has_new_section_flag) return "the reference takes a flag of its section for a part of an address";
  if (decoder.tails_have_masks() && facts.in_compound && facts.is_tail)
    return "a tail whose compound word is a mask, which the reference takes for a page of its own";
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const DumpFile vmcore(arguments.vmcore);
  const DumpFile dump(arguments.dump);
  const bool have_reference = !arguments.reference.empty();
  const DumpFile reference(have_reference ? arguments.reference : arguments.dump);

  const VmcoreHeaders headers = read_vmcore_headers(arguments.vmcore);
  const std::uint64_t pfn_end = headers.has_page.size();
  if (dump.pfn_end() > pfn_end) std::printf("note: the dump goes on behind the vmcore's last page\n");
  const std::vector<bool> dump_map = dump.page_map(pfn_end);
  const std::vector<bool> reference_map = reference.page_map(pfn_end);
  PageDecoder decoder(vmcore, headers.vmcoreinfo);
  const std::vector<PageFacts> facts = decoder.decode(pfn_end);

  std::uint64_t pages_dump = 0, pages_reference = 0;
  std::map<std::string, DifferenceClass> explained, unexplained;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> kinds;  // pages, kept pages
  Page expected, actual;
  for (std::uint64_t pfn = 0; pfn < pfn_end; ++pfn) {
    const bool in_dump = dump_map[pfn];
    const bool in_reference = have_reference && reference_map[pfn];
    pages_dump += in_dump;
    pages_reference += in_reference;
    if (!headers.has_page[pfn]) {
      if (in_dump) unexplained["ours, but not in the vmcore"].add(pfn);
      continue;
    }
    if (in_dump && (!vmcore.read(pfn, expected) || !dump.read(pfn, actual) || actual != expected))
      unexplained["ours, but other bytes than the vmcore"].add(pfn);
    if (arguments.region.contains(pfn)) {
      if (in_dump) unexplained["ours, but inside the region"].add(pfn);
      if (in_reference) explained["reference, not ours: the region itself"].add(pfn);
      continue;
    }

    const std::string& kind = decoder.kinds()[facts[pfn].kind];
    ++kinds[kind].first;
    kinds[kind].second += in_dump;
    const std::string always = reason_for_extra(arguments, pfn);
    const bool to_keep = PageDecoder::is_kept(facts[pfn].rule, *arguments.level);
    if (in_dump != to_keep && !(in_dump && !always.empty() && facts[pfn].rule != Rule::broken))
      unexplained[(in_dump ? "ours, to be left out: " : "not ours, to be kept: ") + kind].add(pfn);
    if (!have_reference || in_dump == in_reference) continue;
    const std::string whose = in_dump ? "ours, not in the reference: " : "reference, not ours: ";
    std::string why = in_dump ? always : "";
    if (why.empty()) why = reason_for_difference(decoder, facts[pfn], in_reference);
    if (why.empty()) {
      unexplained[whose + kind].add(pfn);
    } else {
      explained[whose + why].add(pfn);
    }
  }

  std::printf("pages: ours %" PRIu64, pages_dump);
  if (have_reference) std::printf(", reference %" PRIu64, pages_reference);
  std::printf("\nexplained differences:%s\n", explained.empty() ? " none" : "");
  for (const auto& [name, difference] : explained) difference.print(name);
  std::printf("unexplained differences:%s\n", unexplained.empty() ? " none" : "");
  for (const auto& [name, difference] : unexplained) difference.print(name);
  if (arguments.print_kinds) {
    std::printf("kinds of pages:\n");
    for (const auto& [name, count] : kinds)
      std::printf("  %10" PRIu64 " of %10" PRIu64 "  %s\n", count.second, count.first, name.c_str());
  }
  if (pages_dump == 0) stop("the dump holds no page at all");
  return unexplained.empty() ? 0 : 1;
}
