#include "tests/fuzz/use_dump.h"

#include "recover/dump/page_walk.h"
#include "recover/output/core_notes.h"
#include "recover/report/dump_summary.h"
#include "recover/report/meta_json.h"
#include "tests/fuzz/fuzz_target.h"

namespace warmdump::fuzz {
namespace {

constexpr PageCount kPagesRead = 8;

void check_state_runs(const DumpReader& dump, PageCount& in_dump) {
  Pfn end = 0;
  const auto walked = for_each_state_run(dump, [&](const StateRun& run) -> Outcome<void> {
    expect(run.first_pfn >= end && run.count > 0, "runs of states ascend and are not empty");
    end = run.first_pfn + run.count;
    expect(end <= dump.pfn_end(), "runs of states lie in memory");
    expect((run.state == PageState::lost) == (run.lost_reason != LostReason::none),
           "what is lost has a reason");
    if (run.state == PageState::data || run.state == PageState::zero) in_dump += run.count;
    return {};
  });
  expect(walked.has_value(), "states of an opened dump can be read");
}

void check_pages(const DumpReader& dump) {
  PageReader reader(dump);
  std::array<std::byte, kPageSize> page;
  PageCount read = 0;
  for (const IndexedRun& run : dump.pages().runs()) {
    if (read++ == kPagesRead) return;
    const auto found = reader.read(run.first_pfn, page);
    expect(found.has_value(), "pages of an opened dump can be read");
    expect(*found ==
               (run.content == dump_format::RunContent::data || run.content == dump_format::RunContent::zero),
           "a page is there when the index says so");
  }
}

}  // namespace

void use_dump(const DumpReader& dump) {
  PageCount in_dump = 0;
  check_state_runs(dump, in_dump);
  check_pages(dump);
  (void)make_core_notes(dump);
  const auto contents = summarize(dump);
  expect(contents.has_value(), "an opened dump can be summed up");
  const DumpSummary& summary = contents->summary;
  expect(summary.pages.total.data + summary.pages.total.zero == in_dump, "pages are counted once");
  const auto parsed = parse_meta_json(to_json(summary));
  expect(parsed.has_value(), "what is written to meta.json can be read");
  expect(to_json(*parsed) == to_json(summary), "meta.json comes back as it was written");
  (void)format_printk_log(contents->log);
}

}  // namespace warmdump::fuzz
