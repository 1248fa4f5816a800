#include "arm/load/crash_memory_need.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using testing::HasSubstr;

CrashMemoryNeed need_of(ByteCount init_size) {
  return crash_memory_need({.version = "6.1", .init_size = init_size}, 230 * kKiB, 560 * kKiB);
}

TEST(CrashMemoryNeed, agrees_with_what_kernels_were_measured_to_need) {
  // init_size of Debian's kernels in KiB; a reservation that saved a dump, and one that did not.
  const struct {
    ByteCount init_size;
    ByteCount works;
    ByteCount fails;
  } kernels[] = {{60908, 80, 0}, {65120, 76, 72}, {57276, 72, 0}, {61752, 92, 0}};
  for (const auto& kernel : kernels) {
    const CrashMemoryNeed need = need_of(kernel.init_size * kKiB);
    EXPECT_LE(need.least, kernel.works * kMiB);
    EXPECT_GT(need.least, kernel.fails * kMiB);
    EXPECT_LE(need.comfortable, 96 * kMiB);  // what `warmdump plan` asks for
    EXPECT_GE(need.comfortable, need.least + 8 * kMiB);
  }
}

TEST(CrashMemoryNeed, is_the_sum_of_its_terms) {
  const CrashMemoryNeed need = need_of(64 * kMiB);
  ByteCount least = 0;
  ByteCount comfortable = 0;
  for (const MemoryTerm& term : need.terms) {
    EXPECT_THAT(memory_terms_text(need), HasSubstr(term.name));
    least += term.least;
    comfortable += term.comfortable;
  }
  EXPECT_EQ(need.least, round_up(least, kMiB));
  EXPECT_EQ(need.comfortable, round_up(comfortable, kMiB));
}

TEST(CrashMemoryNeed, grows_with_the_image) {
  const KernelImage kernel{.version = "6.1", .init_size = 64 * kMiB};
  const CrashMemoryNeed small = crash_memory_need(kernel, kMiB, kMiB);
  const CrashMemoryNeed large = crash_memory_need(kernel, 21 * kMiB, 41 * kMiB);
  EXPECT_GE(large.least, small.least + 60 * kMiB);
  EXPECT_LE(large.least, small.least + 62 * kMiB);
}

TEST(CrashMemoryNeed, a_shortage_is_told_with_what_would_do) {
  const CrashMemoryNeed need = need_of(64 * kMiB);
  EXPECT_FALSE(reservation_shortage(need, need.comfortable).has_value());
  EXPECT_THAT(*reservation_shortage(need, need.least - 1), HasSubstr("at least"));
  const auto tight = reservation_shortage(need, need.least);
  ASSERT_TRUE(tight.has_value());
  EXPECT_THAT(*tight, HasSubstr("enough to start"));
  EXPECT_THAT(*tight, HasSubstr("crashkernel=" + std::to_string(need.comfortable / kMiB) + "M"));
}

}  // namespace
}  // namespace warmdump
