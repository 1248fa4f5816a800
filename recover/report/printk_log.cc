#include "recover/report/printk_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

#include "common/units.h"

namespace warmdump {
namespace {

// The two high bits of a descriptor's state variable are its state, the others its id.
constexpr unsigned kStateShift = 62;
constexpr std::uint64_t kIdMask = (std::uint64_t{1} << kStateShift) - 1;
enum DescriptorState : unsigned { kReserved = 0, kCommitted = 1, kFinalized = 2, kReusable = 3 };

// A block without data has one of these as both its positions: writing it failed, or it is an empty line.
constexpr std::uint64_t kFailedPosition = 0x1;
constexpr std::uint64_t kNoDataPosition = 0x3;

constexpr std::uint64_t kBitsMax = 26;  // CONFIG_LOG_BUF_SHIFT ends at 25
constexpr std::size_t kIdSize = 8;      // each text block starts with the id of its record

// Reads fields of structures whose layout VMCOREINFO tells; remembers the first thing that was missing.
class StructReader {
 public:
  explicit StructReader(const Vmcoreinfo& vmcoreinfo) : vmcoreinfo_(vmcoreinfo) {}

  std::size_t size(std::string_view name) { return number(vmcoreinfo_.size(name), "SIZE", name); }
  std::size_t offset(std::string_view name) { return number(vmcoreinfo_.offset(name), "OFFSET", name); }
  const std::string& missing() const { return missing_; }

 private:
  std::size_t number(std::optional<std::uint64_t> value, std::string_view kind, std::string_view name) {
    if (value && *value <= kMiB) return *value;
    if (missing_.empty()) missing_ = fmt::format("{}({})", kind, name);
    return 0;
  }

  const Vmcoreinfo& vmcoreinfo_;
  std::string missing_;
};

struct RingLayout {
  explicit RingLayout(StructReader& fields)
      : count_bits(fields.offset("printk_ringbuffer.desc_ring") + fields.offset("prb_desc_ring.count_bits")),
        head_id(fields.offset("printk_ringbuffer.desc_ring") + fields.offset("prb_desc_ring.head_id") +
                fields.offset("atomic_long_t.counter")),
        tail_id(fields.offset("printk_ringbuffer.desc_ring") + fields.offset("prb_desc_ring.tail_id") +
                fields.offset("atomic_long_t.counter")),
        size_bits(fields.offset("printk_ringbuffer.text_data_ring") +
                  fields.offset("prb_data_ring.size_bits")),
        desc_size(fields.size("prb_desc")),
        state(fields.offset("prb_desc.state_var") + fields.offset("atomic_long_t.counter")),
        begin(fields.offset("prb_desc.text_blk_lpos") + fields.offset("prb_data_blk_lpos.begin")),
        next(fields.offset("prb_desc.text_blk_lpos") + fields.offset("prb_data_blk_lpos.next")),
        info_size(fields.size("printk_info")),
        sequence(fields.offset("printk_info.seq")),
        time(fields.offset("printk_info.ts_nsec")),
        text_size(fields.offset("printk_info.text_len")),
        caller(fields.offset("printk_info.caller_id")) {}

  std::size_t count_bits, head_id, tail_id, size_bits;       // in the ring
  std::size_t desc_size, state, begin, next;                 // in a descriptor
  std::size_t info_size, sequence, time, text_size, caller;  // in a printk_info
};

// Zero when it lies outside.
template <class Integer>
Integer read_field(std::string_view bytes, std::size_t offset) {
  Integer value = 0;
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof(value)) {
    std::memcpy(&value, bytes.data() + offset, sizeof(value));
  }
  return value;
}

bool has_field(std::string_view bytes, std::size_t offset, std::size_t size) {
  return offset <= bytes.size() && bytes.size() - offset >= size;
}

class RingDecoder {
 public:
  RingDecoder(const PrintkMemory& memory, const RingLayout& layout)
      : memory_(memory),
        layout_(layout),
        count_bits_(read_field<std::uint32_t>(memory.ring, layout.count_bits)),
        size_bits_(read_field<std::uint32_t>(memory.ring, layout.size_bits)) {}

  bool is_sane() const {
    return has_field(memory_.ring, std::max(layout_.head_id, layout_.tail_id), sizeof(std::uint64_t)) &&
           count_bits_ > 0 && count_bits_ <= kBitsMax && size_bits_ > 3 && size_bits_ <= kBitsMax;
  }

  PrintkLog decode() {
    const std::uint64_t count = std::uint64_t{1} << count_bits_;
    const std::uint64_t tail = read_field<std::uint64_t>(memory_.ring, layout_.tail_id) & kIdMask;
    const std::uint64_t head = read_field<std::uint64_t>(memory_.ring, layout_.head_id) & kIdMask;
    const std::uint64_t present =
        std::min<std::uint64_t>(count, memory_.descs.size() / std::max<std::size_t>(1, layout_.desc_size));
    const std::uint64_t steps = std::min((head - tail) & kIdMask, count - 1) + 1;
    for (std::uint64_t step = 0; step < steps; ++step) {
      const std::uint64_t id = (tail + step) & kIdMask;
      if (id % count < present)
        decode_record(id, id % count);
      else
        ++log_.lost;
    }
    return std::move(log_);
  }

 private:
  void decode_record(std::uint64_t id, std::uint64_t index) {
    const std::string_view desc = memory_.descs.substr(index * layout_.desc_size, layout_.desc_size);
    const auto state_variable = read_field<std::uint64_t>(desc, layout_.state);
    const auto state = static_cast<unsigned>(state_variable >> kStateShift);
    if (state == kReusable) return;
    if ((state_variable & kIdMask) != id) {
      // The very first descriptor of a ring that never held a record carries another id.
      return;
    }
    if (state == kReserved) {
      ++log_.unfinished;
      return;
    }
    const std::size_t info_offset = index * layout_.info_size;
    if (!has_field(memory_.infos, info_offset, layout_.info_size)) {
      ++log_.lost;
      return;
    }
    const std::string_view info = memory_.infos.substr(info_offset, layout_.info_size);
    const auto text = record_text(id, desc, read_field<std::uint16_t>(info, layout_.text_size));
    if (!text) ++log_.lost;
    log_.records.push_back(
        {read_field<std::uint64_t>(info, layout_.sequence), read_field<std::uint64_t>(info, layout_.time),
         read_field<std::uint32_t>(info, layout_.caller), std::string(text.value_or("")), !text});
  }

  // Empty optional when the text was overwritten or never written.
  std::optional<std::string_view> record_text(std::uint64_t id, std::string_view desc,
                                              std::size_t text_size) const {
    const auto begin = read_field<std::uint64_t>(desc, layout_.begin);
    const auto next = read_field<std::uint64_t>(desc, layout_.next);
    if (begin == kNoDataPosition && next == kNoDataPosition) return std::string_view();
    if (begin == next || (begin & kFailedPosition) != 0 || (next & kFailedPosition) != 0) return std::nullopt;

    const std::uint64_t ring_size = std::uint64_t{1} << size_bits_;
    const std::uint64_t last = next - 1;
    if (next - begin > ring_size || next - begin <= kIdSize) return std::nullopt;
    // A block that does not fit before the end of the ring has its data at the start of the next turn. The
    // id in front of the text tells which it is, also for a block that ends exactly with the ring.
    const bool same_turn = begin >> size_bits_ == last >> size_bits_;
    const std::uint64_t end = last % ring_size + 1;
    const std::uint64_t begin_position = begin % ring_size;
    for (const std::uint64_t position : {same_turn ? begin_position : 0, std::uint64_t{0}}) {
      if (end <= position + kIdSize || !has_field(memory_.text, position, end - position)) continue;
      const std::string_view block = memory_.text.substr(position, end - position);
      if (read_field<std::uint64_t>(block, 0) != id) continue;
      return block.substr(kIdSize, text_size);
    }
    return std::nullopt;
  }

  const PrintkMemory& memory_;
  const RingLayout& layout_;
  std::uint64_t count_bits_;
  std::uint64_t size_bits_;
  PrintkLog log_;
};

// isprint(3) or isspace(3) in the C locale.
bool stands_as_it_is(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
}

}  // namespace

Outcome<PrintkLog> decode_printk_log(const PrintkMemory& memory, const Vmcoreinfo& vmcoreinfo) {
  StructReader fields(vmcoreinfo);
  const RingLayout layout(fields);
  if (!fields.missing().empty()) {
    return Failure(ErrorCode::not_found,
                   fmt::format("cannot read the kernel log: VMCOREINFO has no usable {}", fields.missing()));
  }
  if (memory.ring.empty() || memory.descs.empty() || memory.infos.empty() || memory.text.empty()) {
    return Failure(ErrorCode::not_found, "the kernel log is not in the dump");
  }
  RingDecoder decoder(memory, layout);
  if (!decoder.is_sane())
    return Failure(ErrorCode::corrupt, "the kernel log's ring buffer has impossible sizes");
  return decoder.decode();
}

std::string format_printk_log(const PrintkLog& log) {
  std::string formatted;
  const auto out = std::back_inserter(formatted);
  for (const PrintkRecord& record : log.records) {
    fmt::format_to(out, "[{:5}.{:06}] ", record.time_ns / 1'000'000'000,
                   record.time_ns % 1'000'000'000 / 1000);
    for (const char character : record.text) {
      if (stands_as_it_is(character)) {
        formatted += character;
      } else {
        fmt::format_to(out, "\\x{:02x}", static_cast<unsigned char>(character));
      }
    }
    formatted += '\n';
  }
  return formatted;
}

}  // namespace warmdump
