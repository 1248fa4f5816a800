#include "recover/sandbox/task_link.h"

#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "recover/sandbox/message_channel.h"

namespace warmdump {
namespace {

constexpr std::size_t kKeysSize = 2 * Secret::kSize;

Failure no_keys() {
  return {ErrorCode::crashed, "nobody unwraps the key of the dump"};
}

}  // namespace

Outcome<UnwrappedKeys> ChildTaskLink::unwrap(const dump_format::KeyBlob& wrapped) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&wrapped);
  voice_.say({{"type", kUnwrapMessage}, {"key", std::vector<unsigned>(bytes, bytes + sizeof(wrapped))}});
  std::array<char, kKeysSize> keys{};
  if (!receive_bytes(socket_, keys)) return no_keys();
  const auto* const first = reinterpret_cast<const unsigned char*>(keys.data());
  return UnwrappedKeys{
      .encryption_key = Secret::of(std::span<const unsigned char, Secret::kSize>(first, Secret::kSize)),
      .boot_secret =
          Secret::of(std::span<const unsigned char, Secret::kSize>(first + Secret::kSize, Secret::kSize))};
}

Outcome<void> ChildTaskLink::write_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(text_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure::system("cannot pass text on", errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Outcome<dump_format::KeyBlob> wrapped_key_in(const nlohmann::json& message) {
  const Failure wrong(ErrorCode::corrupt, "sent a message with a wrong \"key\"");
  dump_format::KeyBlob blob;
  std::array<unsigned char, sizeof(blob)> bytes{};
  const auto key = message.find("key");
  if (key == message.end() || !key->is_array() || key->size() != bytes.size()) return wrong;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto& number = (*key)[i];
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > 0xff) return wrong;
    bytes[i] = number.get<unsigned char>();
  }
  std::memcpy(&blob, bytes.data(), sizeof(blob));
  return blob;
}

Outcome<void> send_keys(ReaderProcess& reader, const UnwrappedKeys& keys) {
  std::array<char, kKeysSize> bytes{};
  std::memcpy(bytes.data(), keys.encryption_key.bytes().data(), Secret::kSize);
  std::memcpy(bytes.data() + Secret::kSize, keys.boot_secret.bytes().data(), Secret::kSize);
  auto sent = reader.tell(bytes);
  ::explicit_bzero(bytes.data(), bytes.size());
  return sent;
}

}  // namespace warmdump
