// SpoolKeeper: deletes old dumps of a spool by the rules of retention.h.
//
// For whoever looks on, a dump goes at once: it is renamed to <name>-removing, and deleted under that name. A
// deletion that was interrupted is finished by the next call. Of what is not a dump of ours nothing is
// touched.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "recover/spool/retention.h"

namespace warmdump {

// Bytes that are free for this user in the file system of a path.
using SpoolSpace = std::function<Outcome<ByteCount>(const std::filesystem::path&)>;
Outcome<ByteCount> spool_space_of(const std::filesystem::path& path);

struct RetentionReport {
  std::vector<std::filesystem::path> removed;
  std::string unmet;  // which limit is still exceeded, and why; empty: none
};

class SpoolKeeper {
 public:
  // `spool` is locked by the caller. `kept_id`: see RetentionGoal.
  SpoolKeeper(std::filesystem::path spool, RetentionLimits limits, std::string kept_id = {},
              SpoolSpace free_space = spool_space_of)
      : spool_(std::move(spool)),
        limits_(limits),
        kept_id_(std::move(kept_id)),
        free_space_(std::move(free_space)) {}

  // Before a dump of about `bytes` is written: as much goes as limits.free asks for. Without that limit,
  // nothing.
  Outcome<RetentionReport> make_room(ByteCount bytes) const;

  // After the disk was full when a dump of about `bytes` was written, and its rest is deleted. Where no limit
  // is set, only what line 1 of retention.h names goes: nobody has permitted more.
  Outcome<RetentionReport> make_room_on_full_disk(ByteCount bytes) const;

  // Makes the limits hold for what is there.
  Outcome<RetentionReport> enforce() const;

 private:
  Outcome<RetentionReport> pursue(RetentionGoal goal) const;

  std::filesystem::path spool_;
  RetentionLimits limits_;
  std::string kept_id_;
  SpoolSpace free_space_;
};

}  // namespace warmdump
