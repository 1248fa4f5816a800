// StructPages: the bytes of struct page for every pfn of a recipe, in the layout the recipe's VMCOREINFO
// describes.

#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "selftest/machine/recipe.h"

namespace warmdump::synthetic {

class StructPages {
 public:
  // Error invalid when a statement needs a field, flag or type the recipe gives no number for.
  static Outcome<StructPages> make(const Recipe& recipe);

  // Struct pages of the pfns from `first` on, one behind the other, filling `target`. `address` is the
  // virtual address of the first one: tail pages point to their head.
  void encode(Pfn first, VirtualAddress address, std::span<std::byte> target) const;

  // One tail page of a hugetlb page of this order, as kernels share them between all of its tails.
  void encode_shared_tail(unsigned order, std::span<std::byte> target) const;

  // Equal texts: equal struct pages in [first, first + count), wherever they are. Empty: never equal.
  std::string signature(Pfn first, PageCount count) const;

 private:
  struct Flags {
    std::uint64_t set = 0;
    std::uint64_t cleared = 0;
  };

  explicit StructPages(const Recipe& recipe) : recipe_(recipe) {}
  Outcome<void> read_numbers(const std::vector<std::string>& lines);
  Outcome<void> check_statement(const PageStatement& statement, Flags& flags) const;
  std::uint64_t number(std::string_view key) const;
  std::uint64_t flag(std::string_view name) const;
  void put(std::span<std::byte> page, std::string_view field, std::uint64_t value) const;
  void put_tail(std::span<std::byte> page, VirtualAddress head, unsigned order) const;
  void put_head(std::span<std::byte> page, const PageStatement& statement) const;
  void put_first_tail(std::span<std::byte> page, const PageStatement& statement) const;
  void put_order(std::span<std::byte> first_tail, unsigned order, bool is_hugetlb) const;
  void put_options(std::span<std::byte> page, const PageStatement& statement, const Flags& flags) const;
  void encode_one(std::span<std::byte> page, const PageStatement& statement, const Flags& flags, Pfn pfn,
                  VirtualAddress address) const;

  const Recipe& recipe_;
  std::map<std::string, std::uint64_t, std::less<>> numbers_;  // OFFSET(...), NUMBER(...) of the recipe
  std::vector<Flags> flags_;                                   // of each page statement
};

}  // namespace warmdump::synthetic
