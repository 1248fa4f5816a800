// The judge of the page filter: compares a dump of ours with the vmcore it was made from and with
// makedumpfile's dump of the same vmcore, page by page, all three read by libkdumpfile and by nothing of
// ours.
//
//   page_truth --vmcore FILE --dump FILE [--reference FILE] [--allow-extra START,END,WHY]... [--region
//   START,SIZE]
//
// Every page present in --dump must hold the vmcore's bytes. The set of present pages must equal that of
// --reference. A difference is explained only by a class named on the command line: a range of physical
// addresses [START,END) that we keep whatever the filter says, or the region the dump was stored in, which we
// never keep. Each class is counted and its pfn ranges are printed. Exit code: 0 all explained, 1 not, 2
// cannot judge.

#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kPageSize = 4096;
constexpr std::size_t kRangesPrintedMax = 12;
using Page = std::array<unsigned char, kPageSize>;

[[noreturn]] void stop(const std::string& message) {
  std::fprintf(stderr, "page_truth: %s\n", message.c_str());
  std::exit(2);
}

// A dump in whatever format libkdumpfile knows.
class Dump {
 public:
  explicit Dump(const std::string& path) : path_(path), context_(kdump_new()) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) stop("cannot open " + path + ": " + std::strerror(errno));
    if (kdump_open_fd(context_, file) != KDUMP_OK) stop(path + ": " + kdump_get_err(context_));
  }
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;
  ~Dump() { kdump_free(context_); }

  std::uint64_t pfn_end() const {
    kdump_num_t value = 0;
    if (kdump_get_number_attr(context_, "max_pfn", &value) != KDUMP_OK)
      stop(path_ + ": " + kdump_get_err(context_));
    return value;
  }

  // One bit a pfn, least significant first: does the dump hold the page? For kdump files only: libkdumpfile
  // 0.5.1 leaves out pages of an ELF file whose segments overlap.
  std::vector<unsigned char> page_map(std::uint64_t pfn_end) const {
    kdump_attr_t attribute{};
    attribute.type = KDUMP_BITMAP;
    if (kdump_get_typed_attr(context_, KDUMP_ATTR_FILE_PAGEMAP, &attribute) != KDUMP_OK)
      stop(path_ + ": " + kdump_get_err(context_));
    std::vector<unsigned char> bits((pfn_end + 7) / 8);
    if (kdump_bmp_get_bits(attribute.val.bitmap, 0, pfn_end - 1, bits.data()) != KDUMP_OK)
      stop(path_ + ": " + kdump_bmp_get_err(attribute.val.bitmap));
    kdump_bmp_decref(attribute.val.bitmap);
    return bits;
  }

  // False if the dump does not hold the page; anything that is neither here nor absent ends the program.
  bool read(std::uint64_t pfn, Page& page) const {
    std::size_t size = kPageSize;
    const kdump_status status = kdump_read(context_, KDUMP_MACHPHYSADDR, pfn * kPageSize, page.data(), &size);
    if (status == KDUMP_OK && size == kPageSize) return true;
    if (status != KDUMP_ERR_NODATA)
      stop(path_ + ": pfn " + std::to_string(pfn) + ": " + kdump_get_err(context_));
    kdump_clear_err(context_);
    return false;
  }

 private:
  std::string path_;
  kdump_ctx_t* context_;
};

class PageMap {
 public:
  explicit PageMap(std::vector<unsigned char> bits) : bits_(std::move(bits)) {}
  bool operator[](std::uint64_t pfn) const { return (bits_[pfn / 8] >> (pfn % 8) & 1) != 0; }

 private:
  std::vector<unsigned char> bits_;
};

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
  std::vector<AddressRange> extra;
  AddressRange region{0, 0, {}};
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    char* value = argv[i + 1];
    if (option == "--vmcore") {
      arguments.vmcore = value;
    } else if (option == "--dump") {
      arguments.dump = value;
    } else if (option == "--reference") {
      arguments.reference = value;
    } else if (option == "--allow-extra" || option == "--region") {
      char* rest = value;
      const std::uint64_t start = std::strtoull(rest, &rest, 0);
      if (*rest++ != ',') stop("expected START,END at " + std::string(value));
      const std::uint64_t second = std::strtoull(rest, &rest, 0);
      if (option == "--region") {
        arguments.region = {start, start + second, {}};
      } else {
        arguments.extra.push_back({start, second, *rest == ',' ? rest + 1 : "allowed"});
      }
    } else {
      stop("unknown option " + std::string(option));
    }
  }
  if (argc % 2 == 0 || arguments.vmcore.empty() || arguments.dump.empty())
    stop(
        "usage: page_truth --vmcore FILE --dump FILE [--reference FILE] [--allow-extra START,END,WHY]... "
        "[--region START,SIZE]");
  return arguments;
}

// Why we may hold a page that the reference lacks; empty if nothing explains it.
std::string reason_for_extra(const Arguments& arguments, std::uint64_t pfn) {
  for (const AddressRange& range : arguments.extra) {
    if (range.contains(pfn)) return range.why;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const Dump vmcore(arguments.vmcore);
  const Dump dump(arguments.dump);
  const bool have_reference = !arguments.reference.empty();
  const Dump reference(have_reference ? arguments.reference : arguments.dump);

  const std::uint64_t pfn_end = vmcore.pfn_end();
  if (dump.pfn_end() > pfn_end) std::printf("note: the dump goes on behind the vmcore's last page\n");
  const PageMap dump_map(dump.page_map(pfn_end));
  const PageMap reference_map(reference.page_map(pfn_end));

  std::uint64_t pages_dump = 0, pages_reference = 0;
  std::map<std::string, DifferenceClass> explained, unexplained;
  Page expected, actual;
  for (std::uint64_t pfn = 0; pfn < pfn_end; ++pfn) {
    const bool in_dump = dump_map[pfn];
    const bool in_reference = have_reference && reference_map[pfn];
    pages_dump += in_dump;
    pages_reference += in_reference;

    const bool in_region = arguments.region.contains(pfn);
    if (in_dump && in_region) {
      unexplained["ours, but inside the region"].add(pfn);
    } else if (in_dump && !vmcore.read(pfn, expected)) {
      unexplained["ours, but not in the vmcore"].add(pfn);
    } else if (in_dump && (!dump.read(pfn, actual) || actual != expected)) {
      unexplained["ours, but other bytes than the vmcore"].add(pfn);
    }
    if (!have_reference || in_dump == in_reference) continue;
    if (in_dump) {
      const std::string why = reason_for_extra(arguments, pfn);
      if (why.empty()) {
        unexplained["ours, not in the reference"].add(pfn);
      } else {
        explained["ours, not in the reference: " + why].add(pfn);
      }
    } else if (in_region) {
      explained["reference, not ours: the region itself"].add(pfn);
    } else {
      unexplained["reference, not ours"].add(pfn);
    }
  }

  std::printf("pages: ours %" PRIu64, pages_dump);
  if (have_reference) std::printf(", reference %" PRIu64, pages_reference);
  std::printf("\nexplained differences:%s\n", explained.empty() ? " none" : "");
  for (const auto& [name, difference] : explained) difference.print(name);
  std::printf("unexplained differences:%s\n", unexplained.empty() ? " none" : "");
  for (const auto& [name, difference] : unexplained) difference.print(name);
  if (pages_dump == 0) stop("the dump holds no page at all");
  return unexplained.empty() ? 0 : 1;
}
