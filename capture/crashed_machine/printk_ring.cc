#include "capture/crashed_machine/printk_ring.h"

#include <algorithm>

namespace warmdump {
namespace {

using dump_format::BlobKind;

// CONFIG_LOG_BUF_SHIFT ends at 25, log_buf_len= at 2 GiB; a ring that claims more than 64 MiB is damaged.
constexpr unsigned kTextBitsMax = 26;
constexpr unsigned kCountBitsMax = 21;
constexpr ByteCount kPieceSizeMax = 256 * kMiB;

template <class T>
Result<T> read_value(PageTables& page_tables, VirtualAddress address) {
  T value{};
  TRY(page_tables.read(address, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}

}  // namespace

Result<PrintkRing> find_printk_ring(const Vmcoreinfo& info, PageTables& page_tables) {
  const auto pointer = info.symbol("prb");
  const auto ring_size = info.size("printk_ringbuffer");
  const auto desc_ring = info.offset("printk_ringbuffer.desc_ring");
  const auto text_ring = info.offset("printk_ringbuffer.text_data_ring");
  const auto count_bits = info.offset("prb_desc_ring.count_bits");
  const auto descs = info.offset("prb_desc_ring.descs");
  const auto infos = info.offset("prb_desc_ring.infos");
  const auto size_bits = info.offset("prb_data_ring.size_bits");
  const auto data = info.offset("prb_data_ring.data");
  const auto desc_size = info.size("prb_desc");
  const auto info_size = info.size("printk_info");
  if (!pointer || !ring_size || !desc_ring || !text_ring || !count_bits || !descs || !infos || !size_bits ||
      !data || !desc_size || !info_size) {
    return Error::make(ErrorCode::not_found, "VMCOREINFO does not describe the printk ring");
  }

  const auto ring = TRY(read_value<VirtualAddress>(page_tables, *pointer));
  const auto desc_bits = TRY(read_value<std::uint32_t>(page_tables, ring + *desc_ring + *count_bits));
  const auto text_bits = TRY(read_value<std::uint32_t>(page_tables, ring + *text_ring + *size_bits));
  if (desc_bits > kCountBitsMax || text_bits > kTextBitsMax || *ring_size > kMiB || *desc_size > 4096 ||
      *info_size > 4096) {
    return Error::make(ErrorCode::corrupt, "printk ring of an impossible size")
        .at(WhereKind::virtual_address, ring);
  }
  const ByteCount desc_count = ByteCount{1} << desc_bits;
  if (desc_count * std::max(*desc_size, *info_size) > kPieceSizeMax) {
    return Error::make(ErrorCode::corrupt, "printk ring of an impossible size")
        .at(WhereKind::virtual_address, ring);
  }
  return PrintkRing{{
      {BlobKind::printk_ring, ring, *ring_size},
      {BlobKind::printk_descs, TRY(read_value<VirtualAddress>(page_tables, ring + *desc_ring + *descs)),
       desc_count * *desc_size},
      {BlobKind::printk_infos, TRY(read_value<VirtualAddress>(page_tables, ring + *desc_ring + *infos)),
       desc_count * *info_size},
      {BlobKind::printk_text, TRY(read_value<VirtualAddress>(page_tables, ring + *text_ring + *data)),
       ByteCount{1} << text_bits},
  }};
}

}  // namespace warmdump
