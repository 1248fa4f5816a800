#include "recover/sandbox/file_boundary.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

// Rights that each version of the interface knows, as bits below; the headers of Debian 12 end at 2.
constexpr std::uint64_t rights_below(unsigned bit) {
  return (std::uint64_t{1} << bit) - 1;
}
constexpr std::uint64_t kRightsOfVersion[] = {
    0, rights_below(13), rights_below(14), rights_below(15), rights_below(15), rights_below(16)};

constexpr std::uint64_t kRefer = std::uint64_t{1} << 13;  // renames between directories
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;
constexpr std::uint64_t kWithin = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | kRefer | kTruncate;

// glibc has no wrappers.
long create_ruleset(const landlock_ruleset_attr* attributes, std::size_t size, unsigned flags) {
  return ::syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

Outcome<void> permit(int ruleset, const std::filesystem::path& directory, std::uint64_t rights) {
  const UniqueFd parent(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent.valid()) return Failure::system("cannot open " + directory.string(), errno);
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights;
  beneath.parent_fd = parent.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0) return {};
  return Failure::system("cannot use Landlock", errno);
}

}  // namespace

Outcome<void> stay_within(const std::filesystem::path& directory) {
  const long version = create_ruleset(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return Failure(ErrorCode::unsupported, "no Landlock in this kernel");
  const auto known =
      std::min<std::size_t>(static_cast<std::size_t>(version), std::size(kRightsOfVersion) - 1);

  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kRightsOfVersion[known];
  const UniqueFd ruleset(
      static_cast<int>(create_ruleset(&attributes, sizeof(attributes.handled_access_fs), 0)));
  if (!ruleset.valid()) return Failure::system("cannot make a Landlock ruleset", errno);

  if (!directory.empty()) TRY(permit(ruleset.get(), directory, kWithin & attributes.handled_access_fs));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return Failure::system("cannot use Landlock", errno);
  return {};
}

}  // namespace warmdump
