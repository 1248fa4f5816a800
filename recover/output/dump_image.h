// DumpImage: a dump alone, as a stream of bytes or a file that is read like the region it came from.
//
// The bytes of the region up to its last frame, with all that is neither header nor frame as zero: what lies
// between frames belonged to processes. Frames stay as they are, so that their seals do, and what encrypts
// them. At offset 0 is a mark (dump_format::ImageMark) by which a cut or changed image is known.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "common/device.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/dump/frame_scan.h"
#include "recover/dump/located_dump.h"

namespace warmdump {

class DumpImage final : public Device {
 public:
  // Looks through the frames once. `region` is borrowed and must neither change nor go away; an image of an
  // image is the same image. With `secrets`, a dump that is sealed with one of them is taken as far as its
  // seals are right, and the mark is sealed too. A torn or damaged dump, and one without headers, gives an
  // image of what is left.
  // Errors: those of locate_dump; corrupt for more frames than any dump has; io.
  static Outcome<DumpImage> open(const Device& region, std::span<const SealSecret> secrets = {});

  const LocatedDump& dump() const { return dump_; }
  const ScanReport& scan() const { return scan_; }
  const dump_format::ImageMark& mark() const { return mark_; }

  // Whether `region` is an image that is still as it was made: its own mark is that of what was found in it,
  // and has the seal. False for a region.
  bool is_as_sealed() const;

  ByteCount size() const override { return mark_.size; }
  // Errors: invalid beyond size(); those of the region.
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override;
  // Errors: always refused.
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override;
  Result<void> persist() override;

 private:
  struct Extent {
    ByteCount offset;
    ByteCount size;
    ByteCount end() const { return offset + size; }
  };

  DumpImage() = default;
  void make_mark(std::span<const unsigned char, 32> frames_digest);

  const Device* region_ = nullptr;
  LocatedDump dump_;
  ScanReport scan_;
  dump_format::ImageMark mark_{};
  std::vector<Extent> frames_;  // in the order of their offsets; padding not included
};

// Writes the image as a file with holes, which appears only when it is whole and on the disk. Progress counts
// bytes. Errors: those of OutputFile and of reading the region.
using ByteProgress = std::function<void(ByteCount done, ByteCount total)>;
Outcome<void> write_dump_image(const DumpImage& image, const std::filesystem::path& path,
                               const ByteProgress& progress = nullptr);

}  // namespace warmdump
