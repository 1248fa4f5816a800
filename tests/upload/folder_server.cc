#include "tests/upload/folder_server.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_at_once(const fs::path& path, const std::string& text) {
  const fs::path hidden = path.string() + ".partial";
  std::ofstream(hidden, std::ios::binary) << text;
  fs::rename(hidden, path);
}

std::string flat(std::string key) {
  std::replace(key.begin(), key.end(), '/', '!');
  return key;
}

}  // namespace

FolderServer::FolderServer(fs::path folder, ByteCount piece_size, std::string name)
    : folder_(std::move(folder)), piece_size_(piece_size), name_(std::move(name)) {
  fs::create_directories(folder_ / "objects");
  fs::create_directories(folder_ / "sessions");
}

SendOutcome<void> FolderServer::answer(Request request, const std::string& key) {
  ++requests;
  if (!fault) return {};
  auto failure = fault(request, key);
  if (failure) return std::move(*failure);
  return {};
}

void FolderServer::note(const std::string& line) {
  std::ofstream(folder_ / "log", std::ios::app) << line << "\n";
}

SendOutcome<Destination::Standing> FolderServer::open(const ObjectToSend& object, TransferSession& session) {
  TRY(answer(Request::open, object.key));
  Standing standing;
  const fs::path there = folder_ / "objects" / flat(object.key);
  if (fs::exists(there) && *sha256_text(contents(there)) == object.sha256) {
    standing.complete = ObjectReceipt{object.key, "there", ""};
    return standing;
  }
  if (session.protocol != "folder") {
    session = {};
    session.protocol = "folder";
    session.id = std::to_string(std::random_device{}()) + "-" + flat(object.key);
    session.piece_size = piece_size_;
    fs::create_directories(folder_ / "sessions" / session.id);
  } else if (!fs::exists(folder_ / "sessions" / session.id)) {
    return SendFailure(Failure(ErrorCode::not_found, "no such session"), Remedy::begin_again);
  }
  session.sent.clear();
  unsigned number = 1;
  for (ByteCount offset = 0; offset < object.size || number == 1; offset += session.piece_size, ++number) {
    const Piece piece{number, offset, std::min(session.piece_size, object.size - offset)};
    if (fs::exists(folder_ / "sessions" / session.id / std::to_string(number))) {
      session.sent.push_back({piece, "tag"});
      standing.bytes_there += piece.size;
    } else {
      standing.missing.push_back(piece);
    }
  }
  return standing;
}

SendOutcome<SentPiece> FolderServer::send(const ObjectToSend& object, const TransferSession& session,
                                          const Piece& piece, const BytesDone& done) {
  std::string bytes(piece.size, '\0');
  const auto target = std::as_writable_bytes(std::span(bytes));
  for (ByteCount got = 0; got < piece.size;) {
    got += TRY(object.bytes->read(piece.offset + got, target.subspan(got)));
    bytes_received += got / 2;
    done(got / 2);
    TRY(answer(Request::send, object.key));
    bytes_received += got - got / 2;
    done(got);
  }
  write_at_once(folder_ / "sessions" / session.id / std::to_string(piece.number), bytes);
  note("send " + object.key + " " + std::to_string(piece.size));
  return SentPiece{piece, "tag"};
}

SendOutcome<ObjectReceipt> FolderServer::finish(const ObjectToSend& object, const TransferSession& session) {
  TRY(answer(Request::finish, object.key));
  std::string whole;
  for (const auto& sent : session.sent) whole += std::string(sent.piece.size, '?');
  for (const auto& sent : session.sent) {
    const auto bytes = contents(folder_ / "sessions" / session.id / std::to_string(sent.piece.number));
    std::copy(bytes.begin(), bytes.end(), whole.begin() + static_cast<std::ptrdiff_t>(sent.piece.offset));
  }
  if (*sha256_text(whole) != object.sha256) {
    return SendFailure(Failure(ErrorCode::corrupt, "pieces do not make the object"), Remedy::begin_again);
  }
  note("finish " + object.key + " " + std::to_string(whole.size()));
  write_at_once(folder_ / "objects" / flat(object.key), whole);
  fs::remove_all(folder_ / "sessions" / session.id);
  return ObjectReceipt{object.key, "tag", ""};
}

void FolderServer::abandon(const ObjectToSend&, const TransferSession& session) {
  if (!session.id.empty()) fs::remove_all(folder_ / "sessions" / session.id);
}

SendOutcome<std::optional<Destination::Want>> FolderServer::asked_for(std::string_view) {
  return want;
}

std::map<std::string, std::string> FolderServer::objects() const {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::directory_iterator(folder_ / "objects")) {
    std::string key = entry.path().filename();
    std::replace(key.begin(), key.end(), '!', '/');
    if (!key.ends_with(".partial")) found[key] = contents(entry.path());
  }
  return found;
}

std::vector<std::string> FolderServer::log(const std::string& request) const {
  std::vector<std::string> lines;
  std::ifstream file(folder_ / "log");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(request + " ")) lines.push_back(line.substr(request.size() + 1));
  }
  return lines;
}

std::size_t FolderServer::sessions() const {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_ / "sessions"), {}));
}

}  // namespace warmdump
