#include "capture/stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include "common/dump_format/dump_state.h"
#include "common/text.h"

namespace warmdump {
namespace {

void print(std::string_view key, std::uint64_t value) {
  Text<128> line;
  line << key << '=' << value << '\n';
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, line.c_str(), line.view().size());
}

void print_class(std::size_t index, const dump_format::ClassTotals& totals) {
  const std::string_view name = dump_format::page_class_name(static_cast<dump_format::PageClass>(index));
  Text<64> key;
  for (const char c : name) key << (c == ' ' ? '_' : c);
  const auto print_one = [&key](std::string_view what, std::uint64_t value) {
    Text<128> whole;
    whole << "class." << key.view() << '.' << what;
    print(whole.view(), value);
  };
  print_one("pages", totals.pages);
  print_one("kept", totals.kept);
  print_one("data", totals.stored_data);
  print_one("zero", totals.stored_zero);
  print_one("lost", totals.lost);
}

}  // namespace

void print_stats(const CaptureReport& report) {
  const dump_format::RegionHeader& header = report.header;
  print("elapsed_ms", header.elapsed_ms);
  print("frames", header.frame_count);
  print("pages_data", header.pages_data);
  print("pages_zero", header.pages_zero);
  print("pages_excluded", header.pages_excluded);
  print("pages_lost", header.pages_lost);
  print("bytes_raw", header.bytes_raw);
  print("bytes_stored", header.bytes_stored);
  print("used_read", report.used_read ? 1 : 0);
  print("threads", report.threads);
  print("frames_damaged", header.frames_damaged);
  print("frames_rewritten", header.frames_rewritten);
  print("frames_unrepaired", header.frames_unrepaired);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    print("peak_rss_kib", static_cast<std::uint64_t>(usage.ru_maxrss));
  for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
    if (report.classes[i].pages != 0) print_class(i, report.classes[i]);
  }
}

}  // namespace warmdump
