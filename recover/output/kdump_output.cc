#include "recover/output/kdump_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "recover/output/bitmap_writer.h"
#include "recover/output/core_notes.h"
#include "recover/output/frame_workers.h"
#include "recover/output/kdump_format.h"
#include "recover/output/output_file.h"
#include "recover/output/page_compression.h"
#include "recover/output/page_placement.h"
#include "recover/report/kernel_identity.h"

namespace warmdump {
namespace {

using namespace kdump_format;  // the names of the format are told by their Kdump prefix

constexpr std::size_t kDescriptorBatch = 4096;

// Where everything lies, as file offsets; known before the first page is read.
struct KdumpLayout {
  KdumpLayout(ByteCount note_size, Pfn pfn_end, PageCount page_count)
      : sub_header_blocks(blocks(sizeof(KdumpSubHeader) + note_size)),
        bitmap_size(blocks((pfn_end + 7) / 8) * kBlockSize),
        bitmap1((1 + sub_header_blocks) * kBlockSize),
        bitmap2(bitmap1 + bitmap_size),
        descriptors(bitmap2 + bitmap_size),
        zero_page(descriptors + page_count * sizeof(KdumpPageDescriptor)),
        pages(zero_page + kBlockSize) {}

  static ByteCount blocks(ByteCount size) { return round_up(size, kBlockSize) / kBlockSize; }

  ByteCount sub_header_blocks;
  ByteCount bitmap_size;
  ByteCount bitmap1;
  ByteCount bitmap2;
  ByteCount descriptors;
  ByteCount zero_page;
  ByteCount pages;
};

KdumpPageDescriptor descriptor(ByteCount offset, std::size_t size, std::uint32_t flags) {
  KdumpPageDescriptor page{};
  page.offset = offset;
  page.size = static_cast<std::uint32_t>(size);
  page.flags = flags;
  return page;
}

void copy_name(char (&target)[kNameSize], std::string_view name) {
  name.copy(target, kNameSize - 1);
}

class KdumpWriter {
 public:
  KdumpWriter(const DumpReader& dump, const PageCompression& compression, const OutputOptions& options,
              const OutputFile& file)
      : dump_(dump),
        compression_(compression),
        options_(options),
        file_(file),
        notes_(make_core_notes(dump)),
        placement_(dump),
        layout_(notes_.bytes.size(), dump.pfn_end(), placement_.page_count()),
        next_page_(layout_.pages) {}

  Outcome<OutputReport> write(const ProgressFunction& progress) {
    TRY(file_.require_space(layout_.pages - layout_.descriptors));
    // Bitmaps first: their last window may reach over what follows, which is written later.
    TRY(write_bitmap(layout_.bitmap1, [&](BitmapWriter& bitmap) { return set_memory(bitmap); }));
    TRY(write_bitmap(layout_.bitmap2, [&](BitmapWriter& bitmap) { return set_pages(bitmap); }));
    TRY(write_headers());
    TRY(write_zero_pages());
    TRY(process_frames(
        dump_, placement_, options_.thread_count, [this] { return make_task(); }, progress));
    TRY(file_.set_size(next_page_));
    return OutputReport{placement_.page_count(), next_page_};
  }

 private:
  template <class Fill>
  Outcome<void> write_bitmap(ByteCount offset, Fill fill) {
    BitmapWriter bitmap(file_, offset);
    TRY(fill(bitmap));
    return bitmap.finish();
  }

  Outcome<void> set_memory(BitmapWriter& bitmap) const {
    for (const PfnRange& range : dump_.memory()) TRY(bitmap.set(range.first, range.end));
    return {};
  }

  Outcome<void> set_pages(BitmapWriter& bitmap) const {
    for (const PlacedRun& placed : placement_.runs()) {
      TRY(bitmap.set(placed.run.first_pfn, placed.run.pfn_end()));
    }
    return {};
  }

  Outcome<void> write_headers() {
    std::vector<std::byte> bytes((1 + layout_.sub_header_blocks) * kBlockSize);
    const KdumpHeader header = make_header(TRY(read_kernel_identity(dump_)));
    const KdumpSubHeader sub_header = make_sub_header();
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + kBlockSize, &sub_header, sizeof(sub_header));
    std::memcpy(bytes.data() + kBlockSize + sizeof(sub_header), notes_.bytes.data(), notes_.bytes.size());
    return file_.write_at(0, bytes);
  }

  KdumpHeader make_header(const KernelIdentity& kernel) const {
    KdumpHeader header{};
    std::memcpy(header.signature, kSignature, sizeof(kSignature));
    header.version = kVersion;
    const std::string* names[] = {&kernel.system_name, &kernel.node_name, &kernel.release,
                                  &kernel.version,     &kernel.machine,   &kernel.domain_name};
    for (std::size_t index = 0; index < std::size(names); ++index)
      copy_name(header.names[index], *names[index]);
    if (const auto time = dump_.vmcoreinfo().decimal("CRASHTIME")) header.crash_time_s = *time;
    header.status = compression_.flag | (options_.incomplete ? kStatusIncomplete : 0U);
    header.block_size = static_cast<std::uint32_t>(kBlockSize);
    header.sub_header_blocks = static_cast<std::uint32_t>(layout_.sub_header_blocks);
    header.bitmap_blocks = static_cast<std::uint32_t>(2 * layout_.bitmap_size / kBlockSize);
    header.max_mapnr = static_cast<std::uint32_t>(dump_.pfn_end());
    header.cpu_count = static_cast<std::uint32_t>(std::max<std::size_t>(1, notes_.cpu_count));
    return header;
  }

  KdumpSubHeader make_sub_header() const {
    const ByteCount note_offset = kBlockSize + sizeof(KdumpSubHeader);
    KdumpSubHeader sub_header{};
    sub_header.phys_base = static_cast<std::uint64_t>(dump_.vmcoreinfo().number("phys_base").value_or(0));
    if (dump_.header()) sub_header.dump_level = dump_.header()->dump_level;
    if (notes_.vmcoreinfo_offset) {
      sub_header.vmcoreinfo_offset = note_offset + *notes_.vmcoreinfo_offset;
      sub_header.vmcoreinfo_size = notes_.vmcoreinfo_size;
    }
    sub_header.note_offset = note_offset;
    sub_header.note_size = notes_.bytes.size();
    sub_header.end_pfn_64 = dump_.pfn_end();
    sub_header.max_mapnr_64 = dump_.pfn_end();
    return sub_header;
  }

  Outcome<void> write_descriptors(PageCount rank, std::span<const KdumpPageDescriptor> descriptors) const {
    return file_.write_at(layout_.descriptors + rank * sizeof(KdumpPageDescriptor),
                          std::as_bytes(descriptors));
  }

  Outcome<void> write_zero_pages() const {
    const std::vector<std::byte> zeros(kBlockSize);
    TRY(file_.write_at(layout_.zero_page, zeros));
    const std::vector<KdumpPageDescriptor> descriptors(kDescriptorBatch,
                                                       descriptor(layout_.zero_page, kBlockSize, 0));
    for (const PlacedRun& placed : placement_.runs()) {
      if (placed.run.content != dump_format::RunContent::zero) continue;
      for (PageCount done = 0; done < placed.run.pfn_count; done += kDescriptorBatch) {
        const PageCount count = std::min<PageCount>(kDescriptorBatch, placed.run.pfn_count - done);
        TRY(write_descriptors(placed.rank + done, std::span(descriptors).first(count)));
      }
    }
    return {};
  }

  // Compresses the pages of one frame into one piece of the file, wherever the next free place is.
  class FrameCompressor {
   public:
    explicit FrameCompressor(KdumpWriter& writer)
        : writer_(writer), compressor_(writer.compression_.make()) {}

    Outcome<void> compress(std::span<const PlacedRun> runs, std::span<const std::byte> data) {
      bytes_.clear();
      descriptors_.clear();
      for (const PlacedRun& placed : runs) {
        const auto run_data = data.subspan(placed.run.position * kPageSize, placed.run.pfn_count * kPageSize);
        for (ByteCount offset = 0; offset < run_data.size(); offset += kPageSize) {
          append(run_data.subspan(offset).first<kPageSize>());
        }
      }
      const ByteCount start = writer_.next_page_.fetch_add(bytes_.size());
      for (KdumpPageDescriptor& page : descriptors_) page.offset = page.offset + start;
      TRY(writer_.file_.write_at(start, bytes_));
      return write_descriptors(runs);
    }

   private:
    void append(std::span<const std::byte, kPageSize> page) {
      const std::size_t compressed = compressor_->compress(page, compressed_);
      const auto stored =
          compressed == 0 ? std::span<const std::byte>(page) : std::span(compressed_).first(compressed);
      descriptors_.push_back(
          descriptor(bytes_.size(), stored.size(), compressed == 0 ? 0 : writer_.compression_.flag));
      bytes_.insert(bytes_.end(), stored.begin(), stored.end());
    }

    Outcome<void> write_descriptors(std::span<const PlacedRun> runs) const {
      std::span<const KdumpPageDescriptor> rest = descriptors_;
      for (const PlacedRun& placed : runs) {
        TRY(writer_.write_descriptors(placed.rank, rest.first(placed.run.pfn_count)));
        rest = rest.subspan(placed.run.pfn_count);
      }
      return {};
    }

    KdumpWriter& writer_;
    std::unique_ptr<PageCompressor> compressor_;
    std::vector<std::byte> bytes_;
    std::vector<KdumpPageDescriptor> descriptors_;
    std::array<std::byte, kPageSize> compressed_;
  };

  FrameTask make_task() {
    return [frames = std::make_shared<FrameCompressor>(*this)](auto runs, auto data) {
      return frames->compress(runs, data);
    };
  }

  const DumpReader& dump_;
  const PageCompression& compression_;
  const OutputOptions& options_;
  const OutputFile& file_;
  CoreNotes notes_;
  PagePlacement placement_;
  KdumpLayout layout_;
  std::atomic<ByteCount> next_page_;
};

}  // namespace

Outcome<OutputReport> write_kdump(const DumpReader& dump, const std::filesystem::path& path,
                                  const OutputOptions& options, const ProgressFunction& progress) {
  const PageCompression* compression = find_page_compression(options.compression);
  if (compression == nullptr) {
    return Failure(ErrorCode::invalid,
                   fmt::format("kdump files have no compression \"{}\"", options.compression));
  }
  OutputFile file = TRY(OutputFile::create(path));
  const OutputReport report = TRY(KdumpWriter(dump, *compression, options, file).write(progress));
  TRY(file.commit());
  return report;
}

}  // namespace warmdump
