// Dumps that those may read who send them, and may not change.

#include "recover/spool/dump_readers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

struct Rights {
  gid_t group;
  mode_t mode;
  bool operator==(const Rights&) const = default;
};

Rights rights_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return {status.st_gid, status.st_mode & 07777};
}

class DumpReadersTest : public testing::Test {
 protected:
  DumpReadersTest() : spool(temporary.path() / "crash"), dump(spool / "host-2026-01-31-23:59:59") {
    fs::create_directories(dump / "more");
    for (const fs::path& directory : {spool, dump, dump / "more"}) ::chmod(directory.c_str(), 0700);
    for (const fs::path& file : {dump / "vmcore", dump / ".dump-id", dump / "more" / "text"}) {
      std::ofstream(file) << "bytes";
      ::chmod(file.c_str(), 0600);
    }
    outside = temporary.file("outside");
    std::ofstream(outside) << "secret";
    ::chmod(outside.c_str(), 0600);
    fs::create_symlink(outside, dump / "link");
  }

  // Of another than the files have; only root can give files to any.
  gid_t group() const { return ::geteuid() == 0 ? 54321 : ::getegid(); }

  test::TemporaryDirectory temporary;
  fs::path spool;
  fs::path dump;
  fs::path outside;
};

TEST_F(DumpReadersTest, a_dump_is_readable_for_its_group_and_for_nobody_else) {
  let_group_read(dump, group());
  EXPECT_EQ(rights_of(dump), (Rights{group(), 0750}));
  EXPECT_EQ(rights_of(dump / "more"), (Rights{group(), 0750}));
  EXPECT_EQ(rights_of(dump / "vmcore"), (Rights{group(), 0640}));
  EXPECT_EQ(rights_of(dump / ".dump-id"), (Rights{group(), 0640}));
  EXPECT_EQ(rights_of(dump / "more" / "text"), (Rights{group(), 0640}));
}

TEST_F(DumpReadersTest, what_a_link_points_to_stays_as_it_is) {
  const Rights before = rights_of(outside);
  let_group_read(dump, group());
  EXPECT_EQ(rights_of(outside), before);
}

TEST_F(DumpReadersTest, a_spool_of_its_owner_alone_is_opened_and_another_one_left_alone) {
  let_group_enter(spool, group());
  EXPECT_EQ(rights_of(spool), (Rights{group(), 0750}));
  for (const mode_t mode : {0755U, 01777U, 0770U, 0701U}) {
    ::chmod(spool.c_str(), mode);
    const Rights before = rights_of(spool);
    let_group_enter(spool, static_cast<gid_t>(::getegid()));
    EXPECT_EQ(rights_of(spool), before) << mode;
  }
}

TEST_F(DumpReadersTest, what_is_not_there_harms_nothing) {
  let_group_read(spool / "none", group());
  let_group_enter(spool / "none", group());
}

}  // namespace
}  // namespace warmdump
