// Which files a secret is read from, and which are refused.

#include "upload/wire/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class SecretFileTest : public testing::Test {
 protected:
  fs::path make(const std::string& name, mode_t mode, const std::string& text = "hunter2\n") const {
    const fs::path path = temporary.path() / name;
    write_file(path, text);
    chmod(path.c_str(), mode);
    return path;
  }

  // The text, or "failed: <message>".
  static std::string read(const std::string& path, ByteCount size_max = 8 * kKiB) {
    const auto secret = read_secret_file(path, "key file", size_max);
    return secret.has_value() ? (*secret)->text() : "failed: " + secret.error().message;
  }

  const test::TemporaryDirectory temporary;
};

class SystemdCredentialTest : public SecretFileTest {
 protected:
  SystemdCredentialTest() { setenv("CREDENTIALS_DIRECTORY", temporary.path().c_str(), 1); }
  ~SystemdCredentialTest() override { unsetenv("CREDENTIALS_DIRECTORY"); }
};

TEST_F(SecretFileTest, all_of_a_private_file_is_read) {
  EXPECT_EQ(read(make("a", 0600)), "hunter2\n");
  EXPECT_EQ(read(make("b", 0400, std::string("a\0b", 3))), std::string("a\0b", 3));
  EXPECT_EQ(read(make("c", 0600, "")), "");
}

TEST_F(SecretFileTest, any_right_for_others_is_refused) {
  for (const mode_t mode : {0640u, 0620u, 0610u, 0604u, 0602u, 0601u, 0666u}) {
    EXPECT_THAT(read(make("a", mode)), HasSubstr("chmod 0600")) << std::oct << mode;
  }
}

TEST_F(SecretFileTest, links_and_what_is_no_file_are_refused) {
  make("a", 0600);
  fs::create_symlink(temporary.path() / "a", temporary.path() / "link");
  EXPECT_THAT(read(temporary.path() / "link"), HasSubstr("symbolic link"));
  EXPECT_THAT(read(temporary.path()), HasSubstr("is not a plain file"));
  ASSERT_EQ(mkfifo((temporary.path() / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(read(temporary.path() / "fifo"), HasSubstr("is not a plain file"));
  EXPECT_THAT(read(temporary.path() / "absent"),
              HasSubstr("key file " + temporary.path().string() + "/absent: cannot open it: No such file"));
}

TEST_F(SecretFileTest, a_file_of_somebody_else_is_refused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const fs::path path = make("a", 0600);
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(read(path), HasSubstr("belongs to somebody else"));
}

TEST_F(SecretFileTest, a_large_file_is_refused_and_none_of_it_repeated) {
  const fs::path path = make("a", 0600, "hunter2" + std::string(94, 'x'));
  EXPECT_THAT(read(path, 100), testing::AllOf(HasSubstr("larger than 100 bytes"), Not(HasSubstr("hunter2"))));
  EXPECT_EQ(read(path, 101).size(), 101u);
}

TEST_F(SystemdCredentialTest, is_found_by_its_name) {
  make("broker", 0400);
  EXPECT_EQ(read("credential:broker"), "hunter2\n");
}

TEST_F(SystemdCredentialTest, the_mask_of_its_access_list_is_no_right_of_the_group) {
  make("broker", 0440);
  EXPECT_EQ(read("credential:broker"), "hunter2\n");
  for (const mode_t mode : {0460u, 0444u, 0402u}) {
    make("broker", mode);
    EXPECT_THAT(read("credential:broker"), HasSubstr("chmod 0600")) << std::oct << mode;
    fs::remove(temporary.path() / "broker");
  }
}

TEST_F(SystemdCredentialTest, names_that_lead_elsewhere_are_refused) {
  fs::create_directory(temporary.path() / "below");
  make("below/key", 0600);
  for (const char* name : {"", ".", "..", "../key", "below/key", "/etc/hostname", ".hidden"}) {
    EXPECT_THAT(read(std::string("credential:") + name), HasSubstr("credential:NAME")) << name;
  }
  fs::create_symlink("below/key", temporary.path() / "link");
  EXPECT_THAT(read("credential:link"), HasSubstr("failed"));
}

TEST_F(SecretFileTest, a_credential_without_systemd_says_what_is_missing) {
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_THAT(read("credential:broker"), HasSubstr("LoadCredential="));
}

}  // namespace
}  // namespace warmdump
