// is-region DEVICE: exit status 0 when the device begins as a region of warmdump does, 1 when it does not, 2
// when that cannot be told. Says nothing but in the last case: udev logs what its programs print.
//
// For 59-warmdump-region.rules, so it is asked of every legacy PMEM disk at boot: small, static, two blocks
// read. A header that is damaged or of a newer format still makes the device ours.

#include <unistd.h>

#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"

namespace {

constexpr int kIsRegion = 0;
constexpr int kIsSomethingElse = 1;
constexpr int kCannotTell = 2;

int cannot_tell(const char* reason) {
  for (const char* text : {"is-region: ", reason, "\n"}) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  return kCannotTell;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace warmdump;
  if (argc != 2) return cannot_tell("name one device");
  FileDevice device;
  if (auto opened = device.open(argv[1], FileDevice::Access::read_only); !opened.has_value()) {
    return cannot_tell(opened.error().what);
  }
  alignas(4096) static std::byte buffer[dump_format::kHeaderSize];
  const auto header = dump_format::read_header(device, buffer);
  if (header.has_value()) return header->region_size == device.size() ? kIsRegion : kIsSomethingElse;
  switch (header.error().code) {
    case ErrorCode::not_found:
    case ErrorCode::no_space:
      return kIsSomethingElse;
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
      return kIsRegion;
    default:
      return cannot_tell(header.error().what);
  }
}
