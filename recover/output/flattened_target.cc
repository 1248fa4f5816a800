#include "recover/output/flattened_target.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace warmdump {
namespace {

constexpr std::string_view kSignature = "makedumpfile";
constexpr std::size_t kSignatureSize = 16;
constexpr std::size_t kHeaderSize = 4096;
constexpr std::uint64_t kType = 1;
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kEndMarker = ~std::uint64_t{0};

constexpr std::size_t kBufferSize = kMiB;

}  // namespace

FlattenedTarget::FlattenedTarget(OutputTarget& stream) : stream_(stream) {
  buffer_.reserve(kBufferSize);
  buffer_.resize(kSignatureSize);
  std::memcpy(buffer_.data(), kSignature.data(), kSignature.size());
  append_number(kType);
  append_number(kVersion);
  buffer_.resize(kHeaderSize);
}

void FlattenedTarget::append_number(std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) buffer_.push_back(static_cast<std::byte>(number >> shift));
}

Outcome<void> FlattenedTarget::flush() {
  TRY(stream_.write_at(position_, buffer_));
  position_ += buffer_.size();
  buffer_.clear();
  return {};
}

Outcome<void> FlattenedTarget::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferSize) TRY(flush());
  if (bytes.size() < kBufferSize) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }
  TRY(stream_.write_at(position_, bytes));
  position_ += bytes.size();
  return {};
}

Outcome<void> FlattenedTarget::write_at(ByteCount offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  const std::lock_guard lock(mutex_);
  append_number(offset);
  append_number(bytes.size());
  return append(bytes);
}

Outcome<void> FlattenedTarget::write_zeros(ByteCount offset, ByteCount size) {
  const std::vector<std::byte> zeros(std::min<ByteCount>(size, kBufferSize));
  for (ByteCount done = 0; done < size; done += zeros.size()) {
    TRY(write_at(offset + done, std::span(zeros).first(std::min<ByteCount>(zeros.size(), size - done))));
  }
  return {};
}

Outcome<ByteCount> FlattenedTarget::finish() {
  const std::lock_guard lock(mutex_);
  append_number(kEndMarker);
  append_number(kEndMarker);
  TRY(flush());
  return position_;
}

}  // namespace warmdump
