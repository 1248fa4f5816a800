// warmdump keygen: the key pair of a fleet.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <memory>
#include <string>

#include "cli/command.h"
#include "common/hosted/fleet_key.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

// A file that was not there before; removed again unless keep() is called.
class NewFile {
 public:
  static Outcome<NewFile> create(const std::string& path, mode_t mode) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.valid() && errno == EEXIST) {
      return Failure(ErrorCode::refused,
                     path +
                         " exists already: a key that is lost makes its dumps unreadable, so none is "
                         "overwritten; choose another -o");
    }
    if (!fd.valid()) return Failure::system("cannot create " + path, errno);
    return NewFile(std::move(fd), path);
  }

  NewFile(NewFile&&) = default;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (fd_.valid() && !is_kept_) ::unlink(path_.c_str());
  }

  Outcome<void> write(std::string_view text) const {
    TRY(write_all(fd_.get(), text, path_));
    if (::fsync(fd_.get()) != 0) return Failure::system("cannot flush " + path_, errno);
    return {};
  }
  void keep() { is_kept_ = true; }

 private:
  NewFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;
  bool is_kept_ = false;
};

Outcome<void> make_keys(const std::string& prefix) {
  const std::string private_path = prefix + ".private";
  const std::string public_path = prefix + ".public";
  NewFile private_file = TRY(NewFile::create(private_path, 0600));
  NewFile public_file = TRY(NewFile::create(public_path, 0644));
  const FleetPrivateKey key = TRY(FleetPrivateKey::fresh());
  const WipedText text(key.text());
  TRY(private_file.write(text.text()));
  TRY(public_file.write(key.public_key().text()));
  private_file.keep();
  public_file.keep();
  fmt::print("fleet key  {}\n", key_id_text(key.public_key().id()));
  fmt::print("public     {}: for every machine, as fleet_public_key in [arm] of its settings\n", public_path);
  fmt::print("private    {}: opens every dump; keep it off the fleet, and keep a copy\n", private_path);
  return {};
}

}  // namespace

void register_keygen_command(CLI::App& app, ExitCode& exit_code) {
  auto prefix = std::make_shared<std::string>("warmdump-fleet");
  CLI::App* command =
      app.add_subcommand("keygen", "Make the key pair that a fleet's dumps are encrypted with.");
  command->add_option("-o,--output", *prefix, "Writes PREFIX.public and PREFIX.private")
      ->type_name("PREFIX")
      ->capture_default_str();
  command->callback([prefix, &exit_code] {
    const auto made = make_keys(*prefix);
    exit_code = made ? kExitOk : report_failure(made.error());
  });
}

}  // namespace warmdump
