#include "recover/dump_reader_extractor.h"

#include <cstring>

#include "recover/dump/frame_scan.h"
#include "recover/report/dump_directory.h"

namespace warmdump {
namespace {

// Where a dump without headers is looked for; DumpReader looks as far.
constexpr ByteCount kSalvageWindow = 64 * kMiB;

ByteCount bytes_in(const std::filesystem::path& directory) {
  ByteCount bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const ByteCount size = entry.is_regular_file(ignored) ? entry.file_size(ignored) : 0;
    bytes += ignored ? 0 : size;
  }
  return bytes;
}

}  // namespace

Outcome<void> DumpReaderExtractor::open(const Device& region) {
  dump_.reset();
  region_ = &region;
  reads_.emplace(region);
  dump_.emplace(TRY(DumpReader::open(*reads_, secrets_)));
  return {};
}

Outcome<std::optional<DumpIdentity>> DumpReaderExtractor::identify(const Device& region) {
  if (auto opened = open(region); !opened) {
    const ErrorCode code = opened.error().code;
    if (code == ErrorCode::not_found || code == ErrorCode::corrupt) return std::optional<DumpIdentity>();
    return std::move(opened.error());
  }
  const ScanReport& scan = dump_->damage().scan;
  if (scan.frames == 0 && scan.unreadable_bytes > 0) {
    return Failure(ErrorCode::io, "the memory of the region cannot be read");
  }
  if (scan.frames == 0) return std::optional<DumpIdentity>();

  DumpIdentity identity;
  identity.authenticity = dump_->authenticity();
  if (const auto& header = dump_->header()) {
    std::memcpy(identity.id.data(), header->dump_id, identity.id.size());
    identity.crash_time_s = header->crash_time_s;
    identity.boot_id = dump_format::sealed_boot_id(*header);
  } else {
    const auto frame = TRY(find_first_frame(*reads_, kSalvageWindow));
    if (!frame) return std::optional<DumpIdentity>();
    std::memcpy(identity.id.data(), frame->header.dump_id, identity.id.size());
  }
  return std::optional<DumpIdentity>(identity);
}

Outcome<ExtractedDump> DumpReaderExtractor::extract(const Device& region,
                                                    const std::filesystem::path& directory,
                                                    const Progress& progress) {
  if (region_ != &region || !dump_) TRY(open(region));
  const DumpSummary summary = TRY(write_dump_directory(
      *dump_, directory,
      [&](PageCount done, PageCount total) {
        if (progress) progress(done * kPageSize, total * kPageSize);
      },
      options_));
  return ExtractedDump{.complete = summary.complete,
                       .completeness = summary.completeness,
                       .authenticity = summary.authenticity,
                       .bytes_written = bytes_in(directory),
                       .crash_text = summary.panic_text};
}

}  // namespace warmdump
