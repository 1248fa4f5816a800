#include "tests/recover/report/sample_pages.h"

#include <fmt/format.h>

#include "recover/report/dump_map.h"
#include "recover/report/page/report_page.h"

namespace warmdump::test {
namespace {

using dump_format::PageClass;

constexpr PageCount kMiBPages = kMiB / kPageSize;

// A machine of 3 GiB with a hole, and its counts.
struct Machine {
  DumpMapBuilder builder;
  PageCounts pages;

  void add(Pfn first, PageCount count, PageState state, PageClass page_class) {
    const bool is_kept = state != PageState::excluded;
    builder.add({first, count, state, LostReason::none, page_class, is_kept});
    for (ClassCounts* counts : {&pages.classes[static_cast<std::size_t>(page_class)], &pages.total}) {
      counts->pages += count;
      counts->kept += is_kept ? count : 0;
      counts->data += state == PageState::data ? count : 0;
      counts->zero += state == PageState::zero ? count : 0;
      counts->excluded += state == PageState::excluded ? count : 0;
      counts->lost += state == PageState::lost ? count : 0;
    }
  }
};

Machine make_machine(PageState last) {
  Machine machine;
  machine.add(0, 600 * kMiBPages, PageState::excluded, PageClass::free);
  machine.add(600 * kMiBPages, 60 * kMiBPages, PageState::data, PageClass::kernel);
  machine.add(660 * kMiBPages, 40 * kMiBPages, PageState::zero, PageClass::kernel);
  machine.add(700 * kMiBPages, 324 * kMiBPages, PageState::excluded, PageClass::cache);
  machine.add(4096 * kMiBPages, 52 * kMiBPages, PageState::data, PageClass::kernel_image);
  machine.add(4148 * kMiBPages, 21 * kMiBPages, PageState::data, PageClass::slab);
  machine.add(4169 * kMiBPages, 3 * kMiBPages, PageState::data, PageClass::page_table);
  machine.add(4172 * kMiBPages, 900 * kMiBPages, PageState::excluded, PageClass::user);
  machine.add(5072 * kMiBPages, 512 * kMiBPages, PageState::excluded, PageClass::region);
  machine.add(5584 * kMiBPages, 512 * kMiBPages, PageState::excluded, PageClass::hugetlb);
  machine.add(6096 * kMiBPages, 48 * kMiBPages, last, PageClass::struct_page);
  return machine;
}

constexpr PfnRange kRegion{5070 * kMiBPages, 5584 * kMiBPages};

DumpSummary make_summary(const Machine& machine) {
  DumpSummary summary;
  summary.region.state = "complete";
  summary.region.phase = "finished";
  summary.region.region_start = kRegion.first * kPageSize;
  summary.region.region_size = kRegion.count() * kPageSize;
  summary.region.capture_ms = 3612;
  summary.complete = true;
  summary.completeness = "complete";
  summary.authenticity = "sealed";
  summary.panic_text = "Kernel panic - not syncing: Fatal exception";
  summary.kernel.release = "6.1.0-13-amd64";
  summary.kernel.version = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)";
  summary.kernel.node_name = "build-07";
  summary.build_id = "0123456789abcdef0123456789abcdef01234567";
  summary.crash_time_s = 1'700'000'000;
  summary.dump_level = 31;
  summary.cpu_count = 8;
  summary.capture_info = {{"os_id", "debian"},
                          {"os_release", "Debian GNU/Linux 12 (bookworm)"},
                          {"boot_id", "5d1c0ed4-7e12-4a6e-9a36-0b7e6f3c1f55"}};
  summary.pages = machine.pages;
  summary.phases = {{"kernel tables", 82, 728, 25'800}, {"kernel pages", 12'238, 18'006, 9'600'000}};
  summary.bytes_raw = machine.pages.total.data * kPageSize;
  summary.bytes_stored = 24 * kMiB;
  summary.vmcore_size = 31 * kMiB;
  summary.log_records = oops_log().records.size();
  summary.timings_ms = {{"summary", 412}, {"vmcore", 1'820}, {"total", 2'232}};
  return summary;
}

std::string page_of(const DumpSummary& summary, Machine&& machine, const PrintkLog& log) {
  return report_html(summary, std::move(machine.builder).finish(kRegion), log);
}

}  // namespace

PrintkLog oops_log() {
  PrintkLog log;
  const auto add = [&log](double seconds, const std::string& text, std::uint32_t caller = 812) {
    const auto time = static_cast<std::uint64_t>(seconds * 1000) * 1'000'000;
    log.records.push_back({log.records.size(), time, caller, text});
  };
  add(0, "Linux version 6.1.0-13-amd64", 0);
  add(0, "Command line: root=/dev/sda1 crashkernel=96M", 0);
  add(0, "DMI: ACME Model 7/Board, BIOS 1.2 01/02/2024", 0);
  for (int index = 0; index < 300; ++index) add(1 + index, fmt::format("device {} is ready", index), 1);
  add(4200.5, "BUG: kernel NULL pointer dereference, address: 0000000000000000");
  add(4200.5, "CPU: 1 PID: 812 Comm: sh Tainted: G           OE      6.1.0-13-amd64 #1  Debian 6.1.55-1");
  add(4200.5, "RIP: 0010:sysrq_handle_crash+0x16/0x20");
  add(4200.5, "RIP: 0010:another_processor+0x1/0x2", 99);
  add(4200.5, "RSP: 0018:ffffb1c0407dfe30 EFLAGS: 00010282");
  add(4200.5, "RAX: 0000000000000010 RBX: 0000000000000063 RCX: 0000000000000000");
  add(4200.5, "Call Trace:");
  add(4200.5, " <TASK>");
  add(4200.5, " __handle_sysrq.cold+0x44/0x11c");
  add(4200.5, " ? ksys_write+0x6b/0xf0");
  add(4200.5, " vfs_write+0xc7/0x3f0 [ext4]");
  add(4200.5, "Modules linked in: ext4(E) evil(OE)");
  add(4200.5, "---[ end trace 0000000000000000 ]---");
  add(4200.6, "Kernel panic - not syncing: Fatal exception");
  return log;
}

std::string complete_page() {
  Machine machine = make_machine(PageState::data);
  const DumpSummary summary = make_summary(machine);
  return page_of(summary, std::move(machine), oops_log());
}

std::string incomplete_page() {
  Machine machine = make_machine(PageState::lost);
  DumpSummary summary = make_summary(machine);
  summary.complete = false;
  summary.completeness =
      "incomplete: the region was too small, it was full while storing: other struct pages, 12288 pages lost";
  summary.authenticity = "unsealed";
  summary.pages.lost_by_reason[static_cast<std::size_t>(LostReason::not_stored)] = summary.pages.total.lost;
  summary.region.state = "partial";
  return page_of(summary, std::move(machine), oops_log());
}

std::string hostile_page() {
  const std::string evil =
      "</script><img src=x onerror=alert(1)>'\"\x1b[31m\u202e{{title}}\xff\xc0\xbc</title></style><script>"
      "alert(1)</script>&lt;";
  Machine machine = make_machine(PageState::lost);
  DumpSummary summary = make_summary(machine);
  for (std::string* text :
       {&summary.completeness, &summary.authenticity, &summary.panic_text, &summary.kernel.release,
        &summary.kernel.version, &summary.kernel.node_name, &summary.kernel.machine, &summary.build_id,
        &summary.region.phase, &summary.region.error, &summary.region.error_text}) {
    *text = evil;
  }
  summary.complete = false;
  summary.capture_info = {{"os_id", evil}, {"os_release", evil}, {evil, evil}};
  summary.phases.push_back({evil, 1, 1, 1});
  summary.timings_ms[evil] = 1;
  PrintkLog log = oops_log();
  for (PrintkRecord& record : log.records) record.text += evil;
  log.records.push_back({log.records.size(), 1, 812, "Kernel panic - not syncing: " + evil});
  return page_of(summary, std::move(machine), log);
}

std::string largest_page() {
  const std::string huge(kMiB, '"');
  Machine machine;
  for (Pfn piece = 0; piece < 4096; ++piece) {
    for (std::size_t index = 1; index < dump_format::kPageClassCount; ++index) {
      const Pfn first = (piece * 4096 + index * 64) * kMiBPages;
      const auto page_class = static_cast<PageClass>(index);
      machine.add(first, 9 * kMiBPages, PageState::data, page_class);
      machine.add(first + 9 * kMiBPages, 9 * kMiBPages, PageState::excluded, page_class);
      machine.add(first + 18 * kMiBPages, 9 * kMiBPages, PageState::lost, page_class);
    }
  }
  DumpSummary summary = make_summary(machine);
  summary.complete = false;
  for (std::string* text : {&summary.completeness, &summary.authenticity, &summary.panic_text,
                            &summary.kernel.release, &summary.kernel.version, &summary.kernel.node_name,
                            &summary.build_id, &summary.region.error_text, &summary.log_error}) {
    *text = huge;
  }
  for (int index = 0; index < 1000; ++index) {
    summary.capture_info[fmt::format("{}{}", index, huge.substr(0, 2000))] = huge.substr(0, 2000);
    summary.phases.push_back({huge.substr(0, 2000), 1, 1, 1});
    summary.timings_ms[fmt::format("{}{}", index, huge.substr(0, 2000))] = 1;
  }
  PrintkLog log = oops_log();
  for (PrintkRecord& record : log.records) record.text += huge.substr(0, 30'000);
  return page_of(summary, std::move(machine), log);
}

}  // namespace warmdump::test
