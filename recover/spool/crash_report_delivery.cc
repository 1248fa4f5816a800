#include "recover/spool/crash_report_delivery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDeliveredFile = ".crash-report-delivered";
constexpr std::string_view kPayloadSuffix = ".kcrash", kMetaSuffix = ".meta";
constexpr ByteCount kReportSizeMax = 64 * kMiB;

Outcome<void> write_new(const fs::path& path, std::string_view bytes) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0660));
  if (!fd.valid()) return Failure::system("cannot make " + path.string(), errno);
  // The sender is of the directory's group, whatever this program's umask is.
  if (::fchmod(fd.get(), 0660) != 0) return Failure::system("cannot make " + path.string(), errno);
  TRY(write_all(fd.get(), bytes, path.string()));
  if (::fsync(fd.get()) != 0) return Failure::system("cannot flush " + path.string(), errno);
  return {};
}

Outcome<void> deliver(const fs::path& dump, const std::string& meta_name, const fs::path& target) {
  const std::string payload_name =
      meta_name.substr(0, meta_name.size() - kMetaSuffix.size()) + std::string(kPayloadSuffix);
  const std::string payload = TRY(read_whole_file(dump / payload_name, kReportSizeMax));
  const std::string meta = TRY(read_whole_file(dump / meta_name, kReportSizeMax));
  std::error_code error;
  if (!fs::exists(fs::symlink_status(target / meta_name, error))) {
    fs::remove(target / payload_name, error);  // of an interrupted delivery: nobody looks at it without .meta
    TRY(write_new(target / payload_name, payload));
    TRY(write_new(target / meta_name, meta));
  }
  return write_whole_file(dump / kDeliveredFile, "");
}

// Empty when there is none.
std::string report_in(const fs::path& dump) {
  std::error_code error;
  for (fs::directory_iterator entry(dump, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.starts_with("kernel.") && name.ends_with(kMetaSuffix) && entry->is_regular_file(error))
      return name;
  }
  return "";
}

}  // namespace

Outcome<std::size_t> deliver_crash_reports(const fs::path& spool, const fs::path& target) {
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator entry(spool, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& dump = entry->path();
    const bool is_dump = entry->symlink_status(error).type() == fs::file_type::directory &&
                         !dump.filename().string().ends_with(kIncompleteSuffix);
    if (!is_dump || fs::exists(dump / kDeliveredFile, error)) continue;
    const std::string meta_name = report_in(dump);
    if (meta_name.empty()) continue;
    if (!fs::is_directory(target, error)) {
      return Failure(ErrorCode::not_found,
                     "there is no " + target.string() + " for the report of " + dump.string());
    }
    TRY(in_context("cannot deliver the crash report of " + dump.string(), deliver(dump, meta_name, target)));
    ++count;
  }
  return count;
}

}  // namespace warmdump
