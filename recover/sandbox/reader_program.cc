#include "recover/sandbox/reader_program.h"

#include <unistd.h>

#include <cerrno>

#include "recover/sandbox/extractor_messages.h"
#include "recover/sandbox/reader_secrets.h"
#include "recover/sandbox/reader_voice.h"

namespace warmdump {
namespace {

template <class Value>
nlohmann::json answer_with(const Outcome<Value>& outcome) {
  return outcome.has_value() ? as_message(*outcome) : as_message(outcome.error());
}

}  // namespace

void serve_reader_requests(int socket, DumpExtractor& extractor, const Device& region,
                           const std::filesystem::path& directory) {
  ReaderVoice voice(socket);
  const LivelyReads reads(region, voice);
  for (;;) {
    char request = 0;
    const ssize_t count = ::read(socket, &request, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1) return;
    if (request == static_cast<char>(ReaderRequest::secrets)) {
      auto secrets = receive_secrets(socket);
      if (!secrets) return;
      extractor.use_secrets(std::move(*secrets));
    }
    if (request == static_cast<char>(ReaderRequest::identify))
      voice.say(answer_with(extractor.identify(reads)));
    if (request == static_cast<char>(ReaderRequest::extract)) {
      voice.say(answer_with(extractor.extract(
          reads, directory, [&](ByteCount done, ByteCount total) { voice.tell_progress(done, total); })));
    }
  }
}

}  // namespace warmdump
