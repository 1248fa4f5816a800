#include "capture/crashed_machine/vmcore_memory.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include <algorithm>

#include "capture/support/mapped_faults.h"
#include "common/page_bytes.h"

namespace warmdump {
namespace {

bool is_in_proc(const FileDevice& file) {
  struct statfs status {};
  return ::fstatfs(file.descriptor(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

}  // namespace

VmcoreMemory::VmcoreMemory(const FileDevice& vmcore, const MemoryRanges& ranges, Access access)
    : vmcore_(vmcore),
      ranges_(ranges),
      maps_(access == Access::map || (access == Access::automatic && is_in_proc(vmcore))) {}

VmcoreMemory::~VmcoreMemory() {
  unmap_window();
}

void VmcoreMemory::unmap_window() {
  if (window_ == nullptr) return;
  forget_mapping(window_);
  ::munmap(const_cast<std::byte*>(window_), window_size_);
  window_ = nullptr;
}

bool VmcoreMemory::map_window(ByteCount offset, ByteCount length) {
  unmap_window();
  const ByteCount file_end = round_up(vmcore_.size(), kPageSize);
  ByteCount start = round_down(offset, kWindowSize);
  if (offset + length > start + kWindowSize) start = round_down(offset, kPageSize);
  const ByteCount size = std::min(kWindowSize, file_end - start);
  void* mapping =
      ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, vmcore_.descriptor(), static_cast<off_t>(start));
  if (mapping == MAP_FAILED) return false;
  window_ = static_cast<const std::byte*>(mapping);
  window_offset_ = start;
  window_size_ = size;
  watch_mapping(window_, window_size_);
  return true;
}

const std::byte* VmcoreMemory::mapped(ByteCount offset, ByteCount length) {
  if (!maps_) return nullptr;
  const bool is_inside =
      window_ != nullptr && offset >= window_offset_ && offset + length <= window_offset_ + window_size_;
  maps_ = is_inside || map_window(offset, length);
  return maps_ ? window_ + (offset - window_offset_) : nullptr;
}

Result<ByteCount> VmcoreMemory::file_offset(PhysicalAddress address, ByteCount length) const {
  const MemoryRange* range = ranges_.find(address);
  if (range == nullptr || length > range->end - address) {
    return Error::make(ErrorCode::not_found, "physical memory is not part of the vmcore")
        .at(WhereKind::pfn, address / kPageSize);
  }
  return range->file_offset + (address - range->start);
}

Result<void> VmcoreMemory::read(PhysicalAddress address, std::span<std::byte> target) {
  return vmcore_.read_at(TRY(file_offset(address, target.size())), target);
}

Result<void> VmcoreMemory::copy(PhysicalAddress address, std::span<std::byte> target) {
  const ByteCount offset = TRY(file_offset(address, target.size()));
  const std::byte* source = mapped(offset, target.size());
  if (source == nullptr) return vmcore_.read_at(offset, target);
  const std::uint64_t faults = mapped_fault_count();
  copy_pages(target.data(), source, target.size());
  if (mapped_fault_count() == faults) return {};
  unmap_window();  // there are zeros in it now: a second try must fail again
  return Error::make(ErrorCode::io, "memory cannot be read").at(WhereKind::pfn, address / kPageSize);
}

Result<std::span<const std::byte>> VmcoreMemory::view(PhysicalAddress address, ByteCount length) {
  const ByteCount offset = TRY(file_offset(address, length));
  if (const std::byte* bytes = mapped(offset, length)) return std::span(bytes, length);
  const auto target = std::span(buffer_).first(length);
  TRY(vmcore_.read_at(offset, target));
  return std::span<const std::byte>(target);
}

}  // namespace warmdump
