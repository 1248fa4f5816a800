// KdumpFile: a dump file opened by libkdumpfile, which knows nothing of warmdump. Link it to use this.

#pragma once

#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump::test {

class KdumpFile {
 public:
  // On failure every read fails; error() says why.
  explicit KdumpFile(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), context_(kdump_new(), kdump_free) {
    is_open_ = kdump_open_fd(context_.get(), fd_.get()) == KDUMP_OK;
  }

  bool is_open() const { return is_open_; }
  std::string error() const { return kdump_get_err(context_.get()); }

  // KDUMP_ERR_NODATA when the file does not have the page.
  kdump_status read(Pfn pfn, std::array<std::byte, 4096>& page) {
    std::size_t size = page.size();
    return kdump_read(context_.get(), KDUMP_MACHPHYSADDR, pfn * page.size(), page.data(), &size);
  }

  // Attributes; empty when the file does not tell.
  std::optional<std::string> text(const char* key) {
    const char* value = nullptr;
    if (kdump_get_string_attr(context_.get(), key, &value) != KDUMP_OK || value == nullptr)
      return std::nullopt;
    return value;
  }
  std::optional<std::uint64_t> number(const char* key) {
    kdump_num_t value = 0;
    if (kdump_get_number_attr(context_.get(), key, &value) != KDUMP_OK) return std::nullopt;
    return value;
  }

 private:
  UniqueFd fd_;
  std::unique_ptr<kdump_ctx_t, decltype(&kdump_free)> context_;
  bool is_open_ = false;
};

}  // namespace warmdump::test
