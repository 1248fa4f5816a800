#include "recover/decrypt_dump.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/file_device.h"
#include "recover/dump/encrypted_reader.h"
#include "recover/output/dump_image.h"
#include "recover/output/output_file.h"
#include "recover/report/dump_directory.h"
#include "recover/sandbox/reader_task.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

// A directory that appears under its name when it is finished, and is removed with all in it otherwise.
class FreshDirectory {
 public:
  static Outcome<FreshDirectory> create(const fs::path& path) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(path, ignored))) {
      return Failure(ErrorCode::refused, path.string() + " exists already; choose another name");
    }
    const fs::path incomplete = path.string() + std::string(kIncompleteSuffix);
    if (::mkdir(incomplete.c_str(), 0700) == 0) return FreshDirectory(path, incomplete);
    if (errno == EEXIST) {
      return Failure(ErrorCode::refused,
                     incomplete.string() + " exists already; remove it if nobody is writing it any more");
    }
    return Failure::system("cannot create " + incomplete.string(), errno);
  }

  FreshDirectory(FreshDirectory&& other) noexcept
      : path_(std::move(other.path_)), incomplete_(std::exchange(other.incomplete_, fs::path())) {}
  FreshDirectory& operator=(FreshDirectory&&) = delete;
  ~FreshDirectory() {
    std::error_code ignored;
    if (!incomplete_.empty()) fs::remove_all(incomplete_, ignored);
  }

  const fs::path& incomplete() const { return incomplete_; }

  Outcome<void> publish() {
    if (::renameat2(AT_FDCWD, incomplete_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || ::rename(incomplete_.c_str(), path_.c_str()) != 0)) {
      return Failure::system("cannot rename " + incomplete_.string(), errno);
    }
    incomplete_.clear();
    const fs::path parent = path_.parent_path();
    return sync_directory(parent.empty() ? "." : parent);
  }

 private:
  FreshDirectory(fs::path path, fs::path incomplete)
      : path_(std::move(path)), incomplete_(std::move(incomplete)) {}

  fs::path path_;
  fs::path incomplete_;
};

Outcome<fs::path> image_of(const fs::path& source) {
  std::error_code ignored;
  if (!fs::is_directory(source, ignored)) return source;
  const fs::path image = source / kImageName;
  if (fs::exists(image, ignored)) return image;
  if (fs::exists(source / kVmcoreName, ignored)) {
    return Failure(ErrorCode::invalid, fmt::format("{} is not encrypted: open {}", source.string(),
                                                   (source / kVmcoreName).string()));
  }
  return Failure(ErrorCode::not_found, fmt::format("no dump in directory {}", source.string()));
}

bool has_seal(const dump_format::ImageMark& mark) {
  return std::any_of(std::begin(mark.seal_tag), std::end(mark.seal_tag),
                     [](unsigned char byte) { return byte != 0; });
}

// What the machine sealed may lack something, but must be what it was then; its mark is over frames, so
// headers must be there. Without that seal nobody can tell damage by the crash from what was done to the dump
// later.
Outcome<void> check_unchanged(const Device& device, const DumpReader& dump) {
  const DumpImage image = TRY(DumpImage::open(device, dump.secrets()));
  const auto& mark = image.dump().image;
  if (mark && has_seal(*mark)) {
    if (image.is_as_sealed() && !dump.damage().header_lost) return {};
    return Failure(ErrorCode::refused,
                   "the dump was changed or cut after its machine stored it; --damaged takes what is left");
  }
  if (!dump.damage().any() && dump.damage().scan.foreign_frames == 0 && dump.end()) return {};
  return Failure(ErrorCode::refused,
                 "the dump is damaged, changed or cut, or its capture died; --damaged takes what is left");
}

// In the reader.
Outcome<nlohmann::json> write_in_clear(const DecryptRequest& request, const Device& device, TaskLink& link,
                                       const fs::path& directory) {
  const DumpReader dump = TRY(open_encrypted_dump(
      device, [&link](const dump_format::KeyBlob& wrapped) { return link.unwrap(wrapped); }));
  if (!request.take_damaged) TRY(check_unchanged(device, dump));
  TRY(write_dump_directory(
      dump, directory,
      [&link](PageCount done, PageCount total) {
        link.tell_progress(0, done * kPageSize, total * kPageSize);
      },
      request.options));
  return nlohmann::json::object();
}

}  // namespace

Outcome<DumpSummary> decrypt_dump(const DecryptRequest& request, const PrivateKeySource& read_key,
                                  const ProgressFunction& progress) {
  const fs::path source = TRY(image_of(request.source));
  FileDevice device;
  TRY(in_context(source.string(), device.open(source.c_str(), FileDevice::Access::read_only)));
  FreshDirectory directory = TRY(FreshDirectory::create(request.directory));
  std::optional<FleetPrivateKey> key;
  ReaderTask task;
  task.region = &device;
  task.directory = directory.incomplete();
  task.needs_secrets = false;  // the dump brings that of its boot along
  task.work = [&request](const Device& region, TaskLink& link, const fs::path& room) {
    return write_in_clear(request, region, link, room);
  };
  task.prepare = [&]() -> Outcome<void> {
    key.emplace(TRY(read_key()));
    return {};
  };
  task.unwrap = [&key](const dump_format::KeyBlob& wrapped) { return unwrap_key(wrapped, *key); };
  task.progress = [&progress](unsigned, ByteCount done, ByteCount total) {
    if (progress) progress(done / kPageSize, total / kPageSize);
  };
  task.missing = request.missing;
  TRY(in_context(source.string(), run_reader_task(task)));
  DumpSummary summary = TRY(read_dump_directory(directory.incomplete()));
  TRY(sync_directory(directory.incomplete()));
  TRY(directory.publish());
  return summary;
}

}  // namespace warmdump
