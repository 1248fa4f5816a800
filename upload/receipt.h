// Upload receipts: which destinations have this dump, so that none gets it twice.
//
// Kept as upload-receipt.json in the dump directory, replaced atomically and durable before an upload counts
// as done. Holds no secrets: a destination appears by Destination::name().

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr std::string_view kReceiptName = "upload-receipt.json";

struct ReceiptFile {
  std::string name;
  ByteCount size = 0;
  std::string sha256;
  bool operator==(const ReceiptFile&) const = default;
};

struct Receipt {
  std::string destination;
  std::string time;  // UTC, "2026-01-31T23:59:59Z"
  std::vector<ReceiptFile> files;
  bool operator==(const Receipt&) const = default;
};

// Receipts of a dump directory, given by its descriptor; none when there is no file. A file that cannot be
// understood is renamed to upload-receipt.json.bad and counts as none: a dump sent twice is better than one
// that is never sent. A file of a newer schema is left alone and `unsupported`.
Outcome<std::vector<Receipt>> load_receipts(int directory);

// Replaces the stored list. On failure the old list is still in place.
Outcome<void> store_receipts(int directory, const std::vector<Receipt>& receipts);

// The receipt for exactly these files at this destination, or nullptr. Pure; files in any order.
const Receipt* find_receipt(const std::vector<Receipt>& receipts, std::string_view destination,
                            const std::vector<ReceiptFile>& files);

}  // namespace warmdump
