#include "recover/region/pmem_regions_ndctl.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/dump_format/dump_format.h"
#include "common/file_device.h"
#include "common/hosted/region_dax_uuid.h"
#include "recover/region/kernel_memory.h"
#include "recover/region/memory_block_moves.h"
#include "recover/region/ndctl_handle.h"
#include "recover/region/online_agent.h"
#include "recover/region/region_holder.h"
#include "recover/region/wipe.h"

namespace warmdump {

using namespace ndctl;

namespace {

constexpr const char* kLegacyPlatformDevice = "/sys/devices/platform/e820_pmem";
constexpr const char* kKmemDriver = "/sys/bus/dax/drivers/kmem";
constexpr unsigned long kDaxAlignment = 2 * kMiB;
// Times that another driver may be faster than kmem.
constexpr int kBindAttempts = 5;
// How long other agents may keep moving blocks to another zone.
constexpr std::uint64_t kOnlineLimitMs = 5000;

std::filesystem::path disk_of(const Handle& handle) {
  return std::filesystem::path("/dev") / ndctl_namespace_get_block_device(handle.name_space);
}

// The kernel puts the data of a device with map=mem behind the first 2 MiB.
BlockRange blocks_of(const PmemRegion& region) {
  return {.start = region.start + dump_format::kFramesOffset,
          .size = region.size - dump_format::kFramesOffset};
}

// As PmemRegions::open_raw.
Outcome<Handle> make_raw_disk(const PmemRegion& region, RegionTimes& times) {
  Handle handle = TRY(find_handle(region, times));
  TRY(check_usable(handle));
  if (ndctl_region_is_enabled(handle.region) == 0) {
    const TimedPart timed(times.kernel_us);
    if (const int code = ndctl_region_enable(handle.region); code < 0) {
      return library_failure("cannot enable the region", code);
    }
    handle = TRY(find_handle(region, times));
  }
  if (!is_raw_disk(handle.name_space)) {
    const TimedPart timed(times.kernel_us);
    if (const int code = ndctl_namespace_disable_safe(handle.name_space); code < 0) {
      return library_failure("cannot take it from what holds it", code);
    }
    if (const int code = ndctl_namespace_set_raw_mode(handle.name_space, 1); code < 0) {
      return library_failure("cannot set raw mode", code);
    }
    if (const int code = ndctl_namespace_enable(handle.name_space); code != 0) {
      return library_failure("cannot make a raw disk (kernel module nd_pmem?)", code);
    }
    handle = TRY(find_handle(region, times));
  }
  if (disk_of(handle).filename().empty()) {
    return library_failure("no raw disk appeared (kernel module nd_pmem?)", 0);
  }
  return handle;
}

// From 6.8 on a device may carry its own struct pages; then a dump would overwrite them.
Outcome<void> keep_struct_pages_outside(daxctl_dev* device) {
  const std::string path =
      fmt::format("/sys/bus/dax/devices/{}/memmap_on_memory", daxctl_dev_get_devname(device));
  if (read_line(path) != "1" || write_line(path, "0")) return {};
  return Failure(ErrorCode::refused,
                 "cannot switch off " + path + ": struct pages would lie in the dump region");
}

// Success says only that some driver has the device: when another one was faster, libdaxctl is content with
// that.
Outcome<void> bind_to_kmem(daxctl_dev* device) {
  if (const int code = daxctl_dev_disable(device); code < 0) {
    return library_failure("cannot take the DAX device from its driver", code);
  }
  const int code = daxctl_dev_enable_ram(device);
  if (code >= 0 || code == -EBUSY) return {};
  return library_failure("kmem refuses the DAX device", code);
}

}  // namespace

Outcome<std::vector<PmemRegion>> PmemRegionsNdctl::find() {
  if (::geteuid() != 0) return Failure(ErrorCode::no_permission, "must run as root to use the dump region");
  Context context = TRY(make_context(times_));
  ndctl_bus* bus = legacy_bus(context.get());
  if (bus == nullptr && ::access(kLegacyPlatformDevice, F_OK) == 0) {
    const auto loaded = load_module("nd_e820");
    context = TRY(make_context(times_));
    bus = legacy_bus(context.get());
    if (bus == nullptr) {
      return Failure(ErrorCode::unsupported,
                     "the kernel has a legacy region, but its driver nd_e820 does not serve it" +
                         (loaded ? "" : ": " + loaded.error().message));
    }
  }
  std::vector<PmemRegion> regions;
  if (bus == nullptr) return regions;
  ndctl_region* region = nullptr;
  const TimedPart timed(times_.looking_us);
  ndctl_region_foreach(bus, region) {
    regions.push_back(describe(region, ndctl_namespace_get_first(region)));
    // Whatever drives the device: what has memory blocks is memory.
    if (!blocks_in(regions.back()).empty()) regions.back().shape = RegionShape::system_ram;
  }
  return regions;
}

Outcome<std::filesystem::path> PmemRegionsNdctl::open_raw(const PmemRegion& region) {
  TRY(require_no_blocks(region));
  const Handle handle = TRY(make_raw_disk(region, times_));
  return disk_of(handle);
}

Outcome<void> PmemRegionsNdctl::convert_to_devdax(const PmemRegion& region) {
  TRY(require_no_blocks(region));
  // Good for all of this: nothing below changes what it knows but by itself.
  const Handle handle = TRY(make_raw_disk(region, times_));
  const std::filesystem::path path = disk_of(handle);
  // A stale info block of another geometry or uuid would make the kernel refuse the new device.
  {
    FileDevice device;
    TRY(in_context("cannot open " + path.string(),
                   device.open(path.c_str(), FileDevice::Access::read_write_direct)));
    TRY(clear_info_block(device));
  }
  {
    const TimedPart timed(times_.kernel_us);
    if (const int code = ndctl_namespace_disable_safe(handle.name_space); code < 0) {
      return in_use(library_failure("cannot release the raw disk", code), path);
    }
    if (const int code = ndctl_namespace_set_raw_mode(handle.name_space, 0); code < 0) {
      return library_failure("cannot leave raw mode", code);
    }
  }
  ndctl_dax* dax = ndctl_region_get_dax_seed(handle.region);
  if (dax == nullptr) {
    return Failure(ErrorCode::unsupported, "this kernel cannot make devdax devices (CONFIG_NVDIMM_DAX)");
  }
  uuid_t uuid;
  std::memcpy(uuid, kRegionDaxUuid, sizeof(uuid));
  int code = ndctl_dax_set_uuid(dax, uuid);
  if (code == 0) code = ndctl_dax_set_location(dax, NDCTL_PFN_LOC_RAM);
  if (code == 0) code = ndctl_dax_set_align(dax, kDaxAlignment);
  if (code == 0) code = ndctl_dax_set_namespace(dax, handle.name_space);
  if (code < 0) return library_failure("cannot set up a devdax device", code);
  // Linux 5.10 has two drivers for the device, and the module alias that libndctl loads by names the one
  // (dax_pmem_compat) whose devices cannot become memory. Where this fails, libndctl tries what there is.
  // The others are wanted by the next step; one modprobe for all takes half of the time.
  {
    const TimedPart timed(times_.modules_us);
    (void)load_kernel_modules({"dax_pmem", "device_dax", "kmem"});
  }
  // A kmem that was used before may take the new device at once.
  const MovableOnlinePolicy policy;
  const TimedPart timed(times_.kernel_us);
  (void)write_line("/sys/bus/nd/drivers/dax_pmem/bind", ndctl_dax_get_devname(dax));
  if (code = ndctl_dax_enable(dax); code < 0) {
    Failure failure = library_failure("cannot make a devdax device (kernel module dax_pmem?)", code);
    ndctl_dax_set_namespace(dax, nullptr);
    return failure;
  }
  return {};
}

Outcome<void> PmemRegionsNdctl::check_returnable(const PmemRegion& region) {
  const std::string doing = "cannot return " + region.name;
  const ByteCount unit = SysfsMemoryBlocks().block_size();
  if (unit == 0) {
    return Failure(ErrorCode::unsupported,
                   doing + ": this kernel has no memory hot-plug (CONFIG_MEMORY_HOTPLUG)");
  }
  if (region.target_node == kNoNode) {
    return Failure(ErrorCode::unsupported,
                   doing +
                       ": no NUMA node covers it, which happens when it is the top of the memory and the "
                       "firmware has no SRAT; choose a lower place with `warmdump plan`");
  }
  const BlockRange range = blocks_of(region);
  if (round_up(range.start, unit) + unit > range.start + range.size) {
    return Failure(
        ErrorCode::unsupported,
        fmt::format("{}: no whole memory block of {} MiB lies in it; choose its place and size with "
                    "`warmdump plan`",
                    doing, unit / kMiB));
  }
  return {};
}

Outcome<void> PmemRegionsNdctl::make_system_ram(const PmemRegion& region) {
  // Loaded by udev in the middle of this, device_dax would take the device that is between two drivers.
  (void)load_module("device_dax");
  const auto loaded = load_module("kmem");
  if (::access(kKmemDriver, F_OK) != 0) {
    return Failure(ErrorCode::unsupported, "the kernel has no driver kmem (CONFIG_DEV_DAX_KMEM)" +
                                               (loaded ? std::string() : ": " + loaded.error().message));
  }
  const MovableOnlinePolicy policy;
  for (int attempt = 0; attempt < kBindAttempts; ++attempt) {
    const Handle handle = TRY(find_handle(region, times_));
    daxctl_dev* device = TRY(find_dax_device(handle));
    if (daxctl_dev_get_memory(device) != nullptr) return {};
    const TimedPart timed(times_.kernel_us);
    if (daxctl_dev_get_target_node(device) < 0) {
      return Failure(ErrorCode::unsupported, "the kernel knows no NUMA node for the DAX device");
    }
    TRY(keep_struct_pages_outside(device));
    TRY(bind_to_kmem(device));
    if (!blocks_in(region).empty()) return {};
  }
  return Failure(ErrorCode::busy,
                 fmt::format("another driver takes the DAX device from kmem each time, {} times; "
                             "`warmdump release` tries again",
                             kBindAttempts));
}

Outcome<void> PmemRegionsNdctl::online_movable(const PmemRegion& region) {
  const TimedPart timed(times_.kernel_us);
  SysfsMemoryBlocks table;
  auto moved = bring_online_movable(table, blocks_of(region), kOnlineLimitMs);
  if (!moved && moved.error().code == ErrorCode::refused) {
    moved.error().message += "; " + likely_online_agent();
  }
  return moved;
}

Outcome<void> PmemRegionsNdctl::leave_system_ram(const PmemRegion& region, std::uint64_t limit_ms) {
  SysfsMemoryBlocks table;
  const Handle handle = TRY(find_handle(region, times_));
  daxctl_dev* device = dax_device_of(handle.name_space);
  const TimedPart timed(times_.kernel_us);
  TRY(take_offline(table, blocks_of(region), limit_ms));
  if (device != nullptr && daxctl_dev_get_memory(device) != nullptr) {
    if (const int code = daxctl_dev_disable(device); code < 0) {
      (void)bring_online_movable(table, blocks_of(region), kOnlineLimitMs);
      return library_failure("cannot take the DAX device from kmem", code);
    }
  }
  const auto left = blocks_in(region);
  if (left.empty()) return {};
  // Somebody brought them online between the two steps. The kernel lets go of the driver even so, and of the
  // memory never again.
  (void)bring_online_movable(table, blocks_of(region), kOnlineLimitMs);
  return Failure(
      ErrorCode::busy,
      fmt::format("the kernel keeps {} although kmem has let go of it, because something brought it "
                  "online in that moment ({}); it stays system RAM until the next boot",
                  left.front().name(), likely_online_agent()));
}

Outcome<MemoryBlocks> PmemRegionsNdctl::memory_blocks(const PmemRegion& region) {
  const auto all = blocks_in(region);
  if (all.empty()) return Failure(ErrorCode::not_found, region.name + " is not in use as system RAM");
  MemoryBlocks blocks;
  blocks.count = static_cast<int>(all.size());
  blocks.block_size = SysfsMemoryBlocks().block_size();
  blocks.movable = true;
  for (const MemoryBlock& block : all) {
    blocks.online += block.online ? 1 : 0;
    blocks.movable = blocks.movable && (!block.online || block.is_movable());
  }
  blocks.movable = blocks.movable && blocks.online > 0;
  return blocks;
}

ByteCount PmemRegionsNdctl::memory_total() {
  return read_memory_total();
}

std::vector<MemoryBlock> PmemRegionsNdctl::blocks_in(const PmemRegion& region) {
  const TimedPart timed(times_.looking_us);
  const BlockRange range = blocks_of(region);
  return region.start == 0 ? std::vector<MemoryBlock>() : SysfsMemoryBlocks().blocks(range.start, range.size);
}

Outcome<void> PmemRegionsNdctl::require_no_blocks(const PmemRegion& region) {
  if (blocks_in(region).empty()) return {};
  return Failure(ErrorCode::busy, region.name + " is in use as system RAM");
}

Outcome<void> PmemRegionsNdctl::load_module(const std::string& name) {
  const TimedPart timed(times_.modules_us);
  return load_kernel_module(name);
}

}  // namespace warmdump
