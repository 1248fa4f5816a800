// Vmcoreinfo: what the crashed kernel says about itself, as the text of its VMCOREINFO note.
// Runs in the crash kernel: no heap, no exceptions.
//
// Lines are written by the kernel's vmcoreinfo_append_str() (kernel/vmcore_info.c, before 6.9
// kernel/crash_core.c):
//   OSRELEASE=6.1.0-18-amd64        SYMBOL(init_top_pgt)=ffffffff8280a000   (hexadecimal, no prefix)
//   SIZE(page)=64                   OFFSET(page.flags)=0                    (decimal)
//   LENGTH(mem_section)=2048        NUMBER(phys_base)=-1048576              (signed decimal, or 0x
//   hexadecimal)

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/units.h"

namespace warmdump {

class Vmcoreinfo {
 public:
  Vmcoreinfo() = default;

  // `text` is borrowed: its bytes must outlive this object. It may hold anything: lines that are no
  // "key=value" are skipped, a zero byte ends the text, nothing outside of it is read.
  explicit Vmcoreinfo(std::string_view text);

  // Each looks through the text from its start; the first line with that key counts. Empty when there is
  // no such line, or its value is not a number that fits.
  std::optional<VirtualAddress> symbol(std::string_view name) const;  // SYMBOL(name)=
  std::optional<std::uint64_t> size(std::string_view name) const;     // SIZE(name)=, bytes
  std::optional<std::uint64_t> offset(std::string_view name) const;   // OFFSET(name)=, bytes
  std::optional<std::uint64_t> length(std::string_view name) const;   // LENGTH(name)=, array elements
  // NUMBER(name)=. Hexadecimal values above INT64_MAX come out as the same 64 bits, negative.
  std::optional<std::int64_t> number(std::string_view name) const;

  // Value of the line "key=value" as it is, without the line end: text("OSRELEASE").
  std::optional<std::string_view> text(std::string_view key) const;
  // The same, as a hexadecimal number (KERNELOFFSET) or a decimal one (CRASHTIME).
  std::optional<std::uint64_t> hexadecimal(std::string_view key) const;
  std::optional<std::uint64_t> decimal(std::string_view key) const;

  // PAGESIZE=, bytes; empty when it is no power of two.
  std::optional<ByteCount> page_size() const;

  std::string_view whole_text() const { return text_; }

 private:
  std::optional<std::string_view> find(std::string_view kind, std::string_view name) const;

  std::string_view text_;
};

}  // namespace warmdump
