#include "capture/crashed_machine/crashed_kernel.h"

#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

Result<std::string_view> read_vmcoreinfo(const FileDevice& vmcore, const VmcoreElf& elf,
                                         std::span<char> buffer) {
  NoteWalker notes(vmcore, elf.notes_offset, elf.notes_size);
  for (NoteLocation note; notes.next(note);) {
    if (!note.is("VMCOREINFO", 0)) continue;
    const auto size = std::min<ByteCount>(note.descriptor_size, buffer.size());
    TRY(vmcore.read_at(note.descriptor_offset, std::as_writable_bytes(buffer.first(size))));
    return std::string_view(buffer.data(), size);
  }
  return Error::make(ErrorCode::not_found,
                     "no VMCOREINFO note; is this the vmcore of a Linux kernel loaded with kexec?");
}

Result<PhysicalAddress> page_table_root(const Vmcoreinfo& info, const VmcoreElf& elf) {
  const auto init_top_pgt = info.symbol("init_top_pgt");
  const auto symbol = init_top_pgt ? init_top_pgt : info.symbol("swapper_pg_dir");
  if (!symbol || *symbol < kKernelMapStart) {
    return Error::make(ErrorCode::not_found, "VMCOREINFO names no page table root (init_top_pgt)");
  }
  const ByteCount offset = *symbol - kKernelMapStart;
  // Signed, and the sum wraps: physical and virtual KASLR are independent of each other.
  if (const auto phys_base = info.number("phys_base"))
    return offset + static_cast<PhysicalAddress>(*phys_base);
  if (elf.kernel_image_count > 0) {
    const auto text = info.symbol("_stext");
    if (text && *text >= kKernelMapStart) {
      const ByteCount two_mib = 2 * kMiB;
      return elf.kernel_image[0].start + (*symbol - round_down(*text, two_mib));
    }
  }
  return Error::make(ErrorCode::not_found, "VMCOREINFO does not say where the kernel lies (phys_base)");
}

}  // namespace

Result<void> read_crashed_kernel(const FileDevice& vmcore, const VmcoreElf& elf, PhysicalMemory& memory,
                                 CrashedKernel& kernel) {
  kernel.info = Vmcoreinfo(TRY(read_vmcoreinfo(vmcore, elf, kernel.vmcoreinfo_text)));
  const Vmcoreinfo& info = kernel.info;
  if (info.page_size().value_or(4096) != 4096) {
    return Error::make(ErrorCode::unsupported, "the crashed kernel's pages are not 4 KiB");
  }
  const PhysicalAddress root = TRY(page_table_root(info, elf));
  kernel.page_tables.emplace(memory, root, info.number("pgtable_l5_enabled").value_or(0) != 0,
                             static_cast<std::uint64_t>(info.number("sme_mask").value_or(0)));

  auto layout = PageLayout::from_vmcoreinfo(info);
  if (!layout.has_value()) {
    log_error("every page is kept", layout.error());
    return {};
  }
  auto mem_map = MemMap::from_vmcoreinfo(info, *kernel.page_tables, layout->size);
  if (!mem_map.has_value()) {
    log_error("every page is kept", mem_map.error());
    return {};
  }
  kernel.layout.emplace(*layout);
  kernel.mem_map.emplace(*mem_map);
  return {};
}

}  // namespace warmdump
