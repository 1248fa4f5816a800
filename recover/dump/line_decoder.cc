#include "recover/dump/line_decoder.h"

#include <bit>
#include <cstring>

namespace warmdump {
namespace {

using namespace dump_format;

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kWordsPerLine = kLineSize / sizeof(std::uint64_t);
constexpr std::uint8_t kKnownModeBits = kLineCoded | kLineTagsRepeat | 3 << kLineWidthsShift | 3;

Error contradiction(const char* what) {
  return Error::make(ErrorCode::corrupt, what);
}

// Hands out the bytes of one part, front to back. Asked for more than there is, it fails for good.
class Part {
 public:
  explicit Part(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool take(void* target, std::size_t size) {
    if (size > bytes_.size()) {
      has_failed_ = true;
      return false;
    }
    std::memcpy(target, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return true;
  }

  // A signed number of `Stored`'s width; 0 when there is none left.
  template <class Stored>
  std::uint64_t take_signed() {
    Stored value = 0;
    take(&value, sizeof(value));
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  }

  bool is_used_up() const { return !has_failed_ && bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool has_failed_ = false;
};

struct Parts {
  Part tags;
  Part distances;
  Part plain;
  Part noise;
  Part eights;
  Part fours;
  Part twos;

  bool are_used_up() const {
    return tags.is_used_up() && distances.is_used_up() && plain.is_used_up() && noise.is_used_up() &&
           eights.is_used_up() && fours.is_used_up() && twos.is_used_up();
  }

  std::uint64_t take_word(LineWidths widths, bool is_wide) {
    switch (widths) {
      case LineWidths::two_four:
        return is_wide ? fours.take_signed<std::int32_t>() : twos.take_signed<std::int16_t>();
      case LineWidths::two_eight:
        return is_wide ? eights.take_signed<std::int64_t>() : twos.take_signed<std::int16_t>();
      default:
        return is_wide ? eights.take_signed<std::int64_t>() : fours.take_signed<std::int32_t>();
    }
  }
};

void decode_words(Parts& parts, LineWidths widths, std::uint32_t tags, std::size_t distance,
                  const std::byte* reference, std::byte* line) {
  for (std::size_t i = 0; i < kWordsPerLine; ++i) {
    std::uint64_t word = 0;
    if (reference != nullptr) std::memcpy(&word, reference + i * sizeof(word), sizeof(word));
    switch (static_cast<WordTag>(tags >> (2 * i) & 3)) {
      case WordTag::same:
        break;
      case WordTag::moved:
        word += distance * kLineSize;
        break;
      case WordTag::narrow:
        word += parts.take_word(widths, false);
        break;
      case WordTag::wide:
        word += parts.take_word(widths, true);
        break;
    }
    std::memcpy(line + i * sizeof(word), &word, sizeof(word));
  }
}

}  // namespace

ByteCount lines_content_size(const LinesPrefix& prefix, ByteCount raw_size) {
  // At most 2^40: cannot overflow.
  return raw_size / kLineSize + 2 * ByteCount{prefix.tag_count} + 2 * ByteCount{prefix.distance_count} +
         kLineSize * ByteCount{prefix.plain_count} + 8 * ByteCount{prefix.word8_count} +
         4 * ByteCount{prefix.word4_count} + 2 * ByteCount{prefix.word2_count} + raw_size % kLineSize;
}

Result<void> LineDecoder::decode(const LinesPrefix& prefix, std::span<const std::byte> noise,
                                 std::span<const std::byte> content, std::span<std::byte> raw) {
  if (raw.size() > kFrameRawSizeMax || content.size() != lines_content_size(prefix, raw.size())) {
    return contradiction("lines of another size than their frame says");
  }
  const auto next_part = [&content](std::size_t size) {
    const auto part = content.first(size);
    content = content.subspan(size);
    return part;
  };
  const std::size_t head = raw.size() % kLineSize;
  const std::size_t line_count = raw.size() / kLineSize;
  const auto modes = next_part(line_count);
  // In the order of the format; braces evaluate from left to right.
  Parts parts{Part(next_part(2 * std::size_t{prefix.tag_count})),
              Part(next_part(2 * std::size_t{prefix.distance_count})),
              Part(next_part(kLineSize * std::size_t{prefix.plain_count})),
              Part(noise),
              Part(next_part(8 * std::size_t{prefix.word8_count})),
              Part(next_part(4 * std::size_t{prefix.word4_count})),
              Part(next_part(2 * std::size_t{prefix.word2_count}))};
  if (head > 0) std::memcpy(raw.data(), content.data(), head);

  tags_.assign(line_count, 0);
  std::size_t distance = 1;
  for (std::size_t i = 0; i < line_count; ++i) {
    std::byte* const line = raw.data() + head + i * kLineSize;
    const auto mode = std::to_integer<std::uint8_t>(modes[i]);
    if ((mode & kLineCoded) == 0) {
      switch (static_cast<LineMode>(mode)) {
        case LineMode::zeros:
          std::memset(line, 0, kLineSize);
          break;
        case LineMode::same:
          if (distance > i) return contradiction("line told from one before the first");
          std::memcpy(line, line - distance * kLineSize, kLineSize);
          break;
        case LineMode::plain:
          parts.plain.take(line, kLineSize);
          break;
        case LineMode::noise:
          parts.noise.take(line, kLineSize);
          break;
        default:
          return contradiction("line told in an unknown way");
      }
      continue;
    }

    const auto reference = static_cast<LineReference>(mode & 3);
    const auto widths = static_cast<LineWidths>(mode >> kLineWidthsShift & 3);
    const bool repeats_tags = (mode & kLineTagsRepeat) != 0;
    if ((mode & ~kKnownModeBits) != 0 || reference > LineReference::next || widths > LineWidths::four_eight) {
      return contradiction("line told in an unknown way");
    }
    if (reference == LineReference::next) {
      std::uint16_t next = 0;
      parts.distances.take(&next, sizeof(next));
      distance = next;
    }
    const bool has_reference = reference != LineReference::zeros;
    if (has_reference && (distance == 0 || distance > i)) {
      return contradiction("line told from one before the first");
    }
    if (repeats_tags && !has_reference) return contradiction("line told in an unknown way");
    if (repeats_tags) {
      tags_[i] = tags_[i - distance];
    } else {
      parts.tags.take(&tags_[i], sizeof(tags_[i]));
    }
    decode_words(parts, widths, tags_[i], distance, has_reference ? line - distance * kLineSize : nullptr,
                 line);
  }
  if (!parts.are_used_up()) return contradiction("lines need more or fewer words than the frame has");
  return {};
}

}  // namespace warmdump
