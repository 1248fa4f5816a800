// `warmdump recover --direct`: the dump is sent straight out of its region, with the small files that tell
// what it is.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "recover/dump/dump_authenticity.h"
#include "recover/dump_forwarder.h"
#include "upload/destination/destination.h"

namespace warmdump {

// Where the small files lie meanwhile: in memory, since a machine that sends directly may have no disk.
inline constexpr const char* kDirectSpool = "/run/warmdump/direct";

// Sends an image of the dump (recover/output/dump_image.h) as dump.warmdump.
class DirectUpload final : public DumpForwarder {
 public:
  // `secrets`: by which the frames of the dump are told from others.
  // `device`: what this machine is called at the destination.
  DirectUpload(std::unique_ptr<Destination> destination, std::string device, std::vector<SealSecret> secrets)
      : destination_(std::move(destination)), device_(std::move(device)), secrets_(std::move(secrets)) {}

  Outcome<void> forward(const Device& region, const std::filesystem::path& directory) override;
  std::string name() const override { return destination_->name(); }

  // What failed last may succeed later.
  bool is_worth_another_try() const { return is_worth_another_try_; }

 private:
  std::unique_ptr<Destination> destination_;
  std::string device_;
  std::vector<SealSecret> secrets_;
  bool is_worth_another_try_ = false;
};

// Errors: those of make_destination.
Outcome<std::unique_ptr<DirectUpload>> make_direct_upload(const std::string& address,
                                                          const DestinationOptions& options,
                                                          std::string device,
                                                          std::vector<SealSecret> secrets);

}  // namespace warmdump
