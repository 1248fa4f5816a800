#include "upload/queue/receipt.h"

#include <fcntl.h>

#include "common/hosted/unique_fd.h"
#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReceiptTest : public testing::Test {
 protected:
  test::TemporaryDirectory temporary;
  UniqueFd directory{open(temporary.path().c_str(), O_RDONLY | O_DIRECTORY)};
  const Receipt receipt{"dir:/sink", "2026-01-31T23:59:59Z", {{"vmcore", 5, "aa"}, {"meta.json", 2, "bb"}}};
};

TEST_F(ReceiptTest, NoFileMeansNoReceipts) {
  EXPECT_THAT(*load_receipts(directory.get()), IsEmpty());
}

TEST_F(ReceiptTest, is_read_as_older_versions_wrote_it) {
  write_file(
      temporary.path() / "upload-receipt.json",
      R"({"schema": 1, "uploads": [{"destination": "dir:/sink", "time": "2026-01-31T23:59:59Z", "files": [
                 {"name": "vmcore", "size": 5, "sha256": "aa"}, {"name": "meta.json", "size": 2, "sha256": "bb"}]}]})");
  EXPECT_THAT(*load_receipts(directory.get()), ElementsAre(receipt));
}

TEST_F(ReceiptTest, IsFoundForTheSameFilesAndDestinationOnly) {
  const std::vector<Receipt> receipts{receipt};
  EXPECT_EQ(find_receipt(receipts, "dir:/sink", {{"meta.json", 2, "bb"}, {"vmcore", 5, "aa"}}), &receipts[0]);
  EXPECT_EQ(find_receipt(receipts, "dir:/other", receipt.files), nullptr);
  EXPECT_EQ(find_receipt(receipts, "dir:/sink", {{"meta.json", 2, "bb"}, {"vmcore", 5, "ax"}}), nullptr);
  EXPECT_EQ(find_receipt(receipts, "dir:/sink", {{"meta.json", 2, "bb"}}), nullptr);
}

TEST_F(ReceiptTest, DamagedFilesCountAsNone) {
  for (const char* text : {"", "{", "[]", "{\"schema\": 1}", "{\"schema\": 1, \"uploads\": [{}]}",
                           "{\"schema\": 1, \"uploads\": [{\"destination\": 5}]}"}) {
    write_file(temporary.path() / "upload-receipt.json", text);
    const auto receipts = load_receipts(directory.get());
    ASSERT_TRUE(receipts.has_value()) << text;
    EXPECT_THAT(*receipts, IsEmpty());
    EXPECT_THAT(listing(temporary.path()), ElementsAre("upload-receipt.json"));
  }
}

TEST_F(ReceiptTest, NewerSchemaIsLeftAlone) {
  write_file(temporary.path() / "upload-receipt.json", "{\"schema\": 2}");
  const auto receipts = load_receipts(directory.get());
  ASSERT_FALSE(receipts.has_value());
  EXPECT_THAT(receipts.error().message, HasSubstr("newer warmdump"));
  EXPECT_THAT(listing(temporary.path()), ElementsAre("upload-receipt.json"));
}

}  // namespace
}  // namespace warmdump
