#include "recover/sandbox/reader_room.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

class ReaderRoomTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(target_); }

  // What comes of a room that was filled so, by a reader of the same user.
  Outcome<ByteCount> move(const std::function<void(const fs::path& room)>& fill) {
    auto room = ReaderRoom::make(spool_.path(), {});
    if (!room.has_value()) return std::move(room.error());
    fill(room->path());
    return room->move_into(target_);
  }

  void expect_refused(const char* why, const std::function<void(const fs::path& room)>& fill) {
    const auto moved = move(fill);
    ASSERT_FALSE(moved.has_value());
    EXPECT_EQ(moved.error().code, ErrorCode::refused);
    EXPECT_THAT(moved.error().message, HasSubstr(why));
    EXPECT_FALSE(fs::exists(spool_ / ".reading"));
  }

  static void write(const fs::path& path, const char* text = "text") { std::ofstream(path) << text; }

  test::TemporaryDirectory spool_;
  fs::path target_ = spool_ / "dump-incomplete";
};

TEST_F(ReaderRoomTest, plain_files_move_and_are_counted) {
  const auto moved = move([](const fs::path& room) {
    write(room / "vmcore");
    fs::create_directory(room / "more");
    write(room / "more" / "log");
    fs::permissions(room / "vmcore", fs::perms::all);
  });
  ASSERT_TRUE(moved.has_value()) << moved.error().message;
  EXPECT_EQ(*moved, 8);
  EXPECT_TRUE(fs::is_regular_file(target_ / "more" / "log"));
  EXPECT_EQ(fs::status(target_ / "vmcore").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(spool_ / ".reading"));
}

TEST_F(ReaderRoomTest, a_symbolic_link_is_not_followed) {
  const test::TemporaryDirectory elsewhere;
  write(elsewhere / "secret");
  expect_refused("vmcore, which is a symbolic link",
                 [&](const fs::path& room) { fs::create_symlink(elsewhere / "secret", room / "vmcore"); });
  expect_refused("more, which is a symbolic link", [&](const fs::path& room) {
    fs::create_directory_symlink(elsewhere.path(), room / "more");
  });
  EXPECT_TRUE(fs::exists(elsewhere / "secret"));
  EXPECT_TRUE(fs::is_empty(target_));
}

TEST_F(ReaderRoomTest, a_second_name_of_a_file_is_refused) {
  const fs::path other = spool_ / "other";
  write(other);
  expect_refused("a file of several names",
                 [&](const fs::path& room) { fs::create_hard_link(other, room / "vmcore"); });
}

TEST_F(ReaderRoomTest, what_is_no_file_is_refused_without_waiting_for_it) {
  expect_refused("no plain file", [](const fs::path& room) { ::mkfifo((room / "pipe").c_str(), 0600); });
}

TEST_F(ReaderRoomTest, a_name_that_draws_on_terminals_is_refused_and_not_printed) {
  expect_refused("left a file, which is of a name with control characters",
                 [](const fs::path& room) { write(room / "vm\x1b[2Jcore"); });
}

TEST_F(ReaderRoomTest, more_files_than_a_dump_has_are_refused) {
  expect_refused("more than any dump has", [](const fs::path& room) {
    for (int i = 0; i < 1100; ++i) write(room / std::to_string(i));
  });
}

TEST_F(ReaderRoomTest, nothing_is_replaced) {
  write(target_ / ".dump-id", "genuine");
  expect_refused("the name of another file", [](const fs::path& room) { write(room / ".dump-id"); });
  std::ifstream file(target_ / ".dump-id");
  std::string text;
  file >> text;
  EXPECT_EQ(text, "genuine");
}

TEST_F(ReaderRoomTest, what_a_killed_run_left_is_gone) {
  fs::create_directory(spool_ / ".reading");
  write(spool_ / ".reading" / "vmcore");
  const auto room = ReaderRoom::make(spool_.path(), {});
  ASSERT_TRUE(room.has_value());
  EXPECT_TRUE(fs::is_empty(room->path()));
}

TEST_F(ReaderRoomTest, files_of_the_reader_become_ours_and_others_are_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  const ReaderUser nobody{"nobody", kNobody, kNobody};
  {
    const auto room = ReaderRoom::make(spool_.path(), nobody);
    ASSERT_TRUE(room.has_value()) << room.error().message;
    write(room->path() / "vmcore");
    ASSERT_EQ(::chown((room->path() / "vmcore").c_str(), kNobody, kNobody), 0);
    const auto moved = room->move_into(target_);
    ASSERT_TRUE(moved.has_value()) << moved.error().message;
    struct stat status {};
    ::stat((target_ / "vmcore").c_str(), &status);
    EXPECT_EQ(status.st_uid, 0);
    EXPECT_EQ(status.st_gid, 0);
  }
  const auto room = ReaderRoom::make(spool_.path(), nobody);
  ASSERT_TRUE(room.has_value());
  write(room->path() / "of-root");
  const auto moved = room->move_into(target_);
  ASSERT_FALSE(moved.has_value());
  EXPECT_THAT(moved.error().message, HasSubstr("of-root, which is a file of somebody else"));
}

}  // namespace
}  // namespace warmdump
