// The account of a capture: pages by class and what became of them, for the header and the end frame. Pure.

#pragma once

#include "capture/writer/page_tally.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

class PageSelection;

struct CaptureReport {
  dump_format::Completeness completeness = dump_format::Completeness::failed;
  dump_format::ClassTotals classes[dump_format::kPageClassCount];
  dump_format::RegionHeader header;  // as last written
  unsigned threads = 1;              // that compressed
  bool used_read = false;            // nothing was mapped, at least at the end
};

// Pages with data and zero pages, of all classes.
PageCount stored_pages(const PageTally& stored);

// Fills in the page counters of a header.
void count_pages(const PageSelection& selection, const PageTally& stored, dump_format::RegionHeader& header);

// Fills in the totals by class.
void count_classes(const PageSelection& selection, const PageTally& stored, CaptureReport& report);

// Payload of the end frame.
struct EndPayload {
  std::byte bytes[sizeof(dump_format::EndPrefix) + sizeof(CaptureReport::classes)];
};
EndPayload end_payload(const CaptureReport& report);

}  // namespace warmdump
