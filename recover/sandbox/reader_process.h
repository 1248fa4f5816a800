// ReaderProcess: a confined child process and the two ends of talking to it. The parent's view: what the
// child sends, or one sentence about how it ended.

#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "recover/sandbox/confinement.h"
#include "recover/sandbox/message_channel.h"

namespace warmdump {

// In the child, confined: `socket` carries messages out and one character a request in.
using ReaderProgram = std::function<void(int socket, const std::filesystem::path& directory)>;

class ReaderProcess {
 public:
  // Forks, confines the child and runs `program` in it; the child ends with the program. std::bad_alloc is
  // the one exception that the program may throw. `confinement.descriptors` gets the socket added.
  // Errors: those of socketpair(2) and fork(2).
  static Outcome<ReaderProcess> start(Confinement confinement, const MessageReceiver::Limits& limits,
                                      const ReaderProgram& program);

  ReaderProcess(ReaderProcess&& other) noexcept;
  ReaderProcess& operator=(ReaderProcess&&) = delete;
  ~ReaderProcess();  // kills the child, if it still runs

  // Walls that the child says it does not have: its first message.
  Outcome<std::vector<std::string>> missing_walls();

  // A request, and what belongs to it. A child that is gone is told of by next().
  Outcome<void> ask(char request, std::span<const char> more = {});
  Outcome<void> tell(std::span<const char> bytes);

  // The next message; signs of life are not passed on. Any failure of the child to send one has killed it:
  // crashed (died, ended, memory), timed_out, corrupt (what it sent was no message), interruption() (not its
  // fault).
  Outcome<nlohmann::json> next();

  // The failure that a message which cannot be true is; kills the child.
  Failure catch_lying(const Failure& what);

  // Kills the child and waits until it is gone. Error busy: it cannot be killed, and may still be writing.
  Outcome<void> stop();

 private:
  ReaderProcess(pid_t pid, UniqueFd socket, ByteCount memory_max, const MessageReceiver::Limits& limits);

  std::string how_it_ended() const;

  pid_t pid_;
  UniqueFd socket_;
  MessageReceiver receiver_;
  ByteCount memory_max_;
  std::optional<int> status_;  // of waitpid(2), once it is gone
};

}  // namespace warmdump
