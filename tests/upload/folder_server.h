// A resumable destination whose server is a folder: pieces that have arrived and objects stay when the
// process that sends them dies, and every request leaves a line in a log. Failures are asked for.

#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "upload/destination/destination.h"

namespace warmdump {

class FolderServer final : public Destination {
 public:
  enum class Request { open, send, finish };

  FolderServer(std::filesystem::path folder, ByteCount piece_size, std::string name = "folder:");

  std::string name() const override { return name_; }
  SendOutcome<Standing> open(const ObjectToSend& object, TransferSession& session) override;
  SendOutcome<SentPiece> send(const ObjectToSend& object, const TransferSession& session, const Piece& piece,
                              const BytesDone& done) override;
  SendOutcome<ObjectReceipt> finish(const ObjectToSend& object, const TransferSession& session) override;
  void abandon(const ObjectToSend& object, const TransferSession& session) override;
  SendOutcome<std::optional<Want>> asked_for(std::string_view dump_key) override;

  // Asked at each request; a failure is the server's answer. For `send` after half of the piece.
  std::function<std::optional<SendFailure>(Request, const std::string& key)> fault;
  std::optional<Want> want = {};
  ByteCount bytes_received = 0;  // by this process
  unsigned requests = 0;

  std::map<std::string, std::string> objects() const;  // by key
  std::vector<std::string> log(
      const std::string& request) const;  // "<key> <bytes>" of each "finish" or "send"
  std::size_t sessions() const;

 private:
  SendOutcome<void> answer(Request request, const std::string& key);
  void note(const std::string& line);

  std::filesystem::path folder_;
  ByteCount piece_size_;
  std::string name_;
};

}  // namespace warmdump
