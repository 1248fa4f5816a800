#include "selftest/offline/sample_machine.h"

#include <fmt/format.h>

namespace warmdump {
namespace {

// The layout of Linux 6.1 on x86_64. Of every class there are single pages, blocks and, where the kernel has
// them, huge pages.
constexpr char kMachine[] = R"(
kernel_image 16M..20M
metadata 32M..40M
ram 0x1000..0x9f000
ram 0x100000..0x4000000
cpus 2
content 0x0+0x9f pattern
content 0x400+0x400 pattern
content 0x800+0x200 random
content 0xa00+0x200 pattern
content 0x1000+0x300 pattern
content 0x1300+0x100 random
content 0x2800+0x800 pattern
content 0x3000+0x400 random

log 0.0 5 Linux version 6.1.0-selftest
log 1.5 6 @T1 this machine exists only in a file of warmdump's self-test
log 2.25 4 @C1

vmcoreinfo OSRELEASE=6.1.0-selftest
vmcoreinfo BUILD-ID=5e1f7e575e1f7e575e1f7e575e1f7e575e1f7e57
vmcoreinfo OFFSET(uts_namespace.name)=0
vmcoreinfo OFFSET(page.flags)=0
vmcoreinfo OFFSET(page._refcount)=52
vmcoreinfo OFFSET(page.mapping)=24
vmcoreinfo OFFSET(page.lru)=8
vmcoreinfo OFFSET(page._mapcount)=48
vmcoreinfo OFFSET(page.private)=40
vmcoreinfo OFFSET(page.compound_dtor)=16
vmcoreinfo OFFSET(page.compound_order)=17
vmcoreinfo OFFSET(page.compound_head)=8
vmcoreinfo LENGTH(zone.free_area)=11
vmcoreinfo NUMBER(PG_lru)=4
vmcoreinfo NUMBER(PG_private)=13
vmcoreinfo NUMBER(PG_swapcache)=10
vmcoreinfo NUMBER(PG_swapbacked)=19
vmcoreinfo NUMBER(PG_slab)=9
vmcoreinfo NUMBER(PG_hwpoison)=23
vmcoreinfo NUMBER(PG_head_mask)=65536
vmcoreinfo NUMBER(HUGETLB_PAGE_DTOR)=2
vmcoreinfo NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129
vmcoreinfo NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257
omit SYMBOL(vmemmap)

page 0x400+0x40 free order=3 -> free
page 0x440+1 free order=0 -> free
page 0x458+8 slab -> slab
page 0x460+8 anon -> user
page 0x470+16 anon order=4 -> user
page 0x490+16 cache -> cache
page 0x4a0+16 cache order=4 -> cache
page 0x4b0+8 private_cache -> private_cache
page 0x4c0+16 compound order=4 -> kernel
page 0x4e0+1 hwpoison -> hwpoison
page 0x4e4+4 offline -> offline
page 0x600+0x40 slab order=3 -> slab
page 0x800+0x200 hugetlb order=9 -> hugetlb
page 0xa00+0x200 anon order=9 -> user
page 0xc00+0x400 free order=10 -> free
page 0x2800+0x400 cache order=5 -> cache
page 0x3000+0x200 compound order=9 -> kernel
page 0x3200+0x200 anon -> user
page 0x3400+0x800 free order=10 -> free
)";

}  // namespace

std::string sample_panic_text(const std::string& id) {
  return "Kernel panic - not syncing: warmdump selftest " + id;
}

std::string sample_machine_recipe(const std::string& id, std::uint64_t crash_time_s) {
  return std::string(kMachine) + fmt::format(
                                     "log 3.125 0 @T4711 {}\n"
                                     "vmcoreinfo CRASHTIME={}\n"
                                     "content 0x500+0x100 bytes {}\n",
                                     sample_panic_text(id), crash_time_s, id);
}

}  // namespace warmdump
