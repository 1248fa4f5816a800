#include "recover/sandbox/reader_secrets.h"

#include <malloc.h>
#include <string.h>

#include <algorithm>
#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/secret.h"
#include "recover/dump/frame_scan.h"
#include "recover/sandbox/message_channel.h"

namespace warmdump {
namespace {

// As far as a dump without headers is looked for: locate_dump().
constexpr ByteCount kSalvageWindow = 64 * kMiB;
constexpr const char* kNoBoot = "-";
constexpr std::size_t kBootIdSizeMax = 64;
constexpr std::size_t kSecretsMax = 16;

// What is sent, behind one byte that counts them.
struct PackedSecret {
  char boot_id[kBootIdSizeMax];
  unsigned char secret[dump_format::kSecretSize];
};

void wipe(SealSecret& secret) {
  ::explicit_bzero(secret.secret.data(), secret.secret.size());
}

// The allocator overwrites what is freed while it lives: libraries that parse leave copies.
class OverwrittenHeap {
 public:
  OverwrittenHeap() { ::mallopt(M_PERTURB, 0xa5); }
  OverwrittenHeap(const OverwrittenHeap&) = delete;
  OverwrittenHeap& operator=(const OverwrittenHeap&) = delete;
  ~OverwrittenHeap() { ::mallopt(M_PERTURB, 0); }
};

bool tells_its_boot(const dump_format::RegionHeader& header) {
  const auto state = static_cast<dump_format::State>(std::uint32_t{header.state});
  return dump_format::holds_dump(state) || state == dump_format::State::recovered;
}

// The one that has sealed the dump; the end of `secrets` when none has.
using Secrets = std::vector<SealSecret>;
Secrets::const_iterator find_sealing(const Device& region, const Secrets& secrets) {
  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  if (const auto header = dump_format::read_header(region, buffer); header && tells_its_boot(*header)) {
    const std::string_view boot_id = dump_format::sealed_boot_id(*header);
    return std::find_if(secrets.begin(), secrets.end(),
                        [&](const SealSecret& secret) { return secret.boot_id == boot_id; });
  }
  auto sealing = secrets.end();
  (void)find_first_frame(
      region, kSalvageWindow, [&](const dump_format::FrameHeader& frame, std::span<const std::byte> payload) {
        sealing = std::find_if(secrets.begin(), secrets.end(), [&](const auto& secret) {
          return dump_format::DumpSeal(secret.secret, secret.boot_id, frame.dump_id).matches(frame, payload);
        });
        return sealing != secrets.end();
      });
  return sealing;
}

}  // namespace

std::vector<SealSecret> secrets_for_reader(const Device& region, const ArmRecords& records) {
  const OverwrittenHeap overwritten;
  Secrets all = recorded_secrets(records);
  Secrets chosen;
  if (all.empty()) return chosen;
  const auto sealing = find_sealing(region, all);
  if (sealing != all.end()) {
    chosen.push_back(*sealing);
  } else if (const auto made_up = Secret::fresh(); made_up.has_value()) {
    chosen = {{.boot_id = kNoBoot, .secret = made_up->bytes()}};
  }
  std::for_each(all.begin(), all.end(), wipe);
  return chosen;
}

Outcome<void> hand_over_secrets(ReaderProcess& reader, char request, std::vector<SealSecret>& secrets) {
  const std::size_t count = std::min(secrets.size(), kSecretsMax);
  std::vector<char> bytes(1 + count * sizeof(PackedSecret));
  bytes[0] = static_cast<char>(count);
  for (std::size_t i = 0; i < count; ++i) {
    PackedSecret packed{};
    secrets[i].boot_id.copy(packed.boot_id, sizeof(packed.boot_id) - 1);
    std::memcpy(packed.secret, secrets[i].secret.data(), sizeof(packed.secret));
    std::memcpy(bytes.data() + 1 + i * sizeof(packed), &packed, sizeof(packed));
    ::explicit_bzero(&packed, sizeof(packed));
  }
  auto sent = reader.ask(request, bytes);
  ::explicit_bzero(bytes.data(), bytes.size());
  std::for_each(secrets.begin(), secrets.end(), wipe);
  return sent;
}

std::optional<std::vector<SealSecret>> receive_secrets(int socket) {
  char count = 0;
  if (!receive_bytes(socket, {&count, 1})) return std::nullopt;
  std::vector<SealSecret> secrets;
  for (int i = 0; i < count; ++i) {
    PackedSecret packed{};
    if (!receive_bytes(socket, {reinterpret_cast<char*>(&packed), sizeof(packed)})) return std::nullopt;
    SealSecret& secret = secrets.emplace_back();
    secret.boot_id.assign(packed.boot_id, ::strnlen(packed.boot_id, sizeof(packed.boot_id)));
    std::memcpy(secret.secret.data(), packed.secret, sizeof(packed.secret));
  }
  return secrets;
}

}  // namespace warmdump
