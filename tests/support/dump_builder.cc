#include "tests/support/dump_builder.h"

#include <zstd.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "recover/dump/elf_headers.h"
#include "tests/support/printk_ring_builder.h"

namespace warmdump::test {

using dump_format::Codec;
using dump_format::FrameType;
using dump_format::PageClass;
using dump_format::PageRun;
using dump_format::RunContent;

namespace {

constexpr unsigned char kDumpId[16] = {0x57, 0x41, 0x52, 0x4d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::vector<std::byte> compress(std::span<const std::byte> raw) {
  std::vector<std::byte> stored(ZSTD_compressBound(raw.size()));
  stored.resize(ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), 1));
  return stored;
}

}  // namespace

Page page_content(Pfn pfn) {
  Page page;
  std::uint64_t state = pfn * 0x9e37'79b9'7f4a'7c15 + 1;
  for (std::size_t offset = 0; offset < page.size(); offset += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const std::uint64_t word = offset % 64 == 0 ? state : 0xffff'8880'0000'0000 + (state & 0xfff8);
    std::memcpy(page.data() + offset, &word, sizeof(word));
  }
  return page;
}

DumpBuilder::DumpBuilder(ByteCount region_size)
    : header(dump_format::make_header(0x1'0000'0000, region_size)), device_(region_size) {
  std::memcpy(header.dump_id, kDumpId, sizeof(kDumpId));
  header.phase = static_cast<std::uint32_t>(dump_format::Phase::finished);
  header.dump_level = 31;
}

void DumpBuilder::seal_with(const SealSecret& secret) {
  seal_ = dump_format::DumpSeal(secret.secret, secret.boot_id, std::span(header.dump_id).first<8>());
}

void DumpBuilder::encrypt_with(const dump_format::DumpEncryption& encryption, std::string_view boot_id) {
  dump_format::describe_encryption(encryption, header);
  dump_format::KeyBlob blob = dump_format::make_key_blob(header);
  std::memcpy(blob.boot_id, boot_id.data(), boot_id.size());
  add_blob(dump_format::BlobKind::wrapped_key, {reinterpret_cast<const char*>(&blob), sizeof(blob)});
  cipher_ = encryption.cipher_of(header.dump_id);
}

void DumpBuilder::add_frame(FrameType type, Codec frame_codec, std::span<const std::byte> clear,
                            std::uint32_t raw_size) {
  std::vector<std::byte> stored(clear.begin(), clear.end());
  if (cipher_.is_set()) cipher_.apply(++cipher_number_, stored);
  const auto frame =
      dump_format::make_frame_header(type, frame_codec, sequence_++, std::span(header.dump_id).first<8>(),
                                     stored, raw_size, seal_, cipher_number_);
  const ByteCount end = frames_end_ + dump_format::frame_footprint(stored.size());
  if (end > device_.bytes.size()) throw std::length_error("test region too small");
  std::memcpy(device_.bytes.data() + frames_end_, &frame, sizeof(frame));
  if (!stored.empty()) {
    std::memcpy(device_.bytes.data() + frames_end_ + sizeof(frame), stored.data(), stored.size());
  }
  frames_end_ = end;
}

void DumpBuilder::add_payload(FrameType type, std::string_view prefix, std::span<const std::byte> body) {
  std::vector<std::byte> raw(prefix.size() + body.size());
  std::memcpy(raw.data(), prefix.data(), prefix.size());
  if (!body.empty()) std::memcpy(raw.data() + prefix.size(), body.data(), body.size());
  const auto stored = codec == Codec::zstd ? compress(raw) : raw;
  add_frame(type, codec, stored, static_cast<std::uint32_t>(raw.size()));
}

void DumpBuilder::add_blob(dump_format::BlobKind kind, std::string_view bytes) {
  add_blob_piece(kind, bytes.size(), 0, bytes);
}

void DumpBuilder::add_blob_piece(dump_format::BlobKind kind, ByteCount total_size, ByteCount offset,
                                 std::string_view bytes) {
  dump_format::BlobPrefix blob{};
  blob.kind = static_cast<std::uint32_t>(kind);
  blob.total_size = total_size;
  blob.offset = offset;
  std::string prefix;
  append(prefix, blob);
  add_payload(FrameType::blob, prefix, std::as_bytes(std::span(bytes)));
}

void DumpBuilder::add_class_map(Pfn first_pfn, std::span<const std::uint8_t> class_bytes) {
  dump_format::ClassMapPrefix map{};
  map.first_pfn = first_pfn;
  map.pfn_count = static_cast<std::uint32_t>(class_bytes.size());
  std::string prefix;
  append(prefix, map);
  add_payload(FrameType::class_map, prefix, std::as_bytes(class_bytes));
}

void DumpBuilder::add_pages(std::span<const Run> runs) {
  std::vector<std::byte> data;
  for (const Run& run : runs) {
    if (run.content != RunContent::data) continue;
    for (Pfn pfn = run.first_pfn; pfn < run.first_pfn + run.pfn_count; ++pfn) {
      const Page page = page_content(pfn);
      data.insert(data.end(), page.begin(), page.end());
    }
  }
  add_pages(runs, data);
}

void DumpBuilder::add_pages(std::span<const Run> runs, std::span<const std::byte> data) {
  dump_format::PagesPrefix pages{};
  pages.run_count = static_cast<std::uint32_t>(runs.size());
  std::string prefix;
  append(prefix, pages);
  std::uint64_t stored = 0;
  for (const Run& run : runs) {
    PageRun record{};
    record.first_pfn = run.first_pfn;
    record.pfn_count = run.pfn_count;
    record.content = static_cast<std::uint8_t>(run.content);
    append(prefix, record);
    if (run.content == RunContent::data) stored += run.pfn_count;
    if (run.content == RunContent::zero) header.pages_zero = header.pages_zero + run.pfn_count;
  }
  header.pages_data = header.pages_data + stored;
  add_payload(FrameType::pages, prefix, data);
}

void DumpBuilder::add_end(dump_format::Completeness completeness) {
  dump_format::EndPrefix end{};
  end.completeness = static_cast<std::uint32_t>(completeness);
  end.frame_count = sequence_;
  end.elapsed_ms = 1234;
  std::string prefix;
  append(prefix, end);
  add_payload(FrameType::end, prefix, {});
}

MemoryDevice DumpBuilder::build(dump_format::State state) {
  header.state = static_cast<std::uint32_t>(state);
  header.frames_end = frames_end_;
  header.frame_count = sequence_;
  header.bytes_stored = frames_end_ - dump_format::kFramesOffset;
  MemoryDevice device = device_;
  std::array<std::byte, dump_format::kHeaderSize> buffer;
  auto written = dump_format::write_header(device, header, buffer, seal_);
  if (!written) throw std::runtime_error(written.error().what);
  return device;
}

std::string make_elf_headers(std::span<const Segment> segments) {
  Elf64_Ehdr file_header{};
  std::memcpy(file_header.e_ident, ELFMAG, SELFMAG);
  file_header.e_ident[EI_CLASS] = ELFCLASS64;
  file_header.e_ident[EI_DATA] = ELFDATA2LSB;
  file_header.e_type = ET_CORE;
  file_header.e_machine = EM_X86_64;
  file_header.e_phoff = sizeof(file_header);
  file_header.e_phentsize = sizeof(Elf64_Phdr);
  file_header.e_phnum = static_cast<Elf64_Half>(segments.size() + 1);
  Elf64_Phdr note{};
  note.p_type = PT_NOTE;
  std::string bytes;
  append(bytes, file_header);
  append(bytes, note);
  for (const Segment& segment : segments) {
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_flags = PF_R | PF_W | PF_X;
    load.p_vaddr = segment.virtual_address;
    load.p_paddr = segment.physical_address;
    load.p_filesz = load.p_memsz = segment.size;
    append(bytes, load);
  }
  return bytes;
}

// The memory of the small machine, by pfn:
//   0x1    - 0x9e    low memory, kernel and free pages by turns
//   0x1000 - 0x17ff  RAM, with the kernel image at 0x1200 - 0x12ff (and its own segment), 0x1201 has the
//   names
//                    of uname(2) over its end
//   0x1800 - 0x1fff  no memory
//   0x2000 - 0x203f  RAM that begins and ends in the middle of a page
namespace {

constexpr std::size_t kUtsOffset = 0xf80;
constexpr Pfn kUtsPfn = 0x1201;

PageClass class_of(Pfn pfn) {
  if (pfn >= 0x1200 && pfn < 0x1300) return PageClass::kernel_image;
  if (pfn == 0x1400) return PageClass::hwpoison;
  if (pfn >= 0x1500 && pfn < 0x1540) return PageClass::region;
  switch (pfn / 8 % 8) {
    case 0:
      return PageClass::slab;
    case 1:
      return PageClass::free;
    case 2:
      return PageClass::user;
    case 3:
      return PageClass::kernel;
    case 4:
      return PageClass::cache;
    case 5:
      return PageClass::page_table;
    case 6:
      return PageClass::private_cache;
    default:
      return PageClass::struct_page;
  }
}

bool is_kept(PageClass page_class) {
  switch (page_class) {
    case PageClass::free:
    case PageClass::user:
    case PageClass::cache:
    case PageClass::private_cache:
    case PageClass::hwpoison:
    case PageClass::region:
      return false;
    default:
      return true;
  }
}

void write_names(SmallMachine& machine) {
  std::string names(6 * 65, '\0');
  const char* const fields[] = {"Linux",  "testhost", "6.1.0-99-amd64", "#1 SMP Debian 6.1",
                                "x86_64", "(none)"};
  for (std::size_t index = 0; index < std::size(fields); ++index) {
    std::strcpy(names.data() + index * 65, fields[index]);
  }
  for (std::size_t index = 0; index < names.size(); ++index) {
    const std::size_t at = kUtsOffset + index;
    machine.present.at(kUtsPfn + at / kPageSize)[at % kPageSize] = static_cast<std::byte>(names[index]);
  }
}

std::string vmcoreinfo_text() {
  return "OSRELEASE=6.1.0-99-amd64\n"
         "BUILD-ID=00112233445566778899aabbccddeeff00112233\n"
         "PAGESIZE=4096\n"
         "SYMBOL(init_uts_ns)=ffffffff81201f80\n"
         "OFFSET(uts_namespace.name)=0\n"
         "NUMBER(phys_base)=0\n"
         "SYMBOL(init_top_pgt)=ffffffff81210000\n"
         "SYMBOL(swapper_pg_dir)=ffffffff81210000\n"
         "SYMBOL(_stext)=ffffffff81200000\n"
         "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\n"
         "KERNELOFFSET=200000\n" +
         PrintkRingBuilder::vmcoreinfo() + "CRASHTIME=1700000000\n";
}

void add_ring(DumpBuilder& builder) {
  PrintkRingBuilder ring(5, 12);
  ring.add("Linux version 6.1.0-99-amd64", 0);
  ring.add("sysrq: Trigger a crash", 12'345'678'000);
  ring.add("Kernel panic - not syncing: sysrq triggered crash", 12'345'700'000);
  const PrintkMemory memory = ring.memory();
  builder.add_blob(dump_format::BlobKind::printk_ring, memory.ring);
  builder.add_blob(dump_format::BlobKind::printk_descs, memory.descs);
  builder.add_blob(dump_format::BlobKind::printk_infos, memory.infos);
  builder.add_blob(dump_format::BlobKind::printk_text, memory.text);
}

// Pages in frames of a few runs, as a capture would fill them.
void add_ranges(SmallMachine& machine, const std::vector<PfnRange>& ranges) {
  std::vector<Run> runs;
  std::vector<std::byte> data;
  const auto flush = [&] {
    if (!runs.empty()) machine.builder.add_pages(runs, data);
    runs.clear();
    data.clear();
  };
  for (const PfnRange& range : ranges) {
    for (Pfn pfn = range.first; pfn < range.end; ++pfn) {
      const auto page = machine.present.find(pfn);
      if (page == machine.present.end()) continue;
      const bool is_zero = page->second == Page{};
      const RunContent content = is_zero ? RunContent::zero : RunContent::data;
      const bool joins = !runs.empty() && runs.back().content == content &&
                         runs.back().first_pfn + runs.back().pfn_count == pfn;
      if (!joins && runs.size() == 10) flush();
      if (joins && !runs.empty()) {
        ++runs.back().pfn_count;
      } else {
        runs.push_back({pfn, 1, content});
      }
      if (!is_zero) data.insert(data.end(), page->second.begin(), page->second.end());
    }
  }
  flush();
}

}  // namespace

SmallMachine make_small_machine(Codec codec) {
  SmallMachine machine;
  machine.builder.codec = codec;
  const std::vector<PfnRange> ranges = {{0x1, 0x9f}, {0x1000, 0x1800}, {0x2000, 0x2040}};
  for (const PfnRange& range : ranges) {
    for (Pfn pfn = range.first; pfn < range.end; ++pfn) {
      if (!is_kept(class_of(pfn))) {
        machine.excluded.push_back(pfn);
      } else {
        machine.present[pfn] = pfn % 5 == 0 ? Page{} : page_content(pfn);
      }
    }
  }
  write_names(machine);

  const std::string vmcoreinfo = vmcoreinfo_text();
  const std::string registers(336, 'r');
  machine.notes = make_note("CORE", NT_PRSTATUS, registers) + make_note("CORE", NT_PRSTATUS, registers) +
                  make_note("VMCOREINFO", 0, vmcoreinfo);
  const Segment segments[] = {{0xffff'ffff'8120'0000, 0x120'0000, 0x10'0000},
                              {0xffff'8880'0000'1000, 0x1000, 0x9'e000},
                              {0xffff'8880'0100'0000, 0x100'0000, 0x80'0000},
                              {0xffff'8880'0200'0800, 0x200'0800, 0x3'f000}};
  DumpBuilder& builder = machine.builder;
  builder.add_blob(dump_format::BlobKind::capture_info, "boot_id=5a5a\ncapture_version=0.1.0\n");
  builder.add_blob(dump_format::BlobKind::elf_headers, make_elf_headers(segments));
  builder.add_blob(dump_format::BlobKind::elf_notes, machine.notes);
  builder.add_blob(dump_format::BlobKind::vmcoreinfo, vmcoreinfo);
  add_ring(builder);
  for (const PfnRange& range : ranges) {
    std::vector<std::uint8_t> classes;
    for (Pfn pfn = range.first; pfn < range.end; ++pfn) {
      const PageClass page_class = class_of(pfn);
      classes.push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(page_class) |
                                                  (is_kept(page_class) ? dump_format::kClassKept : 0)));
    }
    builder.add_class_map(range.first, classes);
  }
  add_ranges(machine, {{0x1200, 0x1300}});
  add_ranges(machine, {{0x1, 0x9f}, {0x1000, 0x1200}, {0x1300, 0x1800}, {0x2000, 0x2040}});
  builder.add_end();
  return machine;
}

}  // namespace warmdump::test
