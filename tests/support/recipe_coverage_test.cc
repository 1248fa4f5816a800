// What the recipes cover: for every layout of struct page, each rule of the page filter with a page that
// matches it, and one that only just does not.

#include <gmock/gmock.h>

#include <set>

#include "common/dump_format/dump_state.h"
#include "tests/support/recipe_files.h"

namespace warmdump::synthetic {
namespace {

using dump_format::PageClass;

bool has_key(const Recipe& recipe, const std::string& key) {
  return std::any_of(recipe.vmcoreinfo.begin(), recipe.vmcoreinfo.end(),
                     [&](const std::string& line) { return line.starts_with(key + "="); });
}

// The rules of a recipe's layout. What a kernel does not have, or does not tell, is no rule.
std::set<PageClass> rules_of(const Recipe& recipe) {
  std::set<PageClass> rules = {PageClass::free,          PageClass::slab, PageClass::cache,
                               PageClass::private_cache, PageClass::user, PageClass::hwpoison};
  const bool tells_hugetlb = has_key(recipe, "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)") ||
                             has_key(recipe, "NUMBER(PG_hugetlb)") ||
                             has_key(recipe, "NUMBER(HUGETLB_PAGE_DTOR)");
  if (tells_hugetlb) rules.insert(PageClass::hugetlb);
  if (has_key(recipe, "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)")) rules.insert(PageClass::offline);
  if (has_key(recipe, "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)")) rules.insert(PageClass::unaccepted);
  return rules;
}

// Recipes about the machine rather than about struct pages: sizes, places, damage.
bool is_about_a_layout(const std::string& name) {
  const std::set<std::string> others = {"gigantic_hugetlb", "gigantic_hugetlb_preinit",
                                        "gigantic_hugetlb_typed", "plain_pages", "terabyte"};
  return !others.contains(name);
}

std::vector<std::string> layouts() {
  std::vector<std::string> names = test::recipe_names();
  std::erase_if(names, [](const std::string& name) { return !is_about_a_layout(name); });
  return names;
}

class RecipeCoverage : public testing::TestWithParam<std::string> {};

TEST_P(RecipeCoverage, HasEveryRuleAndItsNearMiss) {
  const auto recipe = Recipe::load(test::recipe_path(GetParam()));
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  std::set<PageClass> matched, missed;
  for (const PageStatement& statement : recipe->pages) {
    matched.insert(statement.expected);
    if (statement.near) missed.insert(*statement.near);
  }
  for (const PageClass rule : rules_of(*recipe)) {
    EXPECT_TRUE(matched.contains(rule)) << "no page is " << dump_format::page_class_name(rule);
    EXPECT_TRUE(missed.contains(rule)) << "no page is only just not " << dump_format::page_class_name(rule);
  }
}

INSTANTIATE_TEST_SUITE_P(, RecipeCoverage, testing::ValuesIn(layouts()),
                         [](const auto& parameter) { return parameter.param; });

// Each encoding of page types, each place of hugetlb's mark and of the order has a recipe.
TEST(RecipeCollection, HasEveryLayoutOfTheKernels) {
  std::set<std::string> seen;
  for (const std::string& name : test::recipe_names()) {
    const auto recipe = Recipe::load(test::recipe_path(name));
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    for (const char* key :
         {"OFFSET(page.compound_order)", "OFFSET(folio._folio_order)", "NUMBER(PG_hugetlb)",
          "NUMBER(PG_slab)", "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)",
          "OFFSET(page.compound_info)", "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)",
          "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129", "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1073741825",
          "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456"}) {
      for (const std::string& line : recipe->vmcoreinfo) {
        if (line.starts_with(key)) seen.insert(key);
      }
    }
    seen.insert("struct page of " + std::to_string(recipe->struct_page_size));
    seen.insert(recipe->memory_model == MemoryModel::classic ? "classic" : "vmemmap");
    seen.insert(recipe->mem_section_extreme ? "extreme" : "flat");
    seen.insert(std::to_string(recipe->levels) + " levels");
    if (recipe->sme_mask != 0) seen.insert("sme");
    for (const SectionFlagsStatement& statement : recipe->section_flags) {
      for (unsigned bit = 0; bit < 12; ++bit) {
        if ((statement.flags >> bit & 1) != 0) seen.insert("section flag " + std::to_string(bit));
      }
    }
  }
  EXPECT_THAT(seen, testing::IsSupersetOf({"OFFSET(page.compound_order)",
                                           "OFFSET(folio._folio_order)",
                                           "NUMBER(PG_hugetlb)",
                                           "NUMBER(PG_slab)",
                                           "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)",
                                           "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)",
                                           "OFFSET(page.compound_info)",
                                           "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)",
                                           "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129",
                                           "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1073741825",
                                           "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456",
                                           "struct page of 56",
                                           "struct page of 64",
                                           "struct page of 72",
                                           "struct page of 80",
                                           "classic",
                                           "vmemmap",
                                           "extreme",
                                           "flat",
                                           "4 levels",
                                           "5 levels",
                                           "sme",
                                           "section flag 3",
                                           "section flag 5",
                                           "section flag 6",
                                           "section flag 11"}));
}

}  // namespace
}  // namespace warmdump::synthetic
