// DumpDirectory: a finished dump on disk, as the uploader sees it: which files, in which order, unchanged.
//
// All access goes through the descriptor of the directory, never through its path again, and never through
// a symbolic link. A descriptor held open is also the lock: one uploader per dump.

#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/dump_file_names.h"
#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"
#include "upload/source/byte_source.h"
#include "upload/source/dump_facts.h"

namespace warmdump {

struct DumpFile {
  std::string name;  // printable ASCII without '/'
  ByteCount size = 0;
  std::string sha256;  // 64 lower-case hexadecimal digits; empty before hash_files
  // Identity at the time of listing; any difference later means that somebody changed the file.
  std::uint64_t inode = 0;
  std::int64_t modified_nanoseconds = 0;
  const ByteSource* stream =
      nullptr;  // where the bytes come from, borrowed; nullptr: a file of the directory
};

struct DumpDirectory {
  std::string path;     // as given by the user
  std::string name;     // last component of the real path
  DumpFileNames names;  // of the files, by its layout
  DumpFacts facts;
  UniqueFd directory;           // holds an exclusive flock
  std::vector<DumpFile> files;  // in sending order

  ByteCount total_bytes() const;
  // Does the file hold pages of memory? Everything else is the report.
  bool has_pages(const DumpFile& file) const;
};

// A file of a dump that does not lie in its directory. `bytes` is borrowed.
struct StreamedFile {
  std::string name;
  ByteCount size = 0;
  const ByteSource* bytes = nullptr;
};

// Opens, locks and lists; `streamed` are files like the others from then on. Failures: `invalid` when it is
// not a finished dump (name ends in -incomplete, no meta.json, neither vmcore, by the name that meta.json
// has, nor image, something in it that is not a plain file), `refused` when it lies among those that nothing
// proves (kUnauthenticatedDirectory), `busy` when another upload of it runs. Hidden files and upload receipts
// are no part of the dump.
Outcome<DumpDirectory> open_dump_directory(const std::string& path,
                                           std::span<const StreamedFile> streamed = {});

// The report first, small files before large ones and meta.json as the last of it, so that a bad link
// delivers at least that; then the pages of memory.
void sort_for_sending(std::vector<DumpFile>& files, std::string_view vmcore_name = kVmcoreName);

// Fills in the sha256 of every file that has none. `done` counts over all files.
Outcome<void> hash_files(DumpDirectory& dump, const BytesDone& done);

// A file of the dump, open for reading.
class OpenedFile final : public ByteSource {
 public:
  OpenedFile(const DumpFile& file, UniqueFd fd) : file_(file), fd_(std::move(fd)) {}

  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override;
  // For the end of a transfer. Error corrupt: it is no longer the file that was listed.
  Outcome<void> check_unchanged() const;
  // -1 when the bytes come from a stream.
  int descriptor() const { return fd_.get(); }

 private:
  const DumpFile& file_;
  UniqueFd fd_;
};

// Opens one file for reading; fails with `corrupt` when it is no longer the one that was listed. `file` must
// outlive what is returned.
Outcome<OpenedFile> open_unchanged(const DumpDirectory& dump, const DumpFile& file);

}  // namespace warmdump
