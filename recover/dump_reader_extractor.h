// DumpReaderExtractor: the DumpExtractor that reads real dumps, with DumpReader and write_dump_directory.

#pragma once

#include <optional>
#include <vector>

#include "recover/aligned_reads.h"
#include "recover/dump_extractor.h"
#include "recover/dump_reader.h"

namespace warmdump {

class DumpReaderExtractor final : public DumpExtractor {
 public:
  // `secrets`: of the boots that were armed, to check the dump's seal with.
  explicit DumpReaderExtractor(std::vector<SealSecret> secrets = {}) : secrets_(std::move(secrets)) {}

  // Opens the dump, and keeps it open for extract(). Error io when there is no frame but memory that cannot
  // be read: what lies there is unknown, so it must not be taken for nothing.
  Outcome<std::optional<DumpIdentity>> identify(const Device& region) override;

  // Progress counts bytes of memory. `region` is the one given to identify(), unchanged.
  Outcome<ExtractedDump> extract(const Device& region, const std::filesystem::path& directory,
                                 const Progress& progress) override;

 private:
  Outcome<void> open(const Device& region);

  std::vector<SealSecret> secrets_;
  const Device* region_ = nullptr;
  std::optional<AlignedReads> reads_;
  std::optional<DumpReader> dump_;
};

}  // namespace warmdump
