// PrintkRingBuilder: makes the memory of a printk ring buffer, record by record, as a kernel would.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "recover/report/printk_log.h"

namespace warmdump::test {

class PrintkRingBuilder {
 public:
  // 2^count_bits descriptors, 2^size_bits bytes of text. `first_id` is the id of the first record.
  PrintkRingBuilder(unsigned count_bits, unsigned size_bits, std::uint64_t first_id = 0);

  // A finished record. Overwrites the oldest when the ring is full; text wraps as the kernel lets it.
  void add(std::string_view text, std::uint64_t time_ns = 0, std::uint32_t caller_id = 0);
  // A record whose text could not be stored, one without any, and one its writer did not finish.
  void add_failed();
  void add_empty(std::uint64_t time_ns = 0);
  void add_reserved(std::string_view text);
  // One that its writer may still go on with, and one that was given up to make room for text.
  void add_committed(std::string_view text, std::uint64_t time_ns = 0);
  void add_reusable(std::string_view text);
  // The next block starts here in the ring's text, to have one end exactly with the ring.
  void set_position(std::uint64_t position) { position_ = position; }
  std::uint64_t position() const { return position_; }

  // Valid as long as this object.
  PrintkMemory memory();

  // The lines of VMCOREINFO that describe the layout used here.
  static std::string vmcoreinfo();

  std::string ring, descs, infos, text;

 private:
  void put(unsigned state, std::string_view record_text, std::uint64_t begin, std::uint64_t next,
           std::uint64_t time_ns, std::uint32_t caller_id);
  void store(unsigned state, std::string_view record_text, std::uint64_t time_ns, std::uint32_t caller_id);

  unsigned count_bits_;
  unsigned size_bits_;
  std::uint64_t first_id_;
  std::uint64_t next_id_;
  std::uint64_t position_ = 0;
};

}  // namespace warmdump::test
