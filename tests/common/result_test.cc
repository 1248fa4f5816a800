// Result, Outcome, TRY and the sentences a Failure makes.

#include "common/result.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

#include "common/hosted/failure.h"

namespace warmdump {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error::make(ErrorCode::invalid, "not even").at(WhereKind::pfn, 0x1f);
  return value / 2;
}

Result<int> quarter(int value) {
  return TRY(half(TRY(half(value))));
}

Outcome<std::string> quarter_text(int value) {
  const int result = TRY(in_context("quarter", quarter(value)));
  return std::to_string(result);
}

Result<void> check(bool good) {
  if (!good) return Error::system("step failed", EIO);
  return {};
}

Outcome<void> check_twice(bool first, bool second) {
  TRY(check(first));
  TRY(in_context("second check", check(second)));
  return {};
}

Outcome<std::unique_ptr<int>> make_unique_number() {
  return std::make_unique<int>(7);
}
Outcome<int> take_unique_number() {
  const std::unique_ptr<int> number = TRY(make_unique_number());
  return *number;
}

TEST(Result, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(7).error().code, ErrorCode::invalid);
  EXPECT_EQ(quarter(6).error().where, 0x1fU);
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  EXPECT_EQ(*take_unique_number(), 7);
}

TEST(Result, AnErrorBecomesAFailureWithItsPlace) {
  EXPECT_EQ(*quarter_text(8), "2");
  EXPECT_EQ(quarter_text(6).error().message, "quarter: not even at pfn 0x1f");
  EXPECT_EQ(quarter_text(6).error().code, ErrorCode::invalid);
}

TEST(Result, NothingIsAValueToo) {
  EXPECT_TRUE(check_twice(true, true).has_value());
  EXPECT_EQ(check_twice(false, true).error().message, "step failed: Input/output error");
  EXPECT_EQ(check_twice(true, false).error().message, "second check: step failed: Input/output error");
  EXPECT_EQ(check_twice(true, false).error().system_errno, EIO);
}

struct Place {
  WhereKind kind;
  const char* text;
};

class Places : public testing::TestWithParam<Place> {};

TEST_P(Places, AreNamed) {
  const Failure failure(Error::make(ErrorCode::corrupt, "bad").at(GetParam().kind, 18));
  EXPECT_EQ(failure.message, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Cases, Places,
                         testing::Values(Place{WhereKind::nowhere, "bad"},
                                         Place{WhereKind::file_offset, "bad at file offset 0x12"},
                                         Place{WhereKind::region_offset, "bad at region offset 0x12"},
                                         Place{WhereKind::pfn, "bad at pfn 0x12"},
                                         Place{WhereKind::virtual_address, "bad at virtual address 0x12"},
                                         Place{WhereKind::line, "bad in line 18"}));

TEST(Failure, SystemErrorsGetTheCodeThatFits) {
  EXPECT_EQ(Failure::system("x", ENOENT).code, ErrorCode::not_found);
  EXPECT_EQ(Failure::system("x", EACCES).code, ErrorCode::no_permission);
  EXPECT_EQ(Failure::system("x", EBUSY).code, ErrorCode::busy);
  EXPECT_EQ(Failure::system("x", ENOSPC).code, ErrorCode::no_space);
  EXPECT_EQ(Failure::system("x", EIO).code, ErrorCode::io);
  EXPECT_EQ(Failure::system("cannot open a", ENOENT).message, "cannot open a: No such file or directory");
}

TEST(Failure, StepsStandOutermostFirst) {
  EXPECT_EQ(Failure(ErrorCode::io, "c").in("b").in("a").message, "a: b: c");
}

TEST(Error, CodesHaveDistinctNames) {
  std::set<std::string> names;
  for (std::uint16_t code = 0; code <= 10; ++code)
    names.insert(error_code_name(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), 11U);
  EXPECT_STREQ(error_code_name(static_cast<ErrorCode>(99)), "unknown error");
}

}  // namespace
}  // namespace warmdump
