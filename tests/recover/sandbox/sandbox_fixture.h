// What the tests of the sandbox share: a process of another user to run them in, an extractor that does as a
// test says.

#pragma once

#include <gmock/gmock.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "recover/sandbox/sandboxed_extractor.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {

inline constexpr uid_t kNobody = 65534;

// Recovery runs as root; who looks at the image of a region need not be.
enum class RunAs { root, user };

inline std::string run_as_name(const testing::TestParamInfo<RunAs>& parameter) {
  return parameter.param == RunAs::root ? "AsRoot" : "AsUser";
}

// What `body` returns in a process of that user, with a directory of its own; "skipped" without the rights to
// run as root.
inline std::string run_as(RunAs who, const std::function<std::string(const std::filesystem::path&)>& body) {
  if (who == RunAs::root && ::geteuid() != 0) return "skipped";
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    const bool becomes_user = who == RunAs::user && ::geteuid() == 0;
    if (becomes_user && (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                         ::setresuid(kNobody, kNobody, kNobody) != 0)) {
      ::_exit(1);
    }
    std::string text;
    {
      const TemporaryDirectory directory;
      text = body(directory.path());
    }
    ::_exit(::write(ends[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return text;
}

// In the reader: the socket to recovery, which only it and the region have beside the standard streams.
inline int own_socket() {
  for (int fd = 3; fd < 64; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) return fd;
  }
  return -1;
}

// What reader_process.h takes for one message.
inline std::string framed(const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + text;
}

// Whoever has taken over the reader. `act` says what came of it.
class TakenOver final : public DumpExtractor {
 public:
  using Act = std::function<std::string(const Device& region)>;
  explicit TakenOver(Act act) : act_(std::move(act)) {}

  Outcome<std::optional<DumpIdentity>> identify(const Device& region) override {
    return Failure(ErrorCode::refused, act_(region));
  }
  Outcome<ExtractedDump> extract(const Device& region, const std::filesystem::path&,
                                 const Progress&) override {
    return Failure(ErrorCode::io, act_(region));
  }

 private:
  Act act_;
};

}  // namespace warmdump::test
