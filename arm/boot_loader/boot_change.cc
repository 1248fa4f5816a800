#include "arm/boot_loader/boot_change.h"

#include <fmt/format.h>

#include "arm/boot_loader/boot_words.h"

namespace warmdump {
namespace {

constexpr unsigned kCommandTimeout = 600;  // update-grub looks for other systems on every disk

// Puts back what was written; what cannot be put back is said behind the failure that made it necessary.
Failure undone(Failure failure, const std::vector<FileChange>& written, const MachineFiles& files) {
  for (const FileChange& change : written) {
    const auto result = apply_change(files, {change.path, change.after, change.before});
    if (!result.has_value()) {
      failure.message +=
          fmt::format("; and {} could not be put back: {}", change.path, result.error().message);
    }
  }
  return failure;
}

}  // namespace

Outcome<void> make_boot_change(BootLoader& loader, const BootLoaderChange& change,
                               const std::vector<std::string>& words, const MachineFiles& files,
                               CommandRunner& runner) {
  std::vector<FileChange> written;
  for (const FileChange& file : change.files) {
    auto result = apply_change(files, file);
    if (!result.has_value()) return undone(std::move(result.error()), written, files);
    written.push_back(file);
  }
  if (!written.empty()) {
    auto verified = loader.verify(words);
    if (!verified.has_value()) return undone(std::move(verified.error()), written, files);
  }
  for (const std::vector<std::string>& command : change.commands) {
    const std::string text = joined_words(command);
    const auto result = runner.run(command, kCommandTimeout);
    if (!result.has_value())
      return Failure(result.error()).in(fmt::format("the files are written, but \"{}\"", text));
    if (result->exit_code != 0) {
      return Failure(ErrorCode::io,
                     fmt::format("the files are written, but \"{}\" ended with exit code {}: the next "
                                 "boot will not have the options until it succeeds",
                                 text, result->exit_code));
    }
  }
  return {};
}

}  // namespace warmdump
