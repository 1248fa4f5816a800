#include "selftest/offline/test_upload.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"
#include "common/hosted/whole_file.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

constexpr std::string_view kDirectoryScheme = "dir:";
constexpr ByteCount kFileSizeMax = 256 * kMiB;

class SilentProgress final : public UploadProgress {
 public:
  void begin(std::string_view, ByteCount) override {}
  void update(ByteCount) override {}
  void finish() override {}
  void note(std::string_view) override {}
};

Outcome<void> compare(const std::filesystem::path& sent, const std::filesystem::path& arrived,
                      const Receipt& receipt) {
  for (const ReceiptFile& file : receipt.files) {
    const std::string wanted = TRY(read_whole_file(sent / file.name, kFileSizeMax));
    const std::string found =
        TRY(in_context("what arrived", read_whole_file(arrived / file.name, kFileSizeMax)));
    if (found != wanted) return Failure(ErrorCode::corrupt, file.name + " arrived with other bytes");
  }
  return {};
}

}  // namespace

Outcome<std::string> upload_and_check(const std::filesystem::path& dump, const std::string& address,
                                      const DestinationOptions& options) {
  const auto destination = TRY(make_destination(address, options));
  SilentProgress silent;
  UploadOptions upload;
  upload.retry.attempts_max = 1;
  auto report = upload_dump(dump.string(), *destination, upload, silent, system_clock());
  if (!report) return std::move(report.error().failure);
  const std::string sent = fmt::format("{} files, {} to {}", report->receipt.files.size(),
                                       readable_byte_count(report->bytes), report->receipt.destination);
  if (!address.starts_with(kDirectoryScheme)) return sent + "; they stay there as " + report->key;

  const std::filesystem::path arrived =
      std::filesystem::path(address.substr(kDirectoryScheme.size())) / report->key;
  auto same = compare(dump, arrived, report->receipt);
  std::error_code error;
  std::filesystem::remove_all(arrived, error);
  TRY(std::move(same));
  if (error) return Failure::system("cannot remove " + arrived.string(), error.value());
  return sent + ", compared and removed there";
}

}  // namespace warmdump
