// The secret of a boot: 32 random bytes that only the crash image and root's record of the boot hold. It is
// wiped from this program's memory when it is no longer used, as is every copy that warmdump makes of it.

#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

// Overwrites what the text holds, in a way no compiler leaves out.
void wipe_text(std::string& text);

// A text that wipes itself: for what carries a secret in between.
class WipedText {
 public:
  explicit WipedText(std::string text) : text_(std::move(text)) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { wipe_text(text_); }

  std::string& text() { return text_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Secret {
 public:
  static constexpr std::size_t kSize = 32;

  Secret() = default;  // all zero: no secret
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();

  // From getrandom(2), which waits until the kernel has gathered enough to draw from.
  static Outcome<Secret> fresh();
  // 64 hexadecimal digits, and nothing else: ErrorCode::invalid. The message does not repeat them.
  static Outcome<Secret> parse(std::string_view digits);

  static Secret of(std::span<const unsigned char, kSize> bytes);

  bool is_set() const;
  std::string hexadecimal() const;  // the caller wipes it
  const std::array<unsigned char, kSize>& bytes() const { return bytes_; }
  bool operator==(const Secret&) const = default;

 private:
  std::array<unsigned char, kSize> bytes_{};
};

}  // namespace warmdump
