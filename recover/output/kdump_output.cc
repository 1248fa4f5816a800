#include "recover/output/kdump_output.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "recover/output/bitmap_writer.h"
#include "recover/output/core_notes.h"
#include "recover/output/descriptor_writer.h"
#include "recover/output/frame_batches.h"
#include "recover/output/frame_workers.h"
#include "recover/output/kdump_format.h"
#include "recover/output/page_compression.h"
#include "recover/output/page_placement.h"
#include "recover/report/kernel_identity.h"

namespace warmdump {
namespace {

using namespace kdump_format;  // the names of the format are told by their Kdump prefix

// Frames that may wait for one before them, for each thread.
constexpr std::size_t kWaitingBatches = 3;

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

void copy_name(char (&target)[kNameSize], std::string_view name) {
  name.copy(target, kNameSize - 1);
}

class KdumpWriter {
 public:
  KdumpWriter(const DumpReader& dump, const PageCompression& compression, const OutputOptions& options,
              OutputTarget& target)
      : dump_(dump),
        compression_(compression),
        options_(options),
        target_(target),
        notes_(make_core_notes(dump)),
        placement_(dump),
        layout_(notes_.bytes.size(), dump.pfn_end(), placement_.page_count()),
        batches_(layout_.pages, kWaitingBatches * frame_thread_count(options.thread_count)) {}

  Outcome<OutputReport> write(const ProgressFunction& progress) {
    TRY(target_.require_space(layout_.pages - layout_.descriptors));
    TRY(write_headers());
    TRY(write_bitmap(layout_.bitmap1, [&](BitmapWriter& bitmap) { return set_memory(bitmap); }));
    TRY(write_bitmap(layout_.bitmap2, [&](BitmapWriter& bitmap) { return set_pages(bitmap); }));
    TRY(write_zero_page());
    TRY(process_frames(dump_, placement_, options_.thread_count,
                       {[this] { return make_task(); }, [this] { batches_.abandon(); }}, progress));
    return OutputReport{placement_.page_count(), batches_.end()};
  }

 private:
  template <class Fill>
  Outcome<void> write_bitmap(ByteCount offset, Fill fill) {
    BitmapWriter bitmap(target_, offset, layout_.bitmap_size);
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
    return target_.write_at(0, bytes);
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

  // All zero pages share it. Those before the first data page have no frame that would bring their
  // descriptors.
  Outcome<void> write_zero_page() {
    const std::vector<std::byte> zeros(kBlockSize);
    TRY(target_.write_at(layout_.zero_page, zeros));
    DescriptorWriter descriptors = descriptor_writer();
    TRY(add_zero_runs(placement_.zero_runs_at(0), descriptors));
    return descriptors.finish();
  }

  DescriptorWriter descriptor_writer() { return {target_, layout_.descriptors}; }

  Outcome<void> add_zero_runs(std::span<const PlacedRun> runs, DescriptorWriter& descriptors) const {
    const KdumpPageDescriptor zero_page = make_descriptor(layout_.zero_page, kBlockSize, 0);
    for (const PlacedRun& placed : runs) {
      for (PageCount index = 0; index < placed.run.pfn_count; ++index) {
        TRY(descriptors.add(placed.rank + index, zero_page));
      }
    }
    return {};
  }

  // A frame brings the descriptors of its own pages, and of the zero pages between them and the next.
  Outcome<void> write_batch(std::size_t frame, ByteCount offset, const FrameBatch& batch) {
    TRY(target_.write_at(offset, batch.bytes));
    DescriptorWriter descriptors = descriptor_writer();
    auto page = batch.descriptors.begin();
    for (const PlacedRun& placed : placement_.runs_of_frame(frame)) {
      for (PageCount index = 0; index < placed.run.pfn_count; ++index, ++page) {
        KdumpPageDescriptor in_file = *page;
        in_file.offset = in_file.offset + offset;
        TRY(descriptors.add(placed.rank + index, in_file));
      }
      TRY(add_zero_runs(placement_.zero_runs_at(placed.rank + placed.run.pfn_count), descriptors));
    }
    return descriptors.finish();
  }

  void append(std::span<const std::byte, kPageSize> page, PageCompressor& compressor,
              FrameBatch& batch) const {
    std::array<std::byte, kPageSize> buffer;
    const std::size_t compressed = compressor.compress(page, buffer);
    const auto stored = compressed == 0 ? std::span<const std::byte>(page)
                                        : std::span<const std::byte>(buffer).first(compressed);
    batch.descriptors.push_back(
        make_descriptor(batch.bytes.size(), stored.size(), compressed == 0 ? 0 : compression_.flag));
    batch.bytes.insert(batch.bytes.end(), stored.begin(), stored.end());
  }

  FrameTask make_task() {
    return [this, compressor = std::shared_ptr(compression_.make(options_.compression_level))](
               std::size_t frame, std::span<const PlacedRun> runs, std::span<const std::byte> data) {
      FrameBatch batch = batches_.take_spare();
      for (const PlacedRun& placed : runs) {
        const auto run_data = data.subspan(placed.run.position * kPageSize, placed.run.pfn_count * kPageSize);
        for (ByteCount offset = 0; offset < run_data.size(); offset += kPageSize)
          append(run_data.subspan(offset).first<kPageSize>(), *compressor, batch);
      }
      return batches_.put(frame, std::move(batch), [this](auto number, ByteCount offset, const auto& placed) {
        return write_batch(number, offset, placed);
      });
    };
  }

  const DumpReader& dump_;
  const PageCompression& compression_;
  const OutputOptions& options_;
  OutputTarget& target_;
  CoreNotes notes_;
  PagePlacement placement_;
  KdumpLayout layout_;
  FrameBatches batches_;
};

}  // namespace

Outcome<OutputReport> write_kdump(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                                  const ProgressFunction& progress) {
  const PageCompression* const compression =
      TRY(choose_page_compression(options.compression, options.compression_level));
  return KdumpWriter(dump, *compression, options, target).write(progress);
}

Outcome<OutputReport> write_kdump(const DumpReader& dump, const std::filesystem::path& path,
                                  const OutputOptions& options, const ProgressFunction& progress) {
  return write_output_file(*find_output_format("kdump"), dump, path, options, progress);
}

}  // namespace warmdump
