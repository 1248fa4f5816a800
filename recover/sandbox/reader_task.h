// One piece of work on a dump that comes from anywhere, done in a confined child process (confinement.h):
// what `warmdump show`, `extract` and `decrypt` do with it. The child sees the region, opened for reading;
// files that were opened for it; one directory, if it is to fill one; and the secret of the dump's own boot.
//
//   this process                                  the child
//   -------------------------------------------   ------------------------------------------------------
//   opens region and outputs, forks            ►  confines itself
//   reads secrets, sends the one of this dump  ►  reads the dump, writes to its outputs
//   asks for the fleet's private key, unwraps  ◄► sends the wrapped key of an encrypted dump
//   shows progress                             ◄  tells it
//   looks at the answer, takes the files       ◄  answer, text
//
// For who is not root there is no other user to become; the other walls stand, as far as the system has them.

#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/file_device.h"
#include "common/hosted/fleet_key.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/sandbox/message_channel.h"
#include "recover/sandbox/reader_user.h"

namespace warmdump {

// The child's side.
class TaskLink {
 public:
  virtual ~TaskLink() = default;

  // By which the dump can be judged: secrets_for_reader().
  virtual std::span<const SealSecret> secrets() const = 0;

  // What the private key makes of the wrapped one. Asks once, at most.
  virtual Outcome<UnwrappedKeys> unwrap(const dump_format::KeyBlob& wrapped) = 0;

  // `stage` counts the parts of the work, from 0. From any thread, but never two at once.
  virtual void tell_progress(unsigned stage, ByteCount done, ByteCount total) = 0;

  // Text that is part of the answer; appended.
  virtual Outcome<void> write_text(std::string_view text) = 0;
};

struct ReaderTask {
  // In the child. `region` is the one below; `directory` what it may fill, empty when that is nothing. What
  // it returns is the answer: an object of at most some 60 KiB.
  std::function<Outcome<nlohmann::json>(const Device& region, TaskLink& link,
                                        const std::filesystem::path& directory)>
      work;

  const FileDevice* region = nullptr;    // opened for reading; borrowed
  std::vector<int> outputs = {};         // descriptors that the child keeps; none of 0, 1, 2
  std::filesystem::path directory = {};  // existing; gets the child's files when it is done
  bool needs_secrets = true;

  // Called in this process, and only when the child is forked already. Errors of either end the work.
  std::function<Outcome<void>()> prepare = {};
  std::function<Outcome<UnwrappedKeys>(const dump_format::KeyBlob& wrapped)> unwrap = {};

  std::function<void(unsigned stage, ByteCount done, ByteCount total)> progress = {};
  // Hears what protection this system lacks, a sentence each.
  std::function<void(const std::string&)> missing = {};

  std::string user = kReaderUserDefault;
  MessageReceiver::Limits limits = {};
};

// No log is longer, no map, no summary.
inline constexpr ByteCount kTaskTextSizeMax = 256 * kMiB;

struct TaskAnswer {
  nlohmann::json answer;  // from who may have been taken over: to be checked like anything read from a file
  std::string text;       // likewise: may hold any bytes
};

// The child is gone when this returns; `directory` is as before when it failed.
// Errors: those of `work`, as it says them; crashed, timed_out, corrupt: the child died, hung, lied or took
// too much memory; interruption(); refused (it left other things than files); io, no_permission.
Outcome<TaskAnswer> run_reader_task(const ReaderTask& task);

}  // namespace warmdump
