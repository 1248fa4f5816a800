#include "upload/directory_destination.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "common/hosted/sha256.h"
#include "upload/file_copy.h"

namespace warmdump {
namespace {

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string partial_name(const std::string& dump_name) {
  return "." + dump_name + ".partial";
}

// Plain files only: nothing else is ever put there.
void remove_files(int directory) {
  const int duplicate = openat(directory, ".", kOpenDirectory);
  if (duplicate < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(duplicate), closedir);
  while (const dirent* entry = readdir(stream.get())) {
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..") {
      unlinkat(directory, entry->d_name, 0);
    }
  }
}

class DirectoryDestination final : public Destination {
 public:
  DirectoryDestination(std::string path, UniqueFd root) : path_(std::move(path)), root_(std::move(root)) {}
  ~DirectoryDestination() override { DirectoryDestination::abandon(); }

  std::string name() const override { return "dir:" + path_; }

  SendOutcome<Begun> begin(const DumpDirectory& dump) override {
    abandon();
    dump_name_ = dump.name;
    const UniqueFd existing(openat(root_.get(), dump_name_.c_str(), kOpenDirectory));
    if (existing.valid()) {
      if (TRY(holds_same(existing.get(), dump))) return Begun::already_there;
      return permanent(Failure(ErrorCode::refused, final_path() +
                                                       " exists and holds something else; "
                                                       "move it away or choose another directory"));
    }
    if (errno != ENOENT) return permanent(Failure::system("cannot open " + final_path(), errno));
    TRY(open_partial());
    return Begun::ready;
  }

  SendOutcome<void> send(const DumpDirectory& dump, const DumpFile& file, const BytesDone& done) override {
    const OpenedFile source = TRY(open_unchanged(dump, file));
    const std::string target_path = final_path() + "/" + file.name;
    const UniqueFd target(openat(partial_.get(), file.name.c_str(),
                                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target.valid()) return permanent(Failure::system("cannot create " + target_path, errno));
    const std::string doing = "cannot copy " + file.name + " to " + path_;
    if (source.descriptor() >= 0) {
      TRY(in_context(doing, copy_file(source.descriptor(), target.get(), file.size, done)));
    } else {
      TRY(in_context(doing, write_to_file(source, target.get(), file.size, done)));
    }
    if (fsync(target.get()) != 0)
      return permanent(Failure::system("cannot make " + target_path + " durable", errno));
    TRY(source.check_unchanged());
    return {};
  }

  SendOutcome<void> commit() override {
    if (fsync(partial_.get()) != 0)
      return permanent(Failure::system("cannot make " + final_path() + " durable", errno));
    // Fails by itself when somebody else put a dump of this name there meanwhile.
    if (renameat(root_.get(), partial_name(dump_name_).c_str(), root_.get(), dump_name_.c_str()) != 0) {
      return permanent(Failure::system("cannot rename to " + final_path(), errno));
    }
    partial_ = UniqueFd();
    if (fsync(root_.get()) != 0)
      return permanent(Failure::system("cannot make " + path_ + " durable", errno));
    return {};
  }

  void abandon() override {
    if (!partial_.valid()) return;
    remove_files(partial_.get());
    unlinkat(root_.get(), partial_name(dump_name_).c_str(), AT_REMOVEDIR);
    partial_ = UniqueFd();
  }

 private:
  std::string final_path() const { return path_ + "/" + dump_name_; }

  Outcome<void> open_partial() {
    const std::string name = partial_name(dump_name_);
    if (mkdirat(root_.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
      return Failure::system("cannot create a directory in " + path_, errno);
    }
    UniqueFd partial(openat(root_.get(), name.c_str(), kOpenDirectory));
    if (!partial.valid()) return Failure::system("cannot open " + path_ + "/" + name, errno);
    if (flock(partial.get(), LOCK_EX | LOCK_NB) != 0) {
      return Failure(ErrorCode::busy, path_ + "/" + name + " is in use by another upload");
    }
    remove_files(partial.get());
    partial_ = std::move(partial);
    return {};
  }

  // Every file of the dump is there with the same bytes; more files do not matter.
  Outcome<bool> holds_same(int directory, const DumpDirectory& dump) const {
    for (const auto& file : dump.files) {
      const UniqueFd fd(openat(directory, file.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!fd.valid() && (errno == ENOENT || errno == ELOOP)) return false;
      if (!fd.valid()) return Failure::system("cannot open " + final_path() + "/" + file.name, errno);
      struct stat status {};
      if (fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
      if (static_cast<ByteCount>(status.st_size) != file.size) return false;
      const auto hash = TRY(
          in_context(final_path() + "/" + file.name, sha256_of_file(fd.get(), file.size, [](ByteCount) {})));
      if (hash != file.sha256) return false;
    }
    return true;
  }

  std::string path_;
  UniqueFd root_;
  UniqueFd partial_;  // locked; valid between begin and commit
  std::string dump_name_;
};

}  // namespace

Outcome<std::unique_ptr<Destination>> make_directory_destination(const std::string& address,
                                                                 const DestinationOptions& options) {
  if (!options.ca_file.empty() || !options.credentials_file.empty()) {
    return Failure(ErrorCode::invalid, "--ca-file and --credentials-file have no meaning for dir:");
  }
  const std::string path = address.substr(std::string_view("dir:").size());
  const std::unique_ptr<char, void (*)(void*)> real_path(realpath(path.c_str(), nullptr), std::free);
  if (!real_path) return Failure::system("cannot open destination directory \"" + path + "\"", errno);
  UniqueFd root(open(real_path.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return Failure::system("cannot open destination directory \"" + path + "\"", errno);
  return std::unique_ptr<Destination>(
      std::make_unique<DirectoryDestination>(real_path.get(), std::move(root)));
}

}  // namespace warmdump
