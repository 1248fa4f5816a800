// DumpWriter: puts frames on the region, in order, and keeps its header true. No heap.
//
// A frame is safe once flush() has returned: it then survives a warm reset. The writer remembers where every
// frame lies and what it must look like, so that damage can be found and made good (frame_repair.h).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/writer/frame_compressor.h"
#include "capture/writer/frame_index.h"
#include "capture/writer/region_stream.h"
#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/dump_format/frame_cipher.h"
#include "common/result.h"

namespace warmdump {

class DumpWriter {
 public:
  // Large: keep it in static storage. `region` must outlive it.
  explicit DumpWriter(Device& region) : region_(region), stream_(region, dump_format::kFramesOffset) {}

  // The header that goes to the region; the owner of the capture fills in phase and counters.
  dump_format::RegionHeader& header() { return header_; }

  // Starts a dump: zeroes the info block area (the first write of all, so that the next boot sees a raw
  // disk), then writes `header` with state `writing`. From here on header and frames are sealed, if `secret`
  // is set, and the frames but those of the wrapped key encrypted, if `encryption` is. Nothing was written
  // when this fails before the first write.
  Result<void> begin(const dump_format::RegionHeader& header, const dump_format::BootSecret& secret = {},
                     const dump_format::DumpEncryption& encryption = {});

  // Lets up to `threads` threads compress, 0: as many as are worth it here. Until end_helpers().
  void start_helpers(unsigned threads);
  // Waits for what is under compression and drops it; call flush() before to keep it.
  void end_helpers();
  unsigned threads() const { return compressor_.threads(); }

  // A frame goes in two steps: acquire() gives room for it, submit() takes origin and payload. Frames are
  // stored in the order they are submitted, some time later; several may be under construction. One that does
  // not fit is left out, and from then on the region takes no further frames but `end`, for which room is
  // kept.
  Result<FrameSlot*> acquire();
  Result<void> submit(FrameSlot& slot);
  // Gives back an acquired slot that is not to be stored.
  void release(FrameSlot& slot) { compressor_.release(slot); }
  // Both at once, for a payload from elsewhere. False when the region is known to be full.
  Result<bool> append(const FrameOrigin& origin, std::span<const std::byte> payload);

  // Waits for all submitted frames, writes out what is buffered, makes it persistent, and writes the header.
  // A header that cannot be written is no error: the next may succeed, and the frames do not need it.
  Result<void> flush();

  // The same for the frames that are compressed by now; helpers go on with the others.
  Result<void> flush_stored();

  // The header alone, as it is now, which speaks of the frames of the last flush; frames and buffer stay
  // untouched. After a failure, and for the handler of a fatal signal in the middle of anything else.
  Result<void> write_header_only();

  bool is_full() const { return is_full_; }
  // Bytes that frames may still take, and those of frames stored so far; not those under compression.
  ByteCount space_left() const {
    const ByteCount end = limit(dump_format::FrameType::pages);
    return is_full_ || frames_end_ >= end ? 0 : end - frames_end_;
  }
  ByteCount bytes_stored() const { return frames_end_ - dump_format::kFramesOffset; }
  std::uint64_t frame_count() const { return sequence_; }
  ByteCount frames_end() const { return frames_end_; }
  // Pages in the frames stored so far.
  const PageTally& stored_pages() const { return stored_pages_; }

  // Between these calls, frames take the place of frame `number`, which is damaged: at the end of the dump,
  // or where that frame was when there is no room left or the end frame is stored. The first has its sequence
  // number, further ones new ones. end_replacement() waits for them; false when nothing, or not everything,
  // could be stored: the pages are then no longer counted.
  void begin_replacement(std::uint64_t number);
  Result<bool> end_replacement();

  FrameIndex& index() { return index_; }
  Device& region() { return region_; }

 private:
  static constexpr ByteCount kEndReserve = 4096;  // room for the end frame
  // Frames between two headers: what a dying machine may lose of the counters, never of the frames.
  static constexpr ByteCount kHeaderInterval = 32 * kMiB;
  static constexpr std::uint64_t kNoFrame = ~std::uint64_t{0};

  ByteCount limit(dump_format::FrameType type) const;
  Result<void> store_done_frames();
  Result<void> store(FrameSlot& slot);
  Result<void> add_frame(FrameSlot& slot);
  Result<void> replace_frame(FrameSlot& slot);
  // Makes `slot.stored` a whole frame and returns its bytes, padding included. Once for each slot: it
  // encrypts.
  std::span<const std::byte> seal(FrameSlot& slot, std::uint64_t sequence, IndexedFrame& entry);
  Result<void> append_bytes(std::span<const std::byte> frame);

  Device& region_;
  FrameCompressor compressor_;
  RegionStream stream_;
  dump_format::RegionHeader header_{};
  dump_format::DumpSeal seal_;
  dump_format::FrameCipher cipher_;
  std::uint64_t cipher_number_ = 0;  // of the last payload that was encrypted
  std::uint64_t sequence_ = 0;
  ByteCount frames_end_ = dump_format::kFramesOffset;  // behind the last whole frame
  ByteCount header_written_at_ = 0;                    // frames_end_ when the header was last written
  bool is_full_ = false;
  bool has_end_ = false;     // the end frame is stored: behind it nobody looks for frames
  bool has_failed_ = false;  // a write failed: nothing may be appended behind the torn frame
  PageTally stored_pages_;
  std::uint64_t replaced_ = kNoFrame;
  unsigned replacements_ = 0;
  bool replacement_failed_ = false;
  FrameIndex index_;
  alignas(4096) std::byte header_buffer_[dump_format::kHeaderSize];
};

}  // namespace warmdump
