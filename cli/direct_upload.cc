#include "cli/direct_upload.h"

#include <algorithm>
#include <span>

#include "cli/upload_progress.h"
#include "recover/dump/aligned_reads.h"
#include "recover/output/dump_image.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

class ImageBytes final : public ByteSource {
 public:
  explicit ImageBytes(const DumpImage& image) : image_(image) {}

  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override {
    if (offset >= image_.size()) return std::size_t{0};
    const auto part = target.first(std::min<ByteCount>(target.size(), image_.size() - offset));
    TRY(in_context("cannot read the dump", image_.read_at(offset, part)));
    return part.size();
  }

 private:
  const DumpImage& image_;
};

}  // namespace

Outcome<void> DirectUpload::forward(const Device& region, const std::filesystem::path& directory) {
  const AlignedReads reads(region);
  const DumpImage image = TRY(DumpImage::open(reads, secrets_));
  const ImageBytes bytes(image);
  UploadOptions options;
  options.device = device_;
  options.streamed = {{std::string(kImageName), image.size(), &bytes}};
  ShownUploadProgress progress;
  auto sent = upload_dump(directory.string(), *destination_, options, progress, system_clock());
  if (sent.has_value()) return {};
  is_worth_another_try_ = is_temporary(sent.error());
  return std::move(sent.error().failure).in("cannot send the dump to " + destination_->name());
}

Outcome<std::unique_ptr<DirectUpload>> make_direct_upload(const std::string& address,
                                                          const DestinationOptions& options,
                                                          std::string device,
                                                          std::vector<SealSecret> secrets) {
  auto destination = TRY(in_context("--direct", make_destination(address, options)));
  return std::make_unique<DirectUpload>(std::move(destination), std::move(device), std::move(secrets));
}

}  // namespace warmdump
