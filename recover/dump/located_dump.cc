#include "recover/dump/located_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/crc32c.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/dump_format/frame.h"
#include "common/hosted/fleet_key.h"
#include "recover/dump/frame_payload.h"

namespace warmdump {

using dump_format::DumpSeal;
using dump_format::ImageMark;
using dump_format::KeyBlob;
using dump_format::RegionHeader;
using dump_format::State;

namespace {

// How far to look for a frame that tells the dump id when both headers are lost.
constexpr ByteCount kSalvageWindow = 64 * kMiB;

bool may_hold_frames(State state) {
  return dump_format::holds_dump(state) || state == State::recovered;
}

bool is_open_to_salvage(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::io;
}

std::optional<ImageMark> read_image_mark(const Device& region, std::span<std::byte> buffer) {
  if (region.size() < buffer.size() || !region.read_at(0, buffer)) return std::nullopt;
  ImageMark mark;
  std::memcpy(&mark, buffer.data(), sizeof(mark));
  const bool is_mark =
      std::memcmp(mark.magic, dump_format::kImageMagic, sizeof(mark.magic)) == 0 &&
      mark.mark_crc == crc32c(std::as_bytes(std::span(&mark, 1)).first(offsetof(ImageMark, mark_crc)));
  return is_mark ? std::optional(mark) : std::nullopt;
}

class Locator {
 public:
  Locator(const Device& region, std::span<const SealSecret> secrets) : region_(region), secrets_(secrets) {}

  Outcome<LocatedDump> locate() {
    alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
    dump_.image = read_image_mark(region_, buffer);
    auto header = dump_format::read_header(region_, buffer);
    if (header.has_value()) {
      TRY(take_header(*header));
      return dump_;
    }
    if (!is_open_to_salvage(header.error())) return Failure(header.error());
    auto frame = TRY(find_sealed_frame(kSalvageWindow));
    if (!frame) frame = TRY(find_first_frame(region_, kSalvageWindow));
    if (!frame) return Failure(header.error()).in("no dump to be read here");
    std::memcpy(dump_.dump_id.data(), frame->header.dump_id, dump_.dump_id.size());
    TRY(find_key_blob(frame->header));
    return dump_;
  }

 private:
  // With headers lost, the first frame tells whether the dump is encrypted, and a frame of its own for whom.
  Outcome<void> find_key_blob(const dump_format::FrameHeader& first) {
    TRY(find_first_frame(region_, kSalvageWindow,
                         [this](const dump_format::FrameHeader& header, auto payload) {
                           const bool is_of_dump =
                               std::memcmp(header.dump_id, dump_.dump_id.data(), dump_.dump_id.size()) == 0 &&
                               (!dump_.seal.is_set() || dump_.seal.matches(header, payload));
                           if (is_of_dump) dump_.wrapped_key = key_blob_in(header, payload);
                           return dump_.wrapped_key.has_value();
                         }));
    dump_.is_encrypted = dump_.wrapped_key || dump_format::is_encrypted(first);
    return {};
  }

  std::optional<KeyBlob> key_blob_in(const dump_format::FrameHeader& header,
                                     std::span<const std::byte> stored) {
    const bool is_clear_blob = header.type == static_cast<std::uint16_t>(dump_format::FrameType::blob) &&
                               !dump_format::is_encrypted(header);
    if (!is_clear_blob || header.raw_size != sizeof(dump_format::BlobPrefix) + sizeof(KeyBlob)) return {};
    const auto payload = decoder_.decode(header, stored);
    const auto piece = payload ? parse_blob(*payload) : Result<BlobPiece>(payload.error());
    if (!piece || piece->kind != dump_format::BlobKind::wrapped_key || piece->bytes.size() != sizeof(KeyBlob))
      return {};
    KeyBlob blob;
    std::memcpy(&blob, piece->bytes.data(), sizeof(blob));
    return blob;
  }

  // Without a header to go by, any frame that a known secret has sealed.
  Outcome<std::optional<FrameLocation>> find_sealed_frame(ByteCount window) {
    if (secrets_.empty()) return std::optional<FrameLocation>();
    dump_.authenticity = Authenticity::unsealed;
    return find_first_frame(region_, window, [this](const dump_format::FrameHeader& header, auto payload) {
      for (const SealSecret& secret : secrets_) {
        const DumpSeal seal(secret.secret, secret.boot_id, header.dump_id);
        if (!seal.matches(header, payload)) continue;
        dump_.seal = seal;
        dump_.boot_id = secret.boot_id;
        dump_.authenticity = Authenticity::sealed;
        return true;
      }
      return false;
    });
  }

  Outcome<void> check_seal(const RegionHeader& header) {
    const std::string_view boot_id = dump_format::sealed_boot_id(header);
    dump_.boot_id = boot_id;
    if (secrets_.empty()) return {};
    const SealSecret* secret = find_secret(secrets_, boot_id);
    if (secret == nullptr) {
      dump_.authenticity = boot_id.empty() ? Authenticity::unsealed : Authenticity::unknown_boot;
      return {};
    }
    const DumpSeal seal(secret->secret, boot_id, std::span(header.dump_id).first<8>());
    if (!seal.matches(header)) {
      return Failure(ErrorCode::refused,
                     fmt::format("the dump claims to be of boot {}, and does not have its seal: it was not "
                                 "made by the crash kernel that was armed then",
                                 boot_id));
    }
    dump_.seal = seal;
    dump_.authenticity = Authenticity::sealed;
    return {};
  }

  Outcome<void> take_frame_beside_header(State state) {
    const auto frame = TRY(find_sealed_frame(dump_format::kFrameAlignment));
    if (!frame) {
      return Failure(ErrorCode::not_found,
                     fmt::format("no dump here: the region is {}", dump_format::state_name(state)));
    }
    std::memcpy(dump_.dump_id.data(), frame->header.dump_id, dump_.dump_id.size());
    return {};
  }

  Outcome<void> take_header(const RegionHeader& header) {
    const auto state = static_cast<State>(std::uint32_t{header.state});
    if (!may_hold_frames(state)) return take_frame_beside_header(state);
    TRY(check_seal(header));
    dump_.header = header;
    dump_.is_encrypted = dump_format::is_encrypted(header);
    if (dump_.is_encrypted) dump_.wrapped_key = dump_format::make_key_blob(header);
    std::memcpy(dump_.dump_id.data(), header.dump_id, dump_.dump_id.size());
    return {};
  }

  const Device& region_;
  std::span<const SealSecret> secrets_;
  LocatedDump dump_;
  PayloadDecoder decoder_;
};

}  // namespace

std::string LocatedDump::key_id() const {
  return wrapped_key ? key_id_text(wrapped_key->key_id) : "";
}

ByteCount LocatedDump::missing_bytes(const Device& region) const {
  ByteCount size = region.size();
  if (header) size = header->region_size;
  if (image) size = image->size;
  return size - std::min(size, region.size());
}

ScanTarget LocatedDump::scan_target(const Device& region) const {
  // Of an image nothing is kept free at the end.
  const ByteCount region_end = header ? std::uint64_t{header->region_size} : region.size();
  const ByteCount frames_end_max =
      image ? std::uint64_t{image->size} : region_end - dump_format::kTailReserve;
  ScanTarget target{dump_id, std::min(region.size(), frames_end_max), 0, 0};
  if (header) {
    target.frames_end_hint = header->frames_end;
    target.frame_count_hint = header->frame_count;
  } else {
    target.look_ahead = target.scan_end;
  }
  if (authenticity == Authenticity::sealed) target.seal = &seal;
  return target;
}

Outcome<LocatedDump> locate_dump(const Device& region, std::span<const SealSecret> secrets) {
  return Locator(region, secrets).locate();
}

}  // namespace warmdump
