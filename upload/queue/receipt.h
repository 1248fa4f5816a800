// Upload receipts of older versions: upload-receipt.json in the dump directory, which says which destinations
// have this dump. Read, so that none gets it twice; written no more: see dump_record.h.

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

// Receipts of a dump directory, given by its descriptor; none when there is no file, or one that cannot be
// understood: a dump sent twice is better than one that is never sent. A file of a newer schema is
// `unsupported`.
Outcome<std::vector<Receipt>> load_receipts(int directory);

// The receipt for exactly these files at this destination, or nullptr. Pure; files in any order.
const Receipt* find_receipt(const std::vector<Receipt>& receipts, std::string_view destination,
                            const std::vector<ReceiptFile>& files);

}  // namespace warmdump
