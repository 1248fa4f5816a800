#include "arm/estimate/page_flags.h"

#include <gtest/gtest.h>

#include <vector>

namespace warmdump {
namespace {

template <class... Flags>
std::uint64_t flags_of(Flags... flags) {
  return (std::uint64_t{0} | ... | flag_bit(flags));
}

std::vector<PageClass> classes_of(const std::vector<std::uint64_t>& flags) {
  std::vector<PageClass> classes(flags.size());
  classify_flags(flags, classes);
  return classes;
}

TEST(PageFlags, every_class_and_its_near_miss) {
  using enum PageFlag;
  const struct {
    std::uint64_t flags;
    PageClass page_class;
  } cases[] = {
      {0, PageClass::kernel},  // also what lies on a CPU's free list
      {flags_of(buddy), PageClass::free},
      {flags_of(lru), PageClass::cache},
      {flags_of(lru, private_data), PageClass::private_cache},
      {flags_of(private_data), PageClass::kernel},
      {flags_of(lru, anonymous), PageClass::user},
      {flags_of(anonymous), PageClass::user},
      {flags_of(swapbacked, swapcache), PageClass::cache},
      {flags_of(swapcache), PageClass::kernel},
      {flags_of(swapbacked, swapcache, anonymous), PageClass::user},
      {flags_of(hugetlb), PageClass::hugetlb},
      {flags_of(hugetlb, anonymous), PageClass::hugetlb},
      {flags_of(offline), PageClass::offline},
      {flags_of(slab), PageClass::slab},
      {flags_of(slab, anonymous), PageClass::slab},  // its bits mean something else there
      {flags_of(page_table), PageClass::page_table},
      {flags_of(reserved), PageClass::struct_page},
      {flags_of(hwpoison, lru), PageClass::hwpoison},
      {flags_of(no_page), PageClass::unknown},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(classes_of({test.flags}).front(), test.page_class) << std::hex << test.flags;
  }
}

TEST(PageFlags, tails_belong_to_their_head) {
  using enum PageFlag;
  const std::uint64_t tail = flags_of(compound_tail);
  // Page cache of several pages, whose tails have no LRU bit of their own; then kernel memory.
  EXPECT_EQ(classes_of({flags_of(compound_head, lru), tail, tail, 0}),
            (std::vector{PageClass::cache, PageClass::cache, PageClass::cache, PageClass::kernel}));
  // Two blocks behind each other.
  EXPECT_EQ(classes_of({flags_of(compound_head, slab), tail, flags_of(compound_head), tail}),
            (std::vector{PageClass::slab, PageClass::slab, PageClass::kernel, PageClass::kernel}));
  // A broken page inside, and a broken head that stands for all.
  EXPECT_EQ(classes_of({flags_of(compound_head, lru), flags_of(compound_tail, hwpoison), tail}),
            (std::vector{PageClass::cache, PageClass::hwpoison, PageClass::cache}));
  EXPECT_EQ(classes_of({flags_of(compound_head, hugetlb, hwpoison), flags_of(compound_tail, hugetlb)}),
            (std::vector{PageClass::hwpoison, PageClass::hwpoison}));
}

TEST(PageFlags, tails_without_a_head_count_by_their_own_flags) {
  using enum PageFlag;
  EXPECT_EQ(classes_of({flags_of(compound_tail, hugetlb), flags_of(compound_tail, anonymous),
                        flags_of(compound_tail, slab), flags_of(compound_tail)}),
            (std::vector{PageClass::hugetlb, PageClass::user, PageClass::slab, PageClass::kernel}));
  // A plain page ends what the head began.
  EXPECT_EQ(classes_of({flags_of(compound_head, lru), 0, flags_of(compound_tail)}),
            (std::vector{PageClass::cache, PageClass::kernel, PageClass::kernel}));
}

}  // namespace
}  // namespace warmdump
