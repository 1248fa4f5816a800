// TaskLink of the confined child, and the bytes that are passed for unwrapping a key. See reader_task.h.

#pragma once

#include <vector>

#include "common/hosted/unique_fd.h"
#include "recover/sandbox/reader_process.h"
#include "recover/sandbox/reader_task.h"
#include "recover/sandbox/reader_voice.h"

namespace warmdump {

// Types of messages, beside those of extractor_messages.h.
inline constexpr const char* kUnwrapMessage = "unwrap";
inline constexpr const char* kAnswerMessage = "answer";

class ChildTaskLink final : public TaskLink {
 public:
  // All borrowed. `text`: a file for write_text().
  ChildTaskLink(int socket, int text, std::vector<SealSecret> secrets, ReaderVoice& voice)
      : socket_(socket), text_(text), secrets_(std::move(secrets)), voice_(voice) {}

  std::span<const SealSecret> secrets() const override { return secrets_; }
  Outcome<UnwrappedKeys> unwrap(const dump_format::KeyBlob& wrapped) override;
  void tell_progress(unsigned stage, ByteCount done, ByteCount total) override {
    voice_.tell_progress(done, total, stage);
  }
  Outcome<void> write_text(std::string_view text) override;

 private:
  int socket_;
  int text_;
  std::vector<SealSecret> secrets_;
  ReaderVoice& voice_;
};

// The other side: the wrapped key in a message of type kUnwrapMessage, error corrupt; and the keys to the
// child.
Outcome<dump_format::KeyBlob> wrapped_key_in(const nlohmann::json& message);
Outcome<void> send_keys(ReaderProcess& reader, const UnwrappedKeys& keys);

}  // namespace warmdump
