#include "tests/support/printk_ring_builder.h"

#include <algorithm>
#include <cstring>

#include "common/units.h"

namespace warmdump::test {
namespace {

// The layout of Linux 6.1 on x86-64, shortened where no key says otherwise.
constexpr std::size_t kRingSize = 80, kDescSize = 24, kInfoSize = 88;
constexpr std::size_t kCountBits = 0, kHeadId = 24, kTailId = 32, kSizeBits = 48;
constexpr std::size_t kTime = 8, kTextLength = 16, kCaller = 20;
constexpr unsigned kReserved = 0, kCommitted = 1, kFinalized = 2, kReusable = 3;
constexpr std::uint64_t kIdMask = (std::uint64_t{1} << 62) - 1;

template <class Integer>
void write_field(std::string& bytes, std::size_t offset, Integer value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

}  // namespace

PrintkRingBuilder::PrintkRingBuilder(unsigned count_bits, unsigned size_bits, std::uint64_t first_id)
    : ring(kRingSize, '\0'),
      descs((std::size_t{1} << count_bits) * kDescSize, '\0'),
      infos((std::size_t{1} << count_bits) * kInfoSize, '\0'),
      text(std::size_t{1} << size_bits, '\0'),
      count_bits_(count_bits),
      size_bits_(size_bits),
      first_id_(first_id),
      next_id_(first_id) {
  for (std::size_t index = 0; index < std::size_t{1} << count_bits; ++index) {
    write_field(descs, index * kDescSize, std::uint64_t{kReusable} << 62);
  }
}

void PrintkRingBuilder::put(unsigned state, std::string_view record_text, std::uint64_t begin,
                            std::uint64_t next, std::uint64_t time_ns, std::uint32_t caller_id) {
  const std::uint64_t id = next_id_++ & kIdMask;
  const std::size_t index = id & ((std::uint64_t{1} << count_bits_) - 1);
  write_field(descs, index * kDescSize, std::uint64_t{state} << 62 | id);
  write_field(descs, index * kDescSize + 8, begin);
  write_field(descs, index * kDescSize + 16, next);
  write_field(infos, index * kInfoSize, id - (first_id_ & kIdMask));
  write_field(infos, index * kInfoSize + kTime, time_ns);
  write_field(infos, index * kInfoSize + kTextLength, static_cast<std::uint16_t>(record_text.size()));
  write_field(infos, index * kInfoSize + kCaller, caller_id);
}

void PrintkRingBuilder::store(unsigned state, std::string_view record_text, std::uint64_t time_ns,
                              std::uint32_t caller_id) {
  const std::uint64_t ring_size = std::uint64_t{1} << size_bits_;
  const std::uint64_t size = round_up(8 + record_text.size(), 8);
  const std::uint64_t begin = position_;
  std::uint64_t data_position = begin % ring_size;
  std::uint64_t next = begin + size;
  if ((next - 1) / ring_size != begin / ring_size) {  // does not fit before the end of the ring
    data_position = 0;
    next = round_down(next - 1, ring_size) + size;
  }
  position_ = next;
  write_field(text, data_position, next_id_ & kIdMask);
  record_text.copy(text.data() + data_position + 8, record_text.size());
  put(state, record_text, begin, next, time_ns, caller_id);
}

void PrintkRingBuilder::add(std::string_view record_text, std::uint64_t time_ns, std::uint32_t caller_id) {
  store(kFinalized, record_text, time_ns, caller_id);
}

void PrintkRingBuilder::add_failed() {
  put(kFinalized, "gone", 1, 1, 0, 0);
}

void PrintkRingBuilder::add_empty(std::uint64_t time_ns) {
  put(kFinalized, "", 3, 3, time_ns, 0);
}

void PrintkRingBuilder::add_reserved(std::string_view record_text) {
  store(kReserved, record_text, 0, 0);
}

void PrintkRingBuilder::add_committed(std::string_view record_text, std::uint64_t time_ns) {
  store(kCommitted, record_text, time_ns, 0);
}

void PrintkRingBuilder::add_reusable(std::string_view record_text) {
  store(kReusable, record_text, 0, 0);
}

PrintkMemory PrintkRingBuilder::memory() {
  const std::uint64_t count = std::uint64_t{1} << count_bits_;
  const std::uint64_t stored = std::min(count, next_id_ - first_id_);
  write_field(ring, kCountBits, std::uint32_t{count_bits_});
  write_field(ring, kHeadId, (next_id_ - 1) & kIdMask);
  write_field(ring, kTailId, (next_id_ - stored) & kIdMask);
  write_field(ring, kSizeBits, std::uint32_t{size_bits_});
  return {ring, descs, infos, text};
}

std::string PrintkRingBuilder::vmcoreinfo() {
  return "SIZE(printk_ringbuffer)=80\n"
         "OFFSET(printk_ringbuffer.desc_ring)=0\n"
         "OFFSET(printk_ringbuffer.text_data_ring)=48\n"
         "OFFSET(printk_ringbuffer.fail)=72\n"
         "SIZE(prb_desc_ring)=48\n"
         "OFFSET(prb_desc_ring.count_bits)=0\n"
         "OFFSET(prb_desc_ring.descs)=8\n"
         "OFFSET(prb_desc_ring.infos)=16\n"
         "OFFSET(prb_desc_ring.head_id)=24\n"
         "OFFSET(prb_desc_ring.tail_id)=32\n"
         "SIZE(prb_desc)=24\n"
         "OFFSET(prb_desc.state_var)=0\n"
         "OFFSET(prb_desc.text_blk_lpos)=8\n"
         "SIZE(prb_data_blk_lpos)=16\n"
         "OFFSET(prb_data_blk_lpos.begin)=0\n"
         "OFFSET(prb_data_blk_lpos.next)=8\n"
         "SIZE(printk_info)=88\n"
         "OFFSET(printk_info.seq)=0\n"
         "OFFSET(printk_info.ts_nsec)=8\n"
         "OFFSET(printk_info.text_len)=16\n"
         "OFFSET(printk_info.caller_id)=20\n"
         "OFFSET(printk_info.dev_info)=24\n"
         "SIZE(prb_data_ring)=32\n"
         "OFFSET(prb_data_ring.size_bits)=0\n"
         "OFFSET(prb_data_ring.data)=8\n"
         "OFFSET(prb_data_ring.head_lpos)=16\n"
         "OFFSET(prb_data_ring.tail_lpos)=24\n"
         "SIZE(atomic_long_t)=8\n"
         "OFFSET(atomic_long_t.counter)=0\n";
}

}  // namespace warmdump::test
