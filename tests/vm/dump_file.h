// DumpFile: a dump in whatever format libkdumpfile knows, read page by page. Ends the program on anything
// that is neither there nor absent: a judge that cannot read must not judge.

#pragma once

#include <libkdumpfile/kdumpfile.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace warmdump::judge {

inline constexpr std::size_t kPageSize = 4096;
using Page = std::array<unsigned char, kPageSize>;

[[noreturn]] void stop(const std::string& message);

class DumpFile {
 public:
  explicit DumpFile(const std::string& path);
  DumpFile(const DumpFile&) = delete;
  DumpFile& operator=(const DumpFile&) = delete;
  ~DumpFile() { kdump_free(context_); }

  // Behind the last page.
  std::uint64_t pfn_end() const;

  // For each pfn, does the dump hold the page? For kdump files only: libkdumpfile 0.5.1 leaves out pages of
  // an ELF file whose segments overlap.
  std::vector<bool> page_map(std::uint64_t pfn_end) const;

  // False if the dump does not hold the page.
  bool read(std::uint64_t pfn, Page& page) const;

 private:
  std::string path_;
  kdump_ctx_t* context_;
};

// What the headers of an ELF vmcore say.
struct VmcoreHeaders {
  std::vector<bool> has_page;  // by pfn: does a segment cover any of it?
  std::string vmcoreinfo;
};
VmcoreHeaders read_vmcore_headers(const std::string& path);

}  // namespace warmdump::judge
