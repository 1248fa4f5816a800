#include "selftest/machine/printk_ring.h"

#include <cstring>
#include <deque>

#include "common/little_endian.h"

namespace warmdump::synthetic {
namespace {

// The structures as x86_64 compilers lay them out, Linux 5.10.
struct PrbDesc {
  le64 state_var;
  le64 begin;
  le64 next;
};

struct PrintkInfo {
  le64 seq;
  le64 ts_nsec;
  le16 text_len;
  std::uint8_t facility;
  std::uint8_t flags_and_level;  // level in the upper three bits
  le32 caller_id;
  char subsystem[16];
  char device[48];
};

struct PrintkRingbuffer {
  le32 count_bits;
  le32 padding;
  le64 descs;
  le64 infos;
  le64 head_id;
  le64 tail_id;
  le32 size_bits;
  le32 padding2;
  le64 data;
  le64 head_lpos;
  le64 tail_lpos;
  le64 fail;
};

static_assert(sizeof(PrbDesc) == 24 && sizeof(PrintkInfo) == 88 && sizeof(PrintkRingbuffer) == 80);

constexpr unsigned kStateShift = 62;
constexpr std::uint64_t kIdMask = (std::uint64_t{1} << kStateShift) - 1;
constexpr std::uint64_t kStateReusable = 3;
constexpr std::uint64_t kNoData = 3;  // begin and next of a record with empty text
constexpr ByteCount kBlockHeader = 8;

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& items) {
  const auto* first = reinterpret_cast<const std::byte*>(items.data());
  return {first, first + items.size() * sizeof(T)};
}

class Writer {
 public:
  explicit Writer(const Recipe& recipe)
      : count_(std::uint64_t{1} << recipe.printk_desc_bits),
        text_size_(std::uint64_t{1} << recipe.printk_text_bits),
        descs_(count_),
        infos_(count_),
        text_(text_size_) {
    // Ids and positions start shortly before they overflow, so that overflow is common.
    tail_id_ = head_id_ = (0 - (count_ + 1)) & kIdMask;
    tail_position_ = head_position_ = 0 - text_size_;
    PrbDesc& first = descs_[head_id_ % count_];
    first.state_var = head_id_ | kStateReusable << kStateShift;
    first.begin = first.next = 1;
  }

  void add(const LogStatement& record) {
    const std::uint64_t id = (head_id_ + 1) & kIdMask;
    if (((id - count_) & kIdMask) == tail_id_) {
      drop(tail_id_);
      tail_id_ = (tail_id_ + 1) & kIdMask;
    }
    head_id_ = id;
    PrbDesc& desc = descs_[id % count_];
    desc.state_var = id | static_cast<std::uint64_t>(record.state) << kStateShift;
    desc.begin = desc.next = kNoData;
    if (!record.text.empty()) put_text(id, desc, record.text);

    PrintkInfo& info = infos_[id % count_];
    info = PrintkInfo{};
    info.seq = sequence_++;
    info.ts_nsec = record.time_ns;
    info.text_len = static_cast<std::uint16_t>(record.text.size());
    info.flags_and_level = static_cast<std::uint8_t>(record.level << 5);
    info.caller_id = record.caller_id;
    records_.push_back({id, record});
  }

  PrintkRing finish(const Recipe& recipe, const PrintkPlace& place) const {
    PrintkRingbuffer ring{};
    ring.count_bits = recipe.printk_desc_bits;
    ring.descs = place.descs;
    ring.infos = place.infos;
    ring.head_id = head_id_;
    ring.tail_id = tail_id_;
    ring.size_bits = recipe.printk_text_bits;
    ring.data = place.text;
    ring.head_lpos = head_position_;
    ring.tail_lpos = tail_position_;
    PrintkRing result{bytes_of(std::vector{ring}), bytes_of(descs_), bytes_of(infos_), text_, {}};
    for (const auto& [id, record] : records_) {
      if (record.state != LogState::reserved) result.readable.push_back(record);
    }
    return result;
  }

 private:
  void drop(std::uint64_t id) {
    PrbDesc& desc = descs_[id % count_];
    if ((desc.state_var & kIdMask) != id) return;
    if (desc.state_var >> kStateShift != kStateReusable && desc.next % 2 == 0) tail_position_ = desc.next;
    desc.state_var = id | kStateReusable << kStateShift;
    if (!records_.empty() && records_.front().first == id) records_.pop_front();
  }

  void put_text(std::uint64_t id, PrbDesc& desc, const std::string& text) {
    const ByteCount size = round_up(kBlockHeader + text.size(), 8);
    const std::uint64_t begin = head_position_;
    std::uint64_t next = begin + size;
    const bool wraps =
        begin / text_size_ != next / text_size_;  // 5.10: ending on the end of the ring wraps, too
    if (wraps) next = round_down(next, text_size_) + size;
    while (next - tail_position_ > text_size_ && !records_.empty()) drop(records_.front().first);
    head_position_ = next;
    desc.begin = begin;
    desc.next = next;
    std::byte* block = text_.data() + (wraps ? 0 : begin % text_size_);
    std::memcpy(block, &id, sizeof(id));
    std::memcpy(block + kBlockHeader, text.data(), text.size());
  }

  std::uint64_t count_;
  ByteCount text_size_;
  std::vector<PrbDesc> descs_;
  std::vector<PrintkInfo> infos_;
  std::vector<std::byte> text_;
  std::uint64_t head_id_;
  std::uint64_t tail_id_;
  std::uint64_t head_position_;
  std::uint64_t tail_position_;
  std::uint64_t sequence_ = 0;
  std::deque<std::pair<std::uint64_t, LogStatement>> records_;
};

}  // namespace

ByteCount PrintkRing::ring_size() {
  return sizeof(PrintkRingbuffer);
}
ByteCount PrintkRing::descs_size(const Recipe& recipe) {
  return sizeof(PrbDesc) << recipe.printk_desc_bits;
}
ByteCount PrintkRing::infos_size(const Recipe& recipe) {
  return sizeof(PrintkInfo) << recipe.printk_desc_bits;
}
ByteCount PrintkRing::text_size(const Recipe& recipe) {
  return ByteCount{1} << recipe.printk_text_bits;
}

std::vector<std::string> PrintkRing::vmcoreinfo_lines() {
  return {
      "SIZE(printk_ringbuffer)=80",
      "OFFSET(printk_ringbuffer.desc_ring)=0",
      "OFFSET(printk_ringbuffer.text_data_ring)=40",
      "OFFSET(printk_ringbuffer.fail)=72",
      "SIZE(prb_desc_ring)=40",
      "OFFSET(prb_desc_ring.count_bits)=0",
      "OFFSET(prb_desc_ring.descs)=8",
      "OFFSET(prb_desc_ring.infos)=16",
      "OFFSET(prb_desc_ring.head_id)=24",
      "OFFSET(prb_desc_ring.tail_id)=32",
      "SIZE(prb_desc)=24",
      "OFFSET(prb_desc.state_var)=0",
      "OFFSET(prb_desc.text_blk_lpos)=8",
      "SIZE(prb_data_blk_lpos)=16",
      "OFFSET(prb_data_blk_lpos.begin)=0",
      "OFFSET(prb_data_blk_lpos.next)=8",
      "SIZE(printk_info)=88",
      "OFFSET(printk_info.seq)=0",
      "OFFSET(printk_info.ts_nsec)=8",
      "OFFSET(printk_info.text_len)=16",
      "OFFSET(printk_info.caller_id)=20",
      "OFFSET(printk_info.dev_info)=24",
      "SIZE(dev_printk_info)=64",
      "OFFSET(dev_printk_info.subsystem)=0",
      "LENGTH(printk_info_subsystem)=16",
      "OFFSET(dev_printk_info.device)=16",
      "LENGTH(printk_info_device)=48",
      "SIZE(prb_data_ring)=32",
      "OFFSET(prb_data_ring.size_bits)=0",
      "OFFSET(prb_data_ring.data)=8",
      "OFFSET(prb_data_ring.head_lpos)=16",
      "OFFSET(prb_data_ring.tail_lpos)=24",
      "SIZE(atomic_long_t)=8",
      "OFFSET(atomic_long_t.counter)=0",
      "SIZE(latched_seq)=24",
      "OFFSET(latched_seq.val)=8",
  };
}

PrintkRing make_printk_ring(const Recipe& recipe, const PrintkPlace& place) {
  Writer writer(recipe);
  for (const LogStatement& record : recipe.log) writer.add(record);
  return writer.finish(recipe, place);
}

}  // namespace warmdump::synthetic
