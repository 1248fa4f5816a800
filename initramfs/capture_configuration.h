// The text of /warmdump.conf, by which `arm` tells the capture what to do: "key=value" lines, read by the
// capture in the crash kernel.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/secret.h"
#include "common/units.h"

namespace warmdump {

// What the crash kernel does after the capture, whatever became of it: a warm reset by the way the kernel
// prefers, a cold one, a warm one by a way of its own, power off (which loses the dump), or a stop (for
// debugging).
enum class ResetMode { warm, cold, efi, acpi, kbd, off, halt };

// "warm", "cold", ...: what the capture reads.
std::string_view reset_word(ResetMode reset);
std::optional<ResetMode> reset_of_word(std::string_view word);

// For whom the dump is encrypted, and with what. The key is nowhere but in the image.
struct CaptureEncryption {
  std::string key_id;  // hexadecimal digits
  Secret key;          // another one for each image
  std::string
      wrapped_key;  // hexadecimal digits: `key` and the secret of the boot, for the fleet's private key
};

struct CaptureConfiguration {
  PhysicalAddress region_start = 0;
  ByteCount region_size = 0;
  unsigned dump_level = 31;  // 0-31, makedumpfile's bits
  ResetMode reset = ResetMode::warm;
  std::optional<std::uint64_t> deadline_s;  // 0: none; empty: the capture's own default
  std::optional<std::uint64_t> watchdog_s;  // timeout of the hardware watchdog, 0: left alone; empty: default
  Secret secret;                            // of this boot; not written when it is not set
  std::optional<CaptureEncryption> encryption;  // only with a secret
  // Facts of this boot, stored in the dump as they are: "boot_id", "armed_at", "os_release", ... Keys are
  // [a-z0-9_]; in a value, line breaks become spaces and what exceeds kInfoValueSizeMax is cut.
  std::map<std::string, std::string> info;
  // Addresses of the running kernel by which the capture puts the dump into a better order.
  std::map<std::string, std::uint64_t> hints;
};

inline constexpr std::size_t kInfoValueSizeMax = 256;
// What the capture reads of the file; kConfigurationSizeMax there.
inline constexpr std::size_t kConfigurationTextSizeMax = 16 * kKiB;

// The line by which the capture is told to encrypt; the caller wipes it.
std::string encryption_line(const CaptureEncryption& encryption);

// Module paths are those inside the image, in load order, each with its parameters behind a blank; an empty
// `pmem_module` means it is built in. With a secret, the caller wipes the text; no other copy is left behind.
std::string capture_configuration_text(const CaptureConfiguration& configuration,
                                       const std::vector<std::string>& early_modules,
                                       const std::string& pmem_module);

}  // namespace warmdump
