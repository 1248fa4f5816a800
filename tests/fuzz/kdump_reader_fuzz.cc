// The reader of kdump-compressed files with which the self-test judges a vmcore.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/hosted/unique_fd.h"
#include "recover/output/kdump_output.h"
#include "recover/output/page_compression.h"
#include "selftest/offline/kdump_pages.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::fuzz {
namespace {

constexpr Pfn kPfnsRead = 4096;

}  // namespace

void fuzz_one(Input input) {
  const UniqueFd file(::memfd_create("kdump", MFD_CLOEXEC));
  expect(file.get() >= 0, "a file in memory can be made");
  expect(::write(file.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()),
         "and written");
  auto pages = KdumpPages::open("/proc/self/fd/" + std::to_string(file.get()));
  if (!pages) return;
  std::array<std::byte, kPageSize> page;
  PageCount found = 0;
  for (Pfn pfn = 0; pfn < std::min(pages->pfn_end(), kPfnsRead); ++pfn) {
    const auto read = pages->read(pfn, page);
    if (read && *read) ++found;
  }
  expect(found <= pages->page_count(), "no more pages than there are");
}

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> inputs;
  auto machine = test::make_small_machine();
  const auto region = machine.builder.build();
  const auto dump = DumpReader::open(region);
  const test::TemporaryDirectory directory;
  for (const auto& compression : page_compressions()) {
    const auto path = directory / std::string(compression.name);
    const auto written = write_kdump(*dump, path, {.compression = compression.name}, {});
    expect(written.has_value(), "a seed can be written");
    std::vector<std::byte> bytes(std::filesystem::file_size(path));
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    expect(::read(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "and read");
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

}  // namespace warmdump::fuzz
