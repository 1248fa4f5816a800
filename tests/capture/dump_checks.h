// What every dump of a synthetic machine must fulfil, as checks for tests of the capture.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ios>

#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/covered_bytes.h"

namespace warmdump {

// Every page the dump has is a page of the machine, with its bytes. Returns how many pages it has.
inline PageCount expect_true_pages(const DumpReader& dump, const synthetic::VmcoreTruth& truth) {
  PageReader reader(dump);
  std::array<std::byte, kPageSize> page;
  PageCount pages = 0;
  PageCount wrong = 0;
  for (const IndexedRun& run : dump.pages().runs()) {
    for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
      const auto present = reader.read(pfn, page);
      const bool is_true = present.has_value() && *present && truth.is_kept(pfn, 31) &&
                           std::ranges::equal(page, covered_bytes(truth, pfn));
      if (!is_true && ++wrong <= 3) ADD_FAILURE() << "wrong page, pfn 0x" << std::hex << pfn;
      pages += is_true ? 1U : 0U;
    }
  }
  EXPECT_EQ(wrong, 0U);
  return pages;
}

// Pages a dump of level 31 is to have.
inline PageCount kept_pages(const synthetic::VmcoreTruth& truth) {
  PageCount kept = 0;
  for (Pfn pfn = 0; pfn < truth.pfn_end; ++pfn) kept += truth.is_kept(pfn, 31) ? 1U : 0U;
  return kept;
}

// The dump has all pages it is to have, and says so.
inline void expect_whole(const DumpReader& dump, const synthetic::VmcoreTruth& truth) {
  ASSERT_TRUE(dump.header().has_value());
  EXPECT_EQ(dump.header()->state, static_cast<std::uint32_t>(dump_format::State::complete));
  EXPECT_EQ(dump.header()->pages_lost, 0U);
  EXPECT_EQ(dump.header()->frames_unrepaired, 0U);
  ASSERT_TRUE(dump.end().has_value());
  EXPECT_EQ(dump.end()->completeness, static_cast<std::uint32_t>(dump_format::Completeness::complete));
  EXPECT_EQ(dump.damage().scan.missing_frames, 0U);
  EXPECT_FALSE(dump.vmcoreinfo().whole_text().empty());
  EXPECT_TRUE(dump.blobs().all_whole());
  EXPECT_EQ(expect_true_pages(dump, truth), kept_pages(truth));
}

}  // namespace warmdump
