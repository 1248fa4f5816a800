#include "upload/receipt.h"

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
const std::string kTemporary = "." + kFile + ".new";
const std::string kBad = kFile + ".bad";

nlohmann::json to_json(const Receipt& receipt) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& file : receipt.files) {
    files.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  }
  return {{"destination", receipt.destination}, {"time", receipt.time}, {"files", std::move(files)}};
}

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

Outcome<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure::system("cannot write " + kFile, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Outcome<void> write_and_publish(int directory, int fd, std::string_view text) {
  TRY(write_all(fd, text));
  if (fsync(fd) != 0 || renameat(directory, kTemporary.c_str(), directory, kFile.c_str()) != 0) {
    return Failure::system("cannot write " + kFile, errno);
  }
  return {};
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
  if (!parsed) {
    if (renameat(directory, kFile.c_str(), directory, kBad.c_str()) != 0) {
      return Failure::system(kFile + " is damaged and cannot be set aside", errno);
    }
    return std::vector<Receipt>{};
  }
  if (parsed->newer_schema) {
    return Failure(ErrorCode::unsupported, kFile + " was written by a newer warmdump; use that one");
  }
  return std::move(parsed->receipts);
}

Outcome<void> store_receipts(int directory, const std::vector<Receipt>& receipts) {
  nlohmann::json uploads = nlohmann::json::array();
  for (const auto& receipt : receipts) uploads.push_back(to_json(receipt));
  const nlohmann::json json = {{"schema", kSchema}, {"uploads", std::move(uploads)}};
  // What is not UTF-8 must not become an exception after a successful upload.
  const std::string text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";

  unlinkat(directory, kTemporary.c_str(), 0);
  const UniqueFd fd(openat(directory, kTemporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return Failure::system("cannot create " + kFile, errno);
  const auto written = write_and_publish(directory, fd.get(), text);
  if (!written.has_value()) {
    unlinkat(directory, kTemporary.c_str(), 0);
    return written.error();
  }
  if (fsync(directory) != 0) return Failure::system("cannot make " + kFile + " durable", errno);
  return {};
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
