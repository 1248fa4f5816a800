#include "selftest/offline/dump_verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <vector>

#include "common/dump_format/dump_state.h"
#include "common/hosted/whole_file.h"
#include "recover/report/dump_directory.h"
#include "selftest/offline/kdump_pages.h"
#include "selftest/offline/sample_machine.h"

namespace warmdump {
namespace {

constexpr unsigned kDumpLevel = 31;
constexpr ByteCount kLogSizeMax = 1 * kMiB;

Failure differs(const std::string& what) {
  return Failure(ErrorCode::corrupt, what);
}

PageCount kept_pages(const synthetic::VmcoreTruth& truth) {
  PageCount kept = 0;
  for (Pfn pfn = 0; pfn < truth.pfn_end; ++pfn) kept += truth.is_kept(pfn, kDumpLevel) ? 1U : 0U;
  return kept;
}

// What is wrong with one page, empty for nothing.
Outcome<std::string> page_fault(const synthetic::VmcoreTruth& truth, Pfn pfn, bool is_there,
                                std::span<const std::byte> page) {
  const bool is_kept = truth.is_kept(pfn, kDumpLevel);
  if (is_there != is_kept) return std::string(is_kept ? "is missing" : "should have been left out");
  if (!is_there) return std::string();
  const std::vector<std::byte> wanted = TRY(truth.page_bytes(pfn));
  const auto [first, found] = std::ranges::mismatch(wanted, page);
  if (first == wanted.end()) return std::string();
  return fmt::format("has wrong bytes from {:#x} on", first - wanted.begin());
}

}  // namespace

Outcome<std::string> verify_pages(const synthetic::VmcoreTruth& truth, const ReadPage& read) {
  std::array<std::byte, kPageSize> page;
  PageCount present = 0;
  PageCount wrong = 0;
  std::string first_fault;
  for (Pfn pfn = 0; pfn < truth.pfn_end; ++pfn) {
    const bool is_there = TRY(read(pfn, page));
    present += is_there ? 1U : 0U;
    const std::string fault = TRY(page_fault(truth, pfn, is_there, page));
    if (fault.empty()) continue;
    if (wrong++ == 0) first_fault = fmt::format("pfn {:#x} {}", pfn, fault);
  }
  if (wrong > 0) return differs(fmt::format("{} pages are wrong: {}", wrong, first_fault));
  return fmt::format("{} pages, all as in the machine", present);
}

Outcome<std::string> verify_region(const synthetic::VmcoreTruth& truth, const DumpReader& dump) {
  using dump_format::Completeness, dump_format::State;
  if (!dump.header() || dump.header()->state != static_cast<std::uint32_t>(State::complete)) {
    return differs("the header of the region does not say that the dump is complete");
  }
  if (dump.damage().any()) {
    return differs(
        fmt::format("{} damaged ranges of frames, the first at {:#x}; {} frames missing, {} invalid",
                    dump.damage().scan.damaged_ranges, dump.damage().scan.first_damage.value_or(0),
                    dump.damage().scan.missing_frames, dump.damage().invalid_frames));
  }
  if (!dump.end() || dump.end()->completeness != static_cast<std::uint32_t>(Completeness::complete)) {
    return differs("the last frame is missing, or does not say that the dump is complete");
  }
  PageReader pages(dump);
  return verify_pages(truth, [&](Pfn pfn, auto page) { return pages.read(pfn, page); });
}

Outcome<std::string> verify_vmcore(const synthetic::VmcoreTruth& truth, const std::filesystem::path& file) {
  KdumpPages pages = TRY(in_context(file.filename().string(), KdumpPages::open(file)));
  if (pages.page_count() != kept_pages(truth)) {
    return differs(fmt::format("it has {} pages instead of {}", pages.page_count(), kept_pages(truth)));
  }
  return verify_pages(truth, [&](Pfn pfn, auto page) { return pages.read(pfn, page); });
}

Outcome<std::string> verify_log(const synthetic::VmcoreTruth& truth, const std::filesystem::path& file) {
  std::istringstream text(TRY(read_whole_file(file.string(), kLogSizeMax)));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  if (lines.size() != truth.log.size()) {
    return differs(fmt::format("it has {} lines instead of {}", lines.size(), truth.log.size()));
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].ends_with(truth.log[i].text)) {
      return differs(fmt::format("line {} is \"{}\" instead of \"{}\"", i + 1, lines[i], truth.log[i].text));
    }
  }
  return fmt::format("{} lines", lines.size());
}

Outcome<std::string> verify_meta(const synthetic::VmcoreTruth& truth, const std::string& panic_text,
                                 const std::filesystem::path& directory) {
  const DumpSummary summary = TRY(read_dump_directory(directory));
  if (!summary.complete) return differs("it says \"" + summary.completeness + "\" instead of complete");
  if (summary.panic_text != panic_text) {
    return differs(fmt::format("its panic text is \"{}\" instead of \"{}\"", summary.panic_text, panic_text));
  }
  if (summary.kernel.release != kSampleKernelRelease) {
    return differs(
        fmt::format("its kernel is \"{}\" instead of \"{}\"", summary.kernel.release, kSampleKernelRelease));
  }
  const PageCount pages = summary.pages.total.data + summary.pages.total.zero;
  if (pages != kept_pages(truth)) {
    return differs(fmt::format("it counts {} pages instead of {}", pages, kept_pages(truth)));
  }
  return fmt::format("{}, \"{}\"", summary.completeness, summary.panic_text);
}

}  // namespace warmdump
