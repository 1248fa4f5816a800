// DumpReaderExtractor: the DumpExtractor that reads real dumps, with DumpReader and write_dump_directory. An
// encrypted one is authenticated and kept as it is, by DumpImage and write_encrypted_directory.

#pragma once

#include <optional>
#include <vector>

#include "recover/dump/aligned_reads.h"
#include "recover/dump/dump_reader.h"
#include "recover/dump/located_dump.h"
#include "recover/dump_extractor.h"
#include "recover/output/dump_image.h"
#include "recover/report/dump_directory_options.h"

namespace warmdump {

class DumpReaderExtractor final : public DumpExtractor {
 public:
  // `secrets`: of the boots that were armed, to check the dump's seal with.
  explicit DumpReaderExtractor(std::vector<SealSecret> secrets = {}, DumpDirectoryOptions options = {})
      : secrets_(std::move(secrets)), options_(std::move(options)) {}

  void use_secrets(std::vector<SealSecret> secrets) override { secrets_ = std::move(secrets); }

  // Opens a dump that is sealed, and keeps it open for extract(); of any other only headers and checksums are
  // looked at. Error io when there is no frame but memory that cannot
  // be read: what lies there is unknown, so it must not be taken for nothing.
  Outcome<std::optional<DumpIdentity>> identify(const Device& region) override;

  // Progress counts bytes of memory. `region` is the one given to identify(), unchanged.
  Outcome<ExtractedDump> extract(const Device& region, const std::filesystem::path& directory,
                                 const Progress& progress) override;

 private:
  Outcome<void> locate(const Device& region);
  Outcome<void> open();  // what was located
  Outcome<ScanReport> scan();

  std::vector<SealSecret> secrets_;
  DumpDirectoryOptions options_;
  const Device* region_ = nullptr;
  std::optional<AlignedReads> reads_;
  LocatedDump located_;
  std::optional<DumpReader> dump_;  // of a dump in clear
  std::optional<DumpImage> image_;  // of an encrypted one
};

}  // namespace warmdump
