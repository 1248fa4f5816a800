#include "recover/region/ndctl_handle.h"

#include <fmt/format.h>
#include <linux/ndctl.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace warmdump::ndctl {
namespace {

constexpr const char* kLegacyProvider = "e820";

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

}  // namespace

Failure library_failure(const std::string& doing, int code) {
  Failure failure = code < 0 ? Failure::system(doing, -code) : Failure(ErrorCode::io, doing);
  if (!last_log_line.empty()) failure.message += " (" + last_log_line + ")";
  failure.message += "; the kernel log may say more";
  last_log_line.clear();
  return failure;
}

Outcome<Context> make_context(RegionTimes& times) {
  const TimedPart timed(times.looking_us);
  ndctl_ctx* context = nullptr;
  const int code = ndctl_new(&context);
  if (code < 0) return library_failure("cannot start libndctl", code);
  ndctl_set_log_fn(context, keep_ndctl_log);
  daxctl_set_log_fn(ndctl_get_daxctl_ctx(context), keep_daxctl_log);
  last_log_line.clear();
  return Context(context);
}

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

namespace {

RegionShape shape_of(ndctl_namespace* name_space) {
  if (daxctl_dev* device = dax_device_of(name_space)) {
    return daxctl_dev_get_memory(device) != nullptr ? RegionShape::system_ram : RegionShape::devdax;
  }
  return is_raw_disk(name_space) ? RegionShape::raw : RegionShape::idle;
}

}  // namespace

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

Outcome<Handle> find_handle(const PmemRegion& wanted, RegionTimes& times) {
  Handle handle;
  handle.context = TRY(make_context(times));
  const TimedPart timed(times.looking_us);
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

}  // namespace warmdump::ndctl
