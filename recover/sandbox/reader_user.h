// The user as which dumps are read: one that owns nothing and may do nothing.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace warmdump {

inline constexpr const char* kReaderUserDefault = "_warmdump";  // made by the package

struct ReaderUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct ChosenUser {
  std::optional<ReaderUser> user;  // never root; empty when this process is not root and can be nobody else
  std::string warning;             // why it is not the one wanted; empty when it is
};

// `wanted`, or else kReaderUserDefault, or else nobody, which every system has: a wrong setting costs the
// setting, never the dump.
ChosenUser choose_reader_user(const std::string& wanted);

}  // namespace warmdump
