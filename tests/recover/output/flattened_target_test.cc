#include "recover/output/flattened_target.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <iterator>

#include "common/hosted/unique_fd.h"
#include "recover/output/output_format.h"
#include "recover/output/output_stream.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

std::string whole_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What `makedumpfile -R` does, by the format alone. Records must neither overlap nor leave a hole: readers of
// the stream itself know neither.
class Rearranged {
 public:
  explicit Rearranged(const std::string& stream) : stream_(stream) {
    EXPECT_EQ(stream_.substr(0, 16), std::string("makedumpfile\0\0\0\0", 16));
    at_ = 16;
    EXPECT_EQ(number(), 1);
    EXPECT_EQ(number(), 1);
    at_ = 4096;
    while (!ended_ && at_ < stream_.size()) take_record();
    EXPECT_EQ(at_, stream_.size());
    EXPECT_EQ(bytes_placed_, file_.size());
  }

  bool ended() const { return ended_; }
  const std::string& file() const { return file_; }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int index = 0; index < 8; ++index)
      value = value << 8 | static_cast<unsigned char>(stream_.at(at_++));
    return value;
  }

  void take_record() {
    const std::uint64_t offset = number();
    const std::uint64_t size = number();
    ended_ = offset == ~std::uint64_t{0} && size == offset;
    if (ended_) return;
    file_.resize(std::max<std::size_t>(file_.size(), offset + size));
    file_.replace(offset, size, stream_, at_, size);
    bytes_placed_ += size;
    at_ += size;
  }

  const std::string& stream_;
  std::size_t at_ = 0;
  std::string file_;
  std::size_t bytes_placed_ = 0;
  bool ended_ = false;
};

TEST(FlattenedTarget, a_flattened_dump_is_the_file_in_another_order) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  for (const auto& [plain, flattened] :
       {std::pair("kdump", "flattened"), std::pair("elf", "flattened-elf")}) {
    SCOPED_TRACE(plain);
    ASSERT_TRUE(write_output_file(*find_output_format(plain), *dump, directory / plain, {}, {}));
    const auto report =
        write_output_file(*find_output_format(flattened), *dump, directory / flattened, {}, {});
    ASSERT_TRUE(report) << report.error().message;
    const std::string stream = whole_file(directory / flattened);
    EXPECT_EQ(report->file_size, stream.size());
    const Rearranged rearranged(stream);
    EXPECT_TRUE(rearranged.ended());
    EXPECT_TRUE(rearranged.file() == whole_file(directory / plain));
  }
}

TEST(FlattenedTarget, what_goes_through_a_pipe_is_what_goes_into_a_file) {
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  const test::TemporaryDirectory directory;
  const OutputFormat& format = *find_output_format("flattened");
  ASSERT_TRUE(write_output_file(format, *dump, directory / "file", {.thread_count = 1}, {}));
  const UniqueFd sink(
      ::open((directory / "stream").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  OutputStream stream(sink.get());
  ASSERT_TRUE(format.write(*dump, stream, {.thread_count = 1}, {}));
  EXPECT_TRUE(whole_file(directory / "stream") == whole_file(directory / "file"));
}

TEST(OutputStream, a_closed_pipe_is_one_clear_error) {
  const auto old_handler = std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  const UniqueFd writing_end(ends[1]);
  OutputStream stream(writing_end.get());
  FlattenedTarget target(stream);
  const auto written = target.finish();
  EXPECT_THAT(stream.write_at(1'000'000, {}).error().message, HasSubstr("broken pipe"));
  std::signal(SIGPIPE, old_handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  EXPECT_THAT(written.error().message, HasSubstr("broken pipe"));
}

TEST(OutputStream, a_place_that_is_not_the_next_is_refused) {
  const test::TemporaryDirectory directory;
  const UniqueFd sink(::open((directory / "stream").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  OutputStream stream(sink.get());
  const std::array<std::byte, 3> bytes{};
  ASSERT_TRUE(stream.write_at(0, bytes));
  EXPECT_EQ(stream.write_at(0, bytes).error().code, ErrorCode::invalid);
  ASSERT_TRUE(stream.write_zeros(3, 100'000));
  EXPECT_EQ(std::filesystem::file_size(directory / "stream"), 100'003);
}

}  // namespace
}  // namespace warmdump
