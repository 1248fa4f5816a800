// DescriptorWriter: writes page descriptors of a kdump file, those of neighbouring pages at once.

#pragma once

#include <vector>

#include "recover/output/kdump_format.h"
#include "recover/output/output_target.h"

namespace warmdump {

class DescriptorWriter {
 public:
  // The descriptor of the page with rank 0 lies at `file_offset`. `target` is borrowed.
  DescriptorWriter(OutputTarget& target, ByteCount file_offset)
      : target_(target), file_offset_(file_offset) {}

  Outcome<void> add(PageCount rank, const kdump_format::KdumpPageDescriptor& descriptor) {
    if (rank != rank_ + descriptors_.size() || descriptors_.size() == kDescriptorsMax) {
      TRY(finish());
      rank_ = rank;
    }
    descriptors_.push_back(descriptor);
    return {};
  }

  // Writes what is still in memory. Call once, at the end.
  Outcome<void> finish() {
    if (descriptors_.empty()) return {};
    TRY(target_.write_at(file_offset_ + rank_ * sizeof(kdump_format::KdumpPageDescriptor),
                         std::as_bytes(std::span(descriptors_))));
    descriptors_.clear();
    return {};
  }

 private:
  static constexpr std::size_t kDescriptorsMax = 4096;

  OutputTarget& target_;
  ByteCount file_offset_;
  PageCount rank_ = 0;  // of the first descriptor in memory
  std::vector<kdump_format::KdumpPageDescriptor> descriptors_;
};

}  // namespace warmdump
