// A region as libndctl and libdaxctl see it, and their errors as ours. Private to pmem_regions_ndctl.cc.

#pragma once

#include <daxctl/libdaxctl.h>
#include <ndctl/libndctl.h>

#include <memory>
#include <string>

#include "common/hosted/failure.h"
#include "recover/region/pmem_regions.h"

namespace warmdump::ndctl {

struct ContextDeleter {
  void operator()(ndctl_ctx* context) const { ndctl_unref(context); }
};
using Context = std::unique_ptr<ndctl_ctx, ContextDeleter>;

// A look at the system as it is now; time spent on it is RegionTimes::looking_us of `times`.
Outcome<Context> make_context(RegionTimes& times);

// A region with its only namespace; borrowed from `context`.
struct Handle {
  Context context;
  ndctl_region* region = nullptr;
  ndctl_namespace* name_space = nullptr;
};

// Error not_found when the region has disappeared.
Outcome<Handle> find_handle(const PmemRegion& wanted, RegionTimes& times);

// The bus of regions made by memmap=; nullptr when no driver has made one.
ndctl_bus* legacy_bus(ndctl_ctx* context);

PmemRegion describe(ndctl_region* region, ndctl_namespace* name_space);
bool is_raw_disk(ndctl_namespace* name_space);

// Errors: unsupported, refused: somebody else's region, or none that can be used.
Outcome<void> check_usable(const Handle& handle);

// nullptr when there is none.
daxctl_dev* dax_device_of(ndctl_namespace* name_space);
Outcome<daxctl_dev*> find_dax_device(const Handle& handle);

// `code`: negative errno. Pointer-returning calls have none worth showing: pass 0.
Failure library_failure(const std::string& doing, int code);

}  // namespace warmdump::ndctl
