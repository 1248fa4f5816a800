#include "recover/sandbox/reader_user.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

namespace warmdump {
namespace {

// The kernel's own number for "nobody that is known": overflowuid.
constexpr uid_t kNobody = 65534;

std::optional<ReaderUser> look_up(const std::string& name) {
  std::array<char, 4096> texts{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, texts.data(), texts.size(), &found) != 0 || found == nullptr)
    return {};
  return ReaderUser{name, entry.pw_uid, entry.pw_gid};
}

}  // namespace

ChosenUser choose_reader_user(const std::string& wanted) {
  if (::geteuid() != 0) return {};
  std::string warning;
  for (const std::string& name : {wanted, std::string(kReaderUserDefault), std::string("nobody")}) {
    const auto user = look_up(name);
    const bool is_root = user && (user->uid == 0 || user->gid == 0);
    if (user && !is_root) {
      if (!warning.empty()) warning += fmt::format("; dumps are read as \"{}\"", name);
      return {user, warning};
    }
    if (warning.empty()) {
      warning = is_root ? fmt::format("dumps must not be read as \"{}\", who is root", name)
                        : fmt::format("there is no user \"{}\" to read dumps", name);
    }
  }
  return {ReaderUser{"nobody", kNobody, kNobody},
          fmt::format("{}; they are read as uid {}", warning, kNobody)};
}

}  // namespace warmdump
