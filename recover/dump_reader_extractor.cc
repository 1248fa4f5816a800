#include "recover/dump_reader_extractor.h"

#include <cstring>

#include "recover/report/dump_directory.h"
#include "recover/report/encrypted_directory.h"

namespace warmdump {
namespace {

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

Outcome<void> DumpReaderExtractor::open() {
  if (located_.is_encrypted) {
    image_.emplace(TRY(DumpImage::open(*reads_, secrets_)));
  } else {
    dump_.emplace(TRY(DumpReader::open(*reads_, secrets_)));
  }
  return {};
}

Outcome<void> DumpReaderExtractor::locate(const Device& region) {
  dump_.reset();
  image_.reset();
  region_ = &region;
  reads_.emplace(region);
  located_ = TRY(locate_dump(*reads_, secrets_));
  return {};
}

Outcome<ScanReport> DumpReaderExtractor::scan() {
  if (located_.authenticity != Authenticity::sealed) {
    return scan_frames(*reads_, located_.scan_target(*reads_),
                       [](const auto&, auto) { return Outcome<void>(); });
  }
  TRY(open());
  return image_ ? image_->scan() : dump_->damage().scan;
}

Outcome<std::optional<DumpIdentity>> DumpReaderExtractor::identify(const Device& region) {
  if (auto located = locate(region); !located) {
    const ErrorCode code = located.error().code;
    if (code == ErrorCode::not_found || code == ErrorCode::corrupt) return std::optional<DumpIdentity>();
    return std::move(located.error());
  }
  const ScanReport scan = TRY(this->scan());
  if (scan.frames == 0 && scan.unreadable_bytes > 0) {
    return Failure(ErrorCode::io, "the memory of the region cannot be read");
  }
  if (scan.frames == 0) return std::optional<DumpIdentity>();

  DumpIdentity identity;
  identity.authenticity = located_.authenticity;
  identity.boot_id = located_.boot_id;
  std::memcpy(identity.id.data(), located_.dump_id.data(), identity.id.size());
  if (located_.header) identity.crash_time_s = located_.header->crash_time_s;
  return std::optional<DumpIdentity>(identity);
}

Outcome<ExtractedDump> DumpReaderExtractor::extract(const Device& region,
                                                    const std::filesystem::path& directory,
                                                    const Progress& progress) {
  if (region_ != &region) TRY(locate(region));
  if (!dump_ && !image_) TRY(open());
  if (image_) {
    const DumpSummary summary = TRY(write_encrypted_directory(*image_, directory, progress, options_.vmcore));
    return ExtractedDump{.complete = summary.complete,
                         .completeness = summary.completeness,
                         .authenticity = summary.authenticity,
                         .key_id = summary.key_id.empty() ? "unknown" : summary.key_id,
                         .bytes_written = image_->size(),
                         .crash_text = "",
                         .signature = "",
                         .signature_text = ""};
  }
  const DumpSummary summary = TRY(write_dump_directory(
      *dump_, directory,
      [&](PageCount done, PageCount total) {
        if (progress) progress(done * kPageSize, total * kPageSize);
      },
      options_));
  return ExtractedDump{.complete = summary.complete,
                       .completeness = summary.completeness,
                       .authenticity = summary.authenticity,
                       .key_id = "",
                       .bytes_written = bytes_in(directory),
                       .crash_text = summary.panic_text,
                       .signature = summary.signature.key,
                       .signature_text = summary.signature.text};
}

}  // namespace warmdump
