#include "capture/capture_account.h"

#include <cstring>

#include "capture/pages/page_selection.h"

namespace warmdump {

using namespace dump_format;

PageCount stored_pages(const PageTally& stored) {
  PageCount sum = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) sum += stored.data[i] + stored.zero[i];
  return sum;
}

void count_pages(const PageSelection& selection, const PageTally& stored, RegionHeader& header) {
  PageCount data = 0;
  PageCount pages = 0;
  PageCount kept = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    data += stored.data[i];
    if (i == static_cast<std::size_t>(PageClass::absent)) continue;
    pages += selection.pages(i);
    kept += selection.kept(i);
  }
  const PageCount all = stored_pages(stored);
  header.pages_data = data;
  header.pages_zero = all - data;
  header.pages_excluded = pages - kept;
  header.pages_lost = kept > all ? kept - all : 0;
  header.bytes_raw = data * kPageSize;
}

void count_classes(const PageSelection& selection, const PageTally& stored, CaptureReport& report) {
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    ClassTotals& totals = report.classes[i];
    const PageCount all = stored.data[i] + stored.zero[i];
    totals.pages = selection.pages(i);
    totals.kept = selection.kept(i);
    totals.stored_data = stored.data[i];
    totals.stored_zero = stored.zero[i];
    totals.lost = totals.kept > all ? totals.kept - all : 0;
  }
}

EndPayload end_payload(const CaptureReport& report) {
  EndPrefix prefix{};
  prefix.completeness = static_cast<std::uint32_t>(report.completeness);
  prefix.class_count = kPageClassCount;
  prefix.frame_count = report.header.frame_count;
  prefix.elapsed_ms = report.header.elapsed_ms;
  EndPayload payload;
  std::memcpy(payload.bytes, &prefix, sizeof(prefix));
  std::memcpy(payload.bytes + sizeof(prefix), report.classes, sizeof(report.classes));
  return payload;
}

}  // namespace warmdump
