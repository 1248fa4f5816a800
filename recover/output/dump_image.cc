#include "recover/output/dump_image.h"

#include <sodium/crypto_generichash_blake2b.h>

#include <algorithm>
#include <cstring>

#include "common/crc32c.h"
#include "recover/output/output_file.h"

namespace warmdump {

using dump_format::FrameHeader;
using dump_format::ImageMark;

namespace {

constexpr std::size_t kFramesMax = std::size_t{1} << 24;  // as DumpReader
constexpr ByteCount kBlock = 4 * kKiB;
constexpr ByteCount kPiece = 256 * kKiB;  // of a file: written, or left a hole

class FramesDigest {
 public:
  FramesDigest() { crypto_generichash_blake2b_init(&state_, nullptr, 0, sizeof(digest_)); }

  void add(const FrameLocation& frame) {
    const le64 offset(frame.offset);
    add(&offset, sizeof(offset));
    add(&frame.header, sizeof(frame.header));
  }
  std::span<const unsigned char, 32> finish() {
    crypto_generichash_blake2b_final(&state_, digest_, sizeof(digest_));
    return digest_;
  }

 private:
  void add(const void* bytes, std::size_t size) {
    crypto_generichash_blake2b_update(&state_, static_cast<const unsigned char*>(bytes), size);
  }

  crypto_generichash_blake2b_state state_;
  unsigned char digest_[32];
};

// Copies the part of `source`, which lies at `source_offset`, that falls into `target` at `offset`.
void overlay(std::span<std::byte> target, ByteCount offset, std::span<const std::byte> source,
             ByteCount source_offset) {
  const ByteCount from = std::max(offset, source_offset);
  const ByteCount to = std::min(offset + target.size(), source_offset + source.size());
  if (from < to)
    std::memcpy(target.data() + (from - offset), source.data() + (from - source_offset), to - from);
}

}  // namespace

Outcome<DumpImage> DumpImage::open(const Device& region, std::span<const SealSecret> secrets) {
  DumpImage image;
  image.region_ = &region;
  image.dump_ = TRY(locate_dump(region, secrets));
  FramesDigest digest;
  const auto take = [&](const FrameLocation& frame, std::span<const std::byte> payload) -> Outcome<void> {
    if (image.frames_.size() == kFramesMax) {
      return Failure(ErrorCode::corrupt, "more frames than any machine fills");
    }
    image.frames_.push_back({frame.offset, sizeof(FrameHeader) + payload.size()});
    digest.add(frame);
    return {};
  };
  image.scan_ = TRY(scan_frames(region, image.dump_.scan_target(region), take));
  image.make_mark(digest.finish());
  return image;
}

void DumpImage::make_mark(std::span<const unsigned char, 32> frames_digest) {
  const ByteCount frames_end = frames_.empty() ? dump_format::kFramesOffset : frames_.back().end();
  std::memcpy(mark_.magic, dump_format::kImageMagic, sizeof(mark_.magic));
  mark_.size = std::max(dump_format::kRegionSizeMin, round_up(frames_end, kBlock));
  mark_.frame_count = frames_.size();
  std::memcpy(mark_.frames_digest, frames_digest.data(), frames_digest.size());
  dump_.seal.seal(mark_);
  mark_.mark_crc = crc32c(std::as_bytes(std::span(&mark_, 1)).first(offsetof(ImageMark, mark_crc)));
}

bool DumpImage::is_as_sealed() const {
  return dump_.image && dump_.seal.matches(*dump_.image) &&
         std::memcmp(&*dump_.image, &mark_, sizeof(mark_)) == 0;
}

Result<void> DumpImage::read_at(ByteCount offset, std::span<std::byte> target) const {
  if (offset > size() || target.size() > size() - offset) {
    return Error::make(ErrorCode::invalid, "read past the end").at(WhereKind::file_offset, offset);
  }
  std::fill(target.begin(), target.end(), std::byte{0});
  overlay(target, offset, std::as_bytes(std::span(&mark_, 1)), 0);
  if (dump_.header) {
    const auto header = std::as_bytes(std::span(&*dump_.header, 1));
    overlay(target, offset, header, dump_format::kHeaderOffset);
    overlay(target, offset, header, dump_format::kHeaderCopyOffset);
  }
  const ByteCount end = offset + target.size();
  auto frame = std::partition_point(frames_.begin(), frames_.end(),
                                    [offset](const Extent& extent) { return extent.end() <= offset; });
  for (; frame != frames_.end() && frame->offset < end; ++frame) {
    const ByteCount from = std::max(offset, frame->offset);
    const ByteCount to = std::min(end, frame->end());
    TRY(region_->read_at(from, target.subspan(from - offset, to - from)));
  }
  return {};
}

Result<void> DumpImage::write_at(ByteCount, std::span<const std::byte>) {
  return Error::make(ErrorCode::refused, "an image of a dump is only read");
}

Result<void> DumpImage::persist() {
  return Error::make(ErrorCode::refused, "an image of a dump is only read");
}

Outcome<void> write_dump_image(const DumpImage& image, const std::filesystem::path& path,
                               const ByteProgress& progress) {
  OutputFile file = TRY(OutputFile::create(path));
  TRY(file.require_space(image.scan().frame_bytes));
  TRY(file.set_size(image.size()));
  std::vector<std::byte> buffer(kPiece);
  for (ByteCount offset = 0; offset < image.size();) {
    const auto piece = std::span(buffer).first(std::min(kPiece, image.size() - offset));
    TRY(in_context("cannot read the dump", image.read_at(offset, piece)));
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    if (!std::all_of(piece.begin(), piece.end(), is_zero)) TRY(file.write_at(offset, piece));
    offset += piece.size();
    if (progress) progress(offset, image.size());
  }
  return file.commit();
}

}  // namespace warmdump
