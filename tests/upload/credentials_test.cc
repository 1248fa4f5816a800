#include "upload/destination/credentials.h"

#include "tests/upload/dump_fixture.h"
#include "upload/destination/destination.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Credentials, AreTurnedIntoAHeader) {
  EXPECT_EQ(parse_credentials("Aladdin:open sesame\n")->authorization(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(parse_credentials("Bearer abc.def\r\n")->authorization(), "Bearer abc.def");
  EXPECT_EQ(parse_credentials("u:")->authorization(), "Basic dTo=");
}

TEST(Credentials, BadTextIsRefusedWithoutRepeatingIt) {
  for (const char* text : {"", "hunter2", ":hunter2", "u:hunter2\nX: y", "Bearer ", "u:hunter2\t"}) {
    const auto credentials = parse_credentials(text);
    ASSERT_FALSE(credentials.has_value()) << text;
    EXPECT_THAT(credentials.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(Credentials, FileMustBePrivate) {
  namespace fs = std::filesystem;
  const test::TemporaryDirectory temporary;
  const fs::path file = temporary.path() / "secret";
  write_file(file, "user:hunter2\n");
  fs::permissions(file, fs::perms::owner_read | fs::perms::group_read);
  const auto readable = read_credentials_file(file);
  ASSERT_FALSE(readable.has_value());
  EXPECT_THAT(readable.error().message, HasSubstr("chmod 0600"));

  fs::permissions(file, fs::perms::owner_read);
  EXPECT_TRUE(read_credentials_file(file).has_value());

  fs::create_symlink(file, temporary.path() / "link");
  EXPECT_FALSE(read_credentials_file(temporary.path() / "link").has_value());
  EXPECT_FALSE(read_credentials_file(temporary.path() / "absent").has_value());
  EXPECT_FALSE(read_credentials_file(temporary.path()).has_value());

  const auto plain = make_destination("http://sink/", {.ca_file = "", .credentials_file = file});
  ASSERT_FALSE(plain.has_value());
  EXPECT_THAT(plain.error().message, HasSubstr("https"));
}

}  // namespace
}  // namespace warmdump
