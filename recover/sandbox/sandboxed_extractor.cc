#include "recover/sandbox/sandboxed_extractor.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "common/file_device.h"
#include "common/hosted/interruption.h"
#include "recover/sandbox/extractor_messages.h"
#include "recover/sandbox/reader_program.h"
#include "recover/sandbox/reader_secrets.h"

namespace warmdump {
namespace {

// The descriptor of recovery may write. Opened anew it may not, and a device in memory is a copy after a
// fork.
Outcome<const Device*> for_reading(const Device& region, FileDevice& reopened) {
  const auto* const file = dynamic_cast<const FileDevice*>(&region);
  if (file == nullptr) return &region;
  const bool is_direct = (::fcntl(file->descriptor(), F_GETFL) & O_DIRECT) != 0;
  const std::string path = fmt::format("/proc/self/fd/{}", file->descriptor());
  TRY(in_context("cannot open the region for reading",
                 reopened.open(path.c_str(), is_direct ? FileDevice::Access::read_only_direct
                                                       : FileDevice::Access::read_only)));
  return &reopened;
}

Failure no_answer() {
  return {ErrorCode::corrupt, "gave no answer to what it was asked"};
}

bool claims_another_seal(const DumpIdentity& identity, const std::optional<std::string>& known_boot) {
  return known_boot && identity.authenticity == Authenticity::sealed && identity.boot_id != *known_boot;
}

}  // namespace

Outcome<std::optional<DumpIdentity>> SandboxedExtractor::identify(const Device& region) {
  const InterruptionWatch watch;
  end();
  auto identity = identified_by_reader(region);
  if (!identity.has_value() || !*identity) end();
  if (!identity.has_value() && identity.error().code != ErrorCode::refused) {
    identity.error().message += "; the dump stays on the region";
  }
  return identity;
}

Outcome<ExtractedDump> SandboxedExtractor::extract(const Device& region,
                                                   const std::filesystem::path& directory,
                                                   const Progress& progress) {
  const InterruptionWatch watch;
  auto dump = extracted_by_reader(region, directory, progress);
  end();
  return dump;
}

Outcome<void> SandboxedExtractor::start(const Device& region) {
  const ChosenUser chosen = choose_reader_user(options_.user);
  if (!chosen.warning.empty()) warn(chosen.warning);
  Confinement confinement;
  confinement.user = chosen.user;
  confinement.memory_max = options_.memory_max;

  TRY(make_room(confinement.user));
  confinement.directory = room_->path();

  FileDevice reopened;
  const Device* const readable = TRY(for_reading(region, reopened));
  if (readable == &reopened) confinement.descriptors.push_back(reopened.descriptor());
  reader_.emplace(TRY(ReaderProcess::start(std::move(confinement), options_.limits,
                                           [&](int socket, const std::filesystem::path& directory) {
                                             serve_reader_requests(socket, inner_, *readable, directory);
                                           })));
  for (const std::string& missing : TRY(reader_->missing_walls())) {
    warn(fmt::format("dumps are read with less protection on this system: {}", missing));
  }
  return give_secrets(region);
}

Outcome<void> SandboxedExtractor::give_secrets(const Device& region) {
  known_boot_.reset();
  if (!options_.secrets) return {};
  std::vector<SealSecret> secrets = options_.secrets(region);
  known_boot_ = secrets.empty() ? "" : secrets.front().boot_id;
  return hand_over_secrets(*reader_, static_cast<char>(ReaderRequest::secrets), secrets);
}

Outcome<void> SandboxedExtractor::make_room(std::optional<ReaderUser>& user) {
  auto room = ReaderRoom::make(options_.spool, user);
  if (!room.has_value() && user && room.error().code == ErrorCode::no_permission) {
    // A file system without owners, or a root who may not give away: no dump is lost for that.
    warn(room.error().message + "; dumps are read as root");
    user.reset();
    return make_room(user);
  }
  room_.emplace(TRY(std::move(room)));
  return {};
}

Outcome<std::optional<DumpIdentity>> SandboxedExtractor::identified_by_reader(const Device& region) {
  TRY(start(region));
  TRY(reader_->ask(static_cast<char>(ReaderRequest::identify)));
  const nlohmann::json message = TRY(reader_->next());
  if (type_of(message) == "failure") return failure_in(message);
  if (type_of(message) != "identity") return reader_->catch_lying(no_answer());
  auto identity = identity_of(message);
  if (!identity.has_value()) return reader_->catch_lying(identity.error());
  if (*identity && claims_another_seal(**identity, known_boot_)) {
    return reader_->catch_lying(
        {ErrorCode::corrupt, "says that it has checked a seal whose secret it does not know"});
  }
  return identity;
}

Outcome<ExtractedDump> SandboxedExtractor::extracted_by_reader(const Device& region,
                                                               const std::filesystem::path& directory,
                                                               const Progress& progress) {
  if (!reader_) TRY(start(region));
  TRY(reader_->ask(static_cast<char>(ReaderRequest::extract)));
  for (;;) {
    const nlohmann::json message = TRY(reader_->next());
    const std::string type = type_of(message);
    if (type == "progress") {
      const auto told = progress_of(message);
      if (!told.has_value()) return reader_->catch_lying(told.error());
      if (progress) progress(told->done, told->total);
      continue;
    }
    // The reader knows its room only: names in it say nothing to people.
    if (type == "failure") return failure_in(message).in(directory.string());
    if (type != "extracted") return reader_->catch_lying(no_answer());
    auto dump = extracted_of(message);
    if (!dump.has_value()) return reader_->catch_lying(dump.error());
    // Nobody may write in the room while it is looked at.
    TRY(reader_->stop());
    dump->bytes_written = TRY(room_->move_into(directory));
    return dump;
  }
}

Failure SandboxedExtractor::failure_in(const nlohmann::json& message) {
  auto failure = failure_of(message);
  return failure.has_value() ? std::move(failure->failure) : reader_->catch_lying(failure.error());
}

void SandboxedExtractor::warn(const std::string& text) {
  if (warned_.insert(text).second) options_.warn(text);
}

void SandboxedExtractor::end() {
  reader_.reset();
  room_.reset();
}

}  // namespace warmdump
