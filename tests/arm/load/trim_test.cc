#include "arm/load/trim.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "common/hosted/whole_file.h"
#include "tests/arm/fake_loader.h"
#include "tests/arm/machines.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

constexpr const char* kKernel = "6.1.0-test";

MeasuredMemory measured_use(ByteCount used, ByteCount given = 256 * kMiB) {
  return {
      .crash_kernel = kKernel, .given = given, .free_min = given - used, .boot_id = "1", .crash_time_s = 2};
}

CrashMemoryNeed need_of(ByteCount least) {
  CrashMemoryNeed need;
  need.least = least;
  need.comfortable = least + 16 * kMiB;
  return need;
}

// 256 MiB at 0x30000000.
const CrashKernelMemory kOneRange{{{0x30000000, 256 * kMiB}}};

Outcome<TrimPlan> plan(const std::optional<MeasuredMemory>& measured, ByteCount least = 72 * kMiB,
                       const CrashKernelMemory& reservation = kOneRange, ByteCount crash_size = 256 * kMiB,
                       const char* command_line = "crashkernel=256M quiet") {
  return plan_trim(reservation, crash_size, need_of(least), kKernel, measured, command_line);
}

TEST(TrimPlan, keeps_what_was_measured_and_a_margin) {
  const auto made = plan(measured_use(80 * kMiB));
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_TRUE(made->gives_back());
  EXPECT_EQ(made->target, 102 * kMiB);  // and an eighth, and 12 MiB
  EXPECT_EQ(made->written, made->target);
  EXPECT_EQ(made->given, made->target);
  EXPECT_THAT(made->reason, HasSubstr("used 80 MiB of 256 MiB"));
}

TEST(TrimPlan, keeps_what_the_kernel_needs_to_start) {
  EXPECT_EQ(plan(measured_use(20 * kMiB))->target, 80 * kMiB);
}

TEST(TrimPlan, a_tight_reservation_stays_as_it_is) {
  const auto made = plan(measured_use(250 * kMiB));
  ASSERT_TRUE(made.has_value());
  EXPECT_FALSE(made->gives_back());
  EXPECT_EQ(made->target, 256 * kMiB);
}

TEST(TrimPlan, refuses_what_it_cannot_know) {
  MeasuredMemory other = measured_use(80 * kMiB);
  other.crash_kernel = "5.10.0-other";
  const struct {
    Outcome<TrimPlan> made;
    const char* message;
  } cases[] = {
      {plan({}), "selftest --crash"},
      {plan(other), "measured was 5.10.0-other"},
      {plan(measured_use(80 * kMiB), 72 * kMiB, kOneRange, 256 * kMiB,
            "crashkernel=256M crashkernel=64M,cma"),
       ",cma"},
      {plan(measured_use(80 * kMiB), 72 * kMiB, kOneRange, 128 * kMiB), "the kernel tells 134217728"},
  };
  for (const auto& test : cases) {
    ASSERT_FALSE(test.made.has_value()) << test.message;
    EXPECT_EQ(test.made.error().code, ErrorCode::refused);
    EXPECT_THAT(test.made.error().message, HasSubstr(test.message));
  }
}

TEST(TrimPlan, only_the_range_that_loads_is_trimmed) {
  const CrashKernelMemory two{{{0x70000000, 256 * kMiB}, {0x200000000, 512 * kMiB}}};
  // Kernels that count both ranges, and kernels that count one.
  for (const ByteCount told : {768 * kMiB, 512 * kMiB}) {
    const auto made = plan(measured_use(80 * kMiB, 768 * kMiB), 72 * kMiB, two, told);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_EQ(made->target, 102 * kMiB);
    EXPECT_EQ(made->written, told == 768 * kMiB ? 358 * kMiB : 102 * kMiB);
    EXPECT_EQ(made->given, 358 * kMiB);
  }
}

TEST(CrashKernelMemory, is_read_at_any_depth) {
  const auto one = crash_kernel_memory(*parse_memory_map(machines::kVirtual4Gib));
  ASSERT_TRUE(one.loaded().has_value());
  EXPECT_EQ(*one.loaded(), (AddressRange{0xb7000000, 128 * kMiB}));
  EXPECT_EQ(one.low_size(), 0U);
  const auto two = crash_kernel_memory(*parse_memory_map(machines::kServer128Gib));
  ASSERT_TRUE(two.loaded().has_value());
  EXPECT_EQ(two.loaded()->start, 0x2074000000U);
  EXPECT_EQ(two.low_size(), 128 * kMiB);
  EXPECT_FALSE(crash_kernel_memory(*parse_memory_map(machines::kHoles)).loaded().has_value());
}

// As the kernel has it: nothing shrinks under a loaded crash kernel, and nothing grows.
class FakeCrashSize final : public CrashSizeFile {
 public:
  explicit FakeCrashSize(FakeLoader& loader) : CrashSizeFile(MachineFiles()), loader_(loader) {}
  Outcome<ByteCount> read() const override { return loader_.reserved; }
  Outcome<void> write(ByteCount size) const override {
    if (loader_.is_loaded || fails) return Failure(ErrorCode::busy, "crash_size: device busy");
    if (size > loader_.reserved) return Failure(ErrorCode::invalid, "it cannot grow");
    loader_.reserved = size;
    return {};
  }

  bool fails = false;

 private:
  FakeLoader& loader_;
};

class TrimAndLoad : public testing::Test {
 protected:
  Outcome<std::optional<Failure>> run() {
    return trim_and_load(plan_, loader_, size_, [this](bool is_trimmed) -> Outcome<void> {
      was_trimmed_ = is_trimmed;
      ++loads_;
      if (load_fails_) return Failure(ErrorCode::no_space, "does not fit");
      loader_.is_loaded = true;
      return {};
    });
  }

  FakeLoader loader_;
  FakeCrashSize size_{loader_};
  TrimPlan plan_{256 * kMiB, 100 * kMiB, 100 * kMiB, 100 * kMiB, ""};
  bool load_fails_ = false;
  bool was_trimmed_ = false;
  int loads_ = 0;

  void SetUp() override { loader_.reserved = 256 * kMiB; }
};

TEST_F(TrimAndLoad, loaded_or_not) {
  for (const bool was_loaded : {false, true}) {
    loader_.reserved = 256 * kMiB;
    loader_.is_loaded = was_loaded;
    const auto result = run();
    ASSERT_TRUE(result.has_value()) << result.error().message;
    EXPECT_FALSE(result->has_value());
    EXPECT_TRUE(was_trimmed_);
    EXPECT_EQ(loader_.reserved, 100 * kMiB);
    EXPECT_TRUE(loader_.is_loaded);
  }
}

TEST_F(TrimAndLoad, nothing_to_give_back_does_not_unload) {
  plan_.target = plan_.now;
  loader_.is_loaded = true;
  size_.fails = true;
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(loader_.reserved, 256 * kMiB);
}

TEST_F(TrimAndLoad, the_machine_is_armed_again_when_the_kernel_shrinks_nothing) {
  size_.fails = true;
  loader_.is_loaded = true;
  const auto result = run();
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(loader_.is_loaded);
  EXPECT_EQ(loader_.reserved, 256 * kMiB);
  EXPECT_FALSE(was_trimmed_);
  ASSERT_TRUE(result->has_value());
  EXPECT_THAT((*result)->message, HasSubstr("device busy"));
}

TEST_F(TrimAndLoad, a_kernel_that_does_not_unload_stays_loaded) {
  loader_.is_loaded = true;
  loader_.load_errno = EPERM;
  const auto result = run();
  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(loader_.reserved, 256 * kMiB);
}

TEST_F(TrimAndLoad, a_failing_load_says_loudly_what_is_left) {
  load_fails_ = true;
  loader_.is_loaded = true;
  const auto result = run();
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message,
              HasSubstr("NOT ARMED: crashkernel= is now 100 MiB, until the next boot"));
  EXPECT_THAT(result.error().message, HasSubstr("does not fit"));
}

TEST(CrashSizeFile, knows_both_names) {
  const test::TemporaryDirectory directory;
  const CrashSizeFile file{MachineFiles(directory.path())};
  EXPECT_EQ(file.read().error().code, ErrorCode::unsupported);
  for (const char* name : {"/sys/kernel/kexec/crash_size", "/sys/kernel/kexec_crash_size"}) {
    const std::string path = directory.path().string() + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    ASSERT_TRUE(write_whole_file(path, "268435456\n").has_value());
    EXPECT_EQ(*file.read(), 256 * kMiB);
    ASSERT_TRUE(file.write(104857600).has_value());
    EXPECT_EQ(read_whole_file(path, 64)->substr(0, 9), "104857600");
    ASSERT_TRUE(write_whole_file(path, "none").has_value());
    EXPECT_EQ(file.read().error().code, ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace warmdump
