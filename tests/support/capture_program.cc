#include "tests/support/capture_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace warmdump {
namespace {

// Anonymous files instead of pipes: a child that writes a lot cannot block.
int anonymous_file() {
  return ::open("/tmp", O_RDWR | O_TMPFILE, 0600);
}

std::string content(int fd) {
  std::string text;
  ::lseek(fd, 0, SEEK_SET);
  std::array<char, 4096> buffer;
  for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(fd);
  return text;
}

}  // namespace

ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  const int output = anonymous_file();
  const int errors = anonymous_file();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(errors), content(output)};
}

void make_region_file(const std::string& path, std::uint64_t size) {
  std::ofstream(path, std::ios::trunc).close();
  std::filesystem::resize_file(path, size);
}

}  // namespace warmdump
