#include "upload/queue/receipt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr int kSchema = 1;
constexpr off_t kSizeMax = 1024 * 1024;
const std::string kFile(kReceiptName);

Receipt from_json(const nlohmann::json& json) {
  Receipt receipt{json.at("destination"), json.at("time"), {}};
  for (const auto& file : json.at("files")) {
    receipt.files.push_back({file.at("name"), file.at("size"), file.at("sha256")});
  }
  return receipt;
}

struct Parsed {
  bool newer_schema = false;
  std::vector<Receipt> receipts;
};

// Nothing when the text is not a list of receipts.
std::optional<Parsed> parse(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("schema").get<int>() > kSchema) return Parsed{true, {}};
    Parsed parsed;
    for (const auto& upload : json.at("uploads")) parsed.receipts.push_back(from_json(upload));
    return parsed;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::vector<ReceiptFile> sorted(std::vector<ReceiptFile> files) {
  std::sort(files.begin(), files.end(),
            [](const ReceiptFile& left, const ReceiptFile& right) { return left.name < right.name; });
  return files;
}

}  // namespace

Outcome<std::vector<Receipt>> load_receipts(int directory) {
  const UniqueFd fd(openat(directory, kFile.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::vector<Receipt>{};
    return Failure::system("cannot open " + kFile, errno);
  }
  std::optional<Parsed> parsed;
  struct stat status {};
  if (fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= kSizeMax) {
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t got = pread(fd.get(), text.data(), text.size(), 0);
    if (got < 0) return Failure::system("cannot read " + kFile, errno);
    text.resize(static_cast<std::size_t>(got));
    parsed = parse(text);
  }
  if (!parsed) return std::vector<Receipt>{};
  if (parsed->newer_schema) {
    return Failure(ErrorCode::unsupported, kFile + " was written by a newer warmdump; use that one");
  }
  return std::move(parsed->receipts);
}

const Receipt* find_receipt(const std::vector<Receipt>& receipts, std::string_view destination,
                            const std::vector<ReceiptFile>& files) {
  const auto wanted = sorted(files);
  for (const auto& receipt : receipts) {
    if (receipt.destination == destination && sorted(receipt.files) == wanted) return &receipt;
  }
  return nullptr;
}

}  // namespace warmdump
