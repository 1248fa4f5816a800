#include "recover/sandbox/reader_task.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "common/hosted/unique_fd.h"
#include "recover/sandbox/extractor_messages.h"
#include "recover/sandbox/reader_process.h"
#include "recover/sandbox/reader_room.h"
#include "recover/sandbox/reader_secrets.h"
#include "recover/sandbox/reader_voice.h"
#include "recover/sandbox/task_link.h"

namespace warmdump {
namespace {

constexpr char kSecrets = 's';

void run_work(const ReaderTask& task, int text, int socket, const std::filesystem::path& directory) {
  char request = 0;
  if (!receive_bytes(socket, {&request, 1}) || request != kSecrets) return;
  auto secrets = receive_secrets(socket);
  if (!secrets) return;
  ReaderVoice voice(socket);
  ChildTaskLink link(socket, text, std::move(*secrets), voice);
  const LivelyReads region(*task.region, voice);
  const auto answer = task.work(region, link, directory);
  voice.say(answer.has_value() ? nlohmann::json{{"type", kAnswerMessage}, {"answer", *answer}}
                               : as_message(answer.error()));
}

// One run of a task, from the view of the process that asked for it.
class TaskRun {
 public:
  explicit TaskRun(const ReaderTask& task) : task_(task) {}

  Outcome<TaskAnswer> run() {
    TRY(start());
    if (task_.prepare) TRY(task_.prepare());
    auto secrets = task_.needs_secrets ? secrets_for_reader(*task_.region) : std::vector<SealSecret>();
    TRY(hand_over_secrets(*reader_, kSecrets, secrets));
    TaskAnswer answer{.answer = TRY(listen()), .text = {}};
    // Nobody may write any more where it is looked.
    TRY(reader_->stop());
    answer.text = TRY(read_text());
    if (room_) TRY(room_->move_into(task_.directory));
    return answer;
  }

 private:
  void tell_missing(const std::string& what) const {
    if (task_.missing) task_.missing(what);
  }

  Outcome<void> start() {
    text_ = UniqueFd(::memfd_create("warmdump-text", MFD_CLOEXEC));
    if (!text_.valid()) return Failure::system("cannot make a file in memory", errno);
    ChosenUser chosen = choose_reader_user(task_.user);
    if (!chosen.warning.empty()) tell_missing(chosen.warning);
    Confinement confinement;
    confinement.descriptors = task_.outputs;
    confinement.descriptors.push_back(task_.region->descriptor());
    confinement.descriptors.push_back(text_.get());
    if (!task_.directory.empty()) {
      room_.emplace(TRY(make_room(chosen.user)));
      confinement.directory = room_->path();
    }
    confinement.user = chosen.user;
    reader_.emplace(TRY(
        ReaderProcess::start(std::move(confinement), task_.limits,
                             [this, text = text_.get()](int socket, const std::filesystem::path& directory) {
                               run_work(task_, text, socket, directory);
                             })));
    for (const std::string& missing : TRY(reader_->missing_walls())) tell_missing(missing);
    return {};
  }

  Outcome<ReaderRoom> make_room(std::optional<ReaderUser>& user) const {
    auto room = ReaderRoom::make(task_.directory, user);
    if (room.has_value() || !user || room.error().code != ErrorCode::no_permission) return room;
    tell_missing(room.error().message + "; the dump is read as root");
    user.reset();
    return ReaderRoom::make(task_.directory, user);
  }

  Outcome<nlohmann::json> listen() {
    for (;;) {
      nlohmann::json message = TRY(reader_->next());
      const std::string type = type_of(message);
      if (type == "progress") {
        const auto told = progress_of(message);
        if (!told.has_value()) return reader_->catch_lying(told.error());
        if (task_.progress) task_.progress(told->stage, told->done, told->total);
      } else if (type == kUnwrapMessage && task_.unwrap && !has_unwrapped_) {
        TRY(unwrap(message));
      } else if (type == "failure") {
        auto failure = failure_of(message);
        return failure.has_value() ? std::move(failure->failure) : reader_->catch_lying(failure.error());
      } else if (type == kAnswerMessage && message.contains("answer") && message["answer"].is_object()) {
        return std::move(message["answer"]);
      } else {
        return reader_->catch_lying({ErrorCode::corrupt, "gave no answer to what it was asked"});
      }
    }
  }

  Outcome<void> unwrap(const nlohmann::json& message) {
    has_unwrapped_ = true;
    const auto wrapped = wrapped_key_in(message);
    if (!wrapped.has_value()) return reader_->catch_lying(wrapped.error());
    return send_keys(*reader_, TRY(task_.unwrap(*wrapped)));
  }

  Outcome<std::string> read_text() const {
    const off_t size = ::lseek(text_.get(), 0, SEEK_END);
    if (size < 0) return Failure::system("cannot read the text of the answer", errno);
    if (static_cast<ByteCount>(size) > kTaskTextSizeMax)
      return Failure(ErrorCode::corrupt, "the process that reads the dump wrote more text than any dump has");
    std::string text(static_cast<std::size_t>(size), '\0');
    for (std::size_t filled = 0; filled < text.size();) {
      const ssize_t count =
          ::pread(text_.get(), text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return Failure::system("cannot read the text of the answer", errno);
      filled += static_cast<std::size_t>(count);
    }
    return text;
  }

  const ReaderTask& task_;
  UniqueFd text_;
  std::optional<ReaderRoom> room_;
  std::optional<ReaderProcess> reader_;  // gone before its room is
  bool has_unwrapped_ = false;
};

}  // namespace

Outcome<TaskAnswer> run_reader_task(const ReaderTask& task) {
  return TaskRun(task).run();
}

}  // namespace warmdump
