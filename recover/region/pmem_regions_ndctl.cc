#include "recover/region/pmem_regions_ndctl.h"

#include <daxctl/libdaxctl.h>
#include <fmt/format.h>
#include <linux/ndctl.h>
#include <ndctl/libndctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "common/file_device.h"
#include "common/hosted/region_dax_uuid.h"
#include "recover/region/kernel_memory.h"
#include "recover/region/wipe.h"

namespace warmdump {
namespace {

constexpr const char* kLegacyProvider = "e820";
constexpr const char* kLegacyPlatformDevice = "/sys/devices/platform/e820_pmem";
constexpr unsigned long kDaxAlignment = 2 * kMiB;
// Times that another driver may be faster than kmem.
constexpr int kBindAttempts = 5;

// The libraries say more to their log than by their return values: the last line goes into our message.
thread_local std::string last_log_line;

void keep_log_line(const char* function, const char* format, va_list arguments) {
  char text[512];
  const int length = std::vsnprintf(text, sizeof(text), format, arguments);
  if (length <= 0) return;
  last_log_line = fmt::format("{}: {}", function, text);
  while (last_log_line.ends_with('\n')) last_log_line.pop_back();
}

void keep_ndctl_log(ndctl_ctx*, int, const char*, int, const char* function, const char* format,
                    va_list arguments) {
  keep_log_line(function, format, arguments);
}

void keep_daxctl_log(daxctl_ctx*, int, const char*, int, const char* function, const char* format,
                     va_list arguments) {
  keep_log_line(function, format, arguments);
}

// `code`: negative errno. Pointer-returning calls have none worth showing: pass 0.
Failure library_failure(const std::string& doing, int code) {
  Failure failure = code < 0 ? Failure::system(doing, -code) : Failure(ErrorCode::io, doing);
  if (!last_log_line.empty()) failure.message += " (" + last_log_line + ")";
  failure.message += "; the kernel log may say more";
  last_log_line.clear();
  return failure;
}

struct ContextDeleter {
  void operator()(ndctl_ctx* context) const { ndctl_unref(context); }
};
using Context = std::unique_ptr<ndctl_ctx, ContextDeleter>;

Outcome<Context> make_context() {
  ndctl_ctx* context = nullptr;
  const int code = ndctl_new(&context);
  if (code < 0) return library_failure("cannot start libndctl", code);
  ndctl_set_log_fn(context, keep_ndctl_log);
  daxctl_set_log_fn(ndctl_get_daxctl_ctx(context), keep_daxctl_log);
  last_log_line.clear();
  return Context(context);
}

// A region with its only namespace; borrowed from `context`.
struct Handle {
  Context context;
  ndctl_region* region = nullptr;
  ndctl_namespace* name_space = nullptr;
};

daxctl_dev* dax_device_of(ndctl_namespace* name_space) {
  ndctl_dax* dax = ndctl_namespace_get_dax(name_space);
  if (dax == nullptr || ndctl_dax_is_enabled(dax) == 0) return nullptr;
  daxctl_region* dax_region = ndctl_dax_get_daxctl_region(dax);
  return dax_region == nullptr ? nullptr : daxctl_dev_get_first(dax_region);
}

bool is_raw_disk(ndctl_namespace* name_space) {
  return ndctl_namespace_is_enabled(name_space) == 1 && ndctl_namespace_get_raw_mode(name_space) == 1 &&
         std::strlen(ndctl_namespace_get_block_device(name_space)) > 0;
}

RegionShape shape_of(ndctl_namespace* name_space) {
  if (daxctl_dev* device = dax_device_of(name_space)) {
    return daxctl_dev_get_memory(device) != nullptr ? RegionShape::system_ram : RegionShape::devdax;
  }
  return is_raw_disk(name_space) ? RegionShape::raw : RegionShape::idle;
}

ndctl_bus* legacy_bus(ndctl_ctx* context) {
  ndctl_bus* bus = nullptr;
  ndctl_bus_foreach(context, bus) {
    if (std::strcmp(ndctl_bus_get_provider(bus), kLegacyProvider) == 0) {
      ndctl_bus_wait_probe(bus);
      return bus;
    }
  }
  return nullptr;
}

PmemRegion describe(ndctl_region* region, ndctl_namespace* name_space) {
  const unsigned long long start = ndctl_region_get_resource(region);
  return {.name = ndctl_region_get_devname(region),
          .start = start == ULLONG_MAX ? 0 : start,
          .size = ndctl_region_get_size(region),
          .numa_node = ndctl_region_get_numa_node(region),
          .target_node = ndctl_region_get_target_node(region),
          .shape = name_space == nullptr ? RegionShape::idle : shape_of(name_space)};
}

Outcome<Handle> find_handle(const PmemRegion& wanted) {
  Handle handle;
  handle.context = TRY(make_context());
  if (ndctl_bus* bus = legacy_bus(handle.context.get())) {
    ndctl_region* region = nullptr;
    ndctl_region_foreach(bus, region) {
      if (wanted.name != ndctl_region_get_devname(region) || wanted.size != ndctl_region_get_size(region))
        continue;
      handle.region = region;
      handle.name_space = ndctl_namespace_get_first(region);
    }
  }
  if (handle.name_space == nullptr) {
    return Failure(ErrorCode::not_found, wanted.name + " has disappeared, or has no namespace");
  }
  return handle;
}

Outcome<void> check_usable(const Handle& handle) {
  ndctl_region* region = handle.region;
  const std::string name = ndctl_region_get_devname(region);
  if (ndctl_region_get_nstype(region) != ND_DEVICE_NAMESPACE_IO) {
    return Failure(ErrorCode::unsupported,
                   name + " has labels (ramdax?): only plain legacy regions can be used");
  }
  if (ndctl_region_get_ro(region) == 1) return Failure(ErrorCode::refused, name + " is read-only");
  ndctl_pfn* pfn = ndctl_namespace_get_pfn(handle.name_space);
  ndctl_btt* btt = ndctl_namespace_get_btt(handle.name_space);
  if ((pfn != nullptr && ndctl_pfn_is_enabled(pfn) == 1) ||
      (btt != nullptr && ndctl_btt_is_enabled(btt) == 1)) {
    return Failure(ErrorCode::refused,
                   name +
                       " carries an fsdax or btt namespace, so somebody else's data; if it is "
                       "to be the dump region, remove that with `ndctl destroy-namespace`");
  }
  return {};
}

Outcome<daxctl_dev*> find_dax_device(const Handle& handle) {
  daxctl_dev* device = dax_device_of(handle.name_space);
  if (device != nullptr) return device;
  return library_failure(std::string(ndctl_region_get_devname(handle.region)) + " has no DAX device", 0);
}

Outcome<daxctl_memory*> find_memory(const Handle& handle) {
  daxctl_memory* memory = daxctl_dev_get_memory(TRY(find_dax_device(handle)));
  if (memory != nullptr) return memory;
  return Failure(ErrorCode::not_found,
                 std::string(ndctl_region_get_devname(handle.region)) + " is not in use as system RAM");
}

// From 6.8 on a device may carry its own struct pages; then a dump would overwrite them.
Outcome<void> keep_struct_pages_outside(daxctl_dev* device) {
  const std::string path =
      fmt::format("/sys/bus/dax/devices/{}/memmap_on_memory", daxctl_dev_get_devname(device));
  if (read_line(path) != "1" || write_line(path, "0")) return {};
  return Failure(ErrorCode::refused,
                 "cannot switch off " + path + ": struct pages would lie in the dump region");
}

// Linux 5.10 has two drivers for the device, and the module alias that libndctl loads by names
// the one (dax_pmem_compat) whose devices cannot become memory. Where this fails, libndctl tries what there
// is.
void bind_dax_driver(ndctl_dax* dax) {
  (void)load_kernel_module("dax_pmem");
  (void)write_line("/sys/bus/nd/drivers/dax_pmem/bind", ndctl_dax_get_devname(dax));
}

// Success says only that some driver has the device: when another one was faster, libdaxctl is content with
// that.
Outcome<void> bind_to_kmem(daxctl_dev* device) {
  if (const int code = daxctl_dev_disable(device); code < 0) {
    return library_failure("cannot take the DAX device from its driver", code);
  }
  const int code = daxctl_dev_enable_ram(device);
  if (code >= 0 || code == -EBUSY) return {};
  if (::access("/sys/bus/dax/drivers/kmem", F_OK) != 0) {
    return Failure(ErrorCode::unsupported, "the kernel module kmem (CONFIG_DEV_DAX_KMEM) cannot be loaded");
  }
  return library_failure("kmem refuses the DAX device (is there a whole memory block in the region?)", code);
}

}  // namespace

Outcome<std::vector<PmemRegion>> PmemRegionsNdctl::find() {
  if (::geteuid() != 0) return Failure(ErrorCode::no_permission, "must run as root to use the dump region");
  Context context = TRY(make_context());
  ndctl_bus* bus = legacy_bus(context.get());
  if (bus == nullptr && ::access(kLegacyPlatformDevice, F_OK) == 0) {
    const auto loaded = load_kernel_module("nd_e820");
    context = TRY(make_context());
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
  ndctl_region_foreach(bus, region) regions.push_back(describe(region, ndctl_namespace_get_first(region)));
  return regions;
}

Outcome<std::filesystem::path> PmemRegionsNdctl::open_raw(const PmemRegion& region) {
  Handle handle = TRY(find_handle(region));
  TRY(check_usable(handle));
  if (ndctl_region_is_enabled(handle.region) == 0) {
    if (const int code = ndctl_region_enable(handle.region); code < 0) {
      return library_failure("cannot enable the region", code);
    }
    handle = TRY(find_handle(region));
  }
  if (!is_raw_disk(handle.name_space)) {
    if (const int code = ndctl_namespace_disable_safe(handle.name_space); code < 0) {
      return library_failure("cannot take it from what holds it", code);
    }
    if (const int code = ndctl_namespace_set_raw_mode(handle.name_space, 1); code < 0) {
      return library_failure("cannot set raw mode", code);
    }
    if (const int code = ndctl_namespace_enable(handle.name_space); code != 0) {
      return library_failure("cannot make a raw disk (kernel module nd_pmem?)", code);
    }
    handle = TRY(find_handle(region));
  }
  const std::string disk = ndctl_namespace_get_block_device(handle.name_space);
  if (disk.empty()) return library_failure("no raw disk appeared (kernel module nd_pmem?)", 0);
  return std::filesystem::path("/dev/" + disk);
}

Outcome<void> PmemRegionsNdctl::convert_to_devdax(const PmemRegion& region) {
  // A stale info block of another geometry or uuid would make the kernel refuse the new device.
  {
    const auto path = TRY(open_raw(region));
    FileDevice device;
    TRY(in_context("cannot open " + path.string(),
                   device.open(path.c_str(), FileDevice::Access::read_write_direct)));
    TRY(clear_info_block(device));
  }
  Handle handle = TRY(find_handle(region));
  if (const int code = ndctl_namespace_disable_safe(handle.name_space); code < 0) {
    return library_failure("cannot release the raw disk", code);
  }
  if (const int code = ndctl_namespace_set_raw_mode(handle.name_space, 0); code < 0) {
    return library_failure("cannot leave raw mode", code);
  }
  handle = TRY(find_handle(region));
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
  // A kmem that was used before may take the new device at once.
  const MovableOnlinePolicy policy;
  bind_dax_driver(dax);
  if (code = ndctl_dax_enable(dax); code < 0) {
    Failure failure = library_failure("cannot make a devdax device (kernel module dax_pmem?)", code);
    ndctl_dax_set_namespace(dax, nullptr);
    return failure;
  }
  return {};
}

Outcome<void> PmemRegionsNdctl::make_system_ram(const PmemRegion& region) {
  // Loaded by udev in the middle of this, device_dax would take the device that is between two drivers.
  (void)load_kernel_module("device_dax");
  const MovableOnlinePolicy policy;
  for (int attempt = 0; attempt < kBindAttempts; ++attempt) {
    const Handle handle = TRY(find_handle(region));
    daxctl_dev* device = TRY(find_dax_device(handle));
    if (daxctl_dev_get_memory(device) != nullptr) return {};
    if (daxctl_dev_get_target_node(device) < 0) {
      return Failure(ErrorCode::unsupported, "the kernel knows no NUMA node for the region");
    }
    TRY(keep_struct_pages_outside(device));
    TRY(bind_to_kmem(device));
  }
  return Failure(ErrorCode::busy,
                 fmt::format("another driver takes the DAX device from kmem each time, {} times; "
                             "`warmdump recover` tries again",
                             kBindAttempts));
}

Outcome<void> PmemRegionsNdctl::online_movable(const PmemRegion& region) {
  const Handle handle = TRY(find_handle(region));
  daxctl_memory* memory = TRY(find_memory(handle));
  // Its positive result says nothing about zones: 0 or more only means that it could look at all blocks.
  if (const int code = daxctl_memory_online(memory); code < 0 && code != -EBUSY) {
    return library_failure("cannot bring the memory blocks online", code);
  }
  if (daxctl_memory_is_movable(memory) == 1) return {};
  if (const int code = daxctl_memory_offline(memory); code < 0) {
    return library_failure("memory blocks are online outside of ZONE_MOVABLE and cannot be taken offline",
                           code);
  }
  if (const int code = daxctl_memory_online(memory); code < 0) {
    return library_failure("cannot bring the memory blocks online as Movable", code);
  }
  return {};
}

Outcome<MemoryBlocks> PmemRegionsNdctl::memory_blocks(const PmemRegion& region) {
  const Handle handle = TRY(find_handle(region));
  daxctl_memory* memory = TRY(find_memory(handle));
  MemoryBlocks blocks;
  blocks.count = daxctl_memory_num_sections(memory);
  if (blocks.count < 0) return library_failure("cannot count memory blocks", blocks.count);
  blocks.online = daxctl_memory_is_online(memory);
  if (blocks.online < 0) return library_failure("cannot read the state of memory blocks", blocks.online);
  blocks.movable = blocks.online > 0 && daxctl_memory_is_movable(memory) == 1;
  blocks.block_size = daxctl_memory_get_block_size(memory);
  return blocks;
}

ByteCount PmemRegionsNdctl::memory_total() {
  return read_memory_total();
}

}  // namespace warmdump
