// Spool: the directory of recovered dumps, /var/crash by default.
//
// One directory a dump, <host>-<YYYY-MM-DD-HH:MM:SS> (time of the crash, UTC; "-2", "-3" ... behind it when
// the name is taken), or as another layout names it. It is filled as <name>-incomplete and renamed when every
// byte is durable, so a name without the suffix is always a whole dump. A file `.dump-id` in it names the
// dump: recovery that was killed and starts again finds what it already saved by this, and never by the name.
// Its second line counts the dumps that came into the spool, since the time in a name is as good as the
// clock.
//
// The spool is locked (flock) as long as the object lives: one program at a time fills it.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/failure.h"
#include "common/hosted/file_lock.h"
#include "recover/report/layout.h"

namespace warmdump {

inline constexpr const char* kDumpIdFile = ".dump-id";

class Spool {
 public:
  // Makes `directory` (0700) and its parents when missing; locks it; removes the room that a killed reader of
  // a dump left in it. `host` goes into names; characters that do not belong into a file name become '_'.
  // `layout`: a name in dump_layouts(), empty for the first.
  // Errors: invalid (no such layout); busy; no_permission; no_space; io.
  static Outcome<Spool> open(const std::filesystem::path& directory, const std::string& host,
                             const std::string& layout = "");

  // The spool in this one for dumps that nothing proves (kUnauthenticatedDirectory): find() and whoever lists
  // this spool does not see them.
  Outcome<Spool> apart() const { return open(directory_ / kUnauthenticatedDirectory, host_); }

  const std::filesystem::path& directory() const { return directory_; }

  // The complete directory of the dump `dump_id` (lower-case hex), if it was saved before; durable on return.
  Outcome<std::optional<std::filesystem::path>> find(const std::string& dump_id) const;

  // Whether publish() has given the dump its name, and forget_publication() was not called since; durable on
  // return. With find() empty: somebody has taken it away. See publication.h.
  bool was_published(const std::string& dump_id) const;

  // The region tells by itself now that the dump was saved, here or in apart(). Durable on return, best
  // effort.
  void forget_publication(const std::string& dump_id) const;

  // Removes what an interrupted run left of this dump, and makes its empty -incomplete directory, which the
  // caller fills. `time_s`: seconds since 1970, 0 for now.
  Outcome<std::filesystem::path> begin(const std::string& dump_id, std::uint64_t time_s) const;

  // Lets those read it who send dumps (dump_readers.h). Then flushes everything in the directory begin()
  // made, renames it to its final name, flushes the spool. Returns the final directory. After a failure the
  // dump counts as not saved.
  Outcome<std::filesystem::path> publish(const std::filesystem::path& incomplete) const;

  // Removes a directory of begin() with all in it. Best effort: what stays is removed by the next begin().
  void discard(const std::filesystem::path& incomplete) const;

 private:
  Spool(std::filesystem::path directory, std::string host, const DumpLayout& layout, FileLock lock)
      : directory_(std::move(directory)), host_(std::move(host)), layout_(&layout), lock_(std::move(lock)) {}

  Outcome<void> remove_interrupted(const std::string& dump_id) const;
  std::filesystem::path free_name(const std::string& stem) const;

  std::filesystem::path directory_;
  std::string host_;
  const DumpLayout* layout_;
  FileLock lock_;
};

// By the layout: "<host>-<YYYY-MM-DD-HH:MM:SS>" in UTC is the first. Years beyond 9999 and 0 give the time
// `now_s` instead.
std::string dump_directory_name(const std::string& host, std::uint64_t time_s, std::uint64_t now_s,
                                const DumpLayout& layout = dump_layouts().front());

}  // namespace warmdump
