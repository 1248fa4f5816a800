#include "arm/load/crash_kernel.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "tests/arm/fake_loader.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

TEST(CrashKernel, is_loaded_with_image_and_command_line) {
  FakeLoader loader;
  const auto reserved = load_crash_kernel(loader, 0, "image bytes", "nr_cpus=1");
  ASSERT_TRUE(reserved.has_value()) << reserved.error().message;
  EXPECT_EQ(*reserved, 128 * kMiB);
  EXPECT_EQ(loader.initramfs, "image bytes");
  EXPECT_EQ(loader.command_line, "nr_cpus=1");
  EXPECT_TRUE(unload_crash_kernel(loader).has_value());
  EXPECT_FALSE(loader.is_loaded);
}

TEST(CrashKernel, without_reservation_nothing_is_tried) {
  FakeLoader loader;
  loader.reserved = 0;
  const auto reserved = load_crash_kernel(loader, 0, "", "");
  ASSERT_FALSE(reserved.has_value());
  EXPECT_THAT(reserved.error().message, HasSubstr("crashkernel="));
  EXPECT_EQ(loader.loads, 0);
}

TEST(CrashKernel, the_kernels_word_is_asked_for) {
  FakeLoader loader;
  loader.forgets = true;
  EXPECT_FALSE(load_crash_kernel(loader, 0, "", "").has_value());
}

TEST(CrashKernel, every_refusal_is_explained) {
  const struct {
    int load_errno;
    ErrorCode code;
    const char* text;
  } cases[] = {
      {EPERM, ErrorCode::no_permission, "locked down"},
      {EKEYREJECTED, ErrorCode::refused, "signature"},
      {ENODATA, ErrorCode::refused, "signature"},
      {EADDRNOTAVAIL, ErrorCode::no_space, "128 MiB of crashkernel="},
      {ENOMEM, ErrorCode::no_space, "crashkernel="},
      {ENOEXEC, ErrorCode::unsupported, "kernel image"},
      {ENOSYS, ErrorCode::unsupported, "CONFIG_KEXEC_FILE"},
      {EBUSY, ErrorCode::busy, "another program"},
      {EINVAL, ErrorCode::invalid, "command line"},
      {EIO, ErrorCode::io, "cannot load the crash kernel"},
  };
  for (const auto& test : cases) {
    FakeLoader loader;
    loader.load_errno = test.load_errno;
    const auto reserved = load_crash_kernel(loader, 0, "", "");
    ASSERT_FALSE(reserved.has_value());
    EXPECT_EQ(reserved.error().code, test.code) << test.text;
    EXPECT_EQ(reserved.error().system_errno, test.load_errno);
    EXPECT_THAT(reserved.error().message, HasSubstr(test.text));
  }
}

}  // namespace
}  // namespace warmdump
