// ObjectToSend: one file as a destination sees it: a key, bytes, their digest. And how far it has come.

#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "upload/source/byte_source.h"

namespace warmdump {

struct ObjectToSend {
  std::string key;  // relative to the destination; segments of [A-Za-z0-9._=-] joined by '/'
  const ByteSource* bytes = nullptr;  // borrowed; read from several threads at once
  ByteCount size = 0;
  std::string sha256;        // of all of it, 64 lower-case hexadecimal digits
  std::string content_type;  // such as "application/json"
  std::vector<std::pair<std::string, std::string>> metadata = {};  // names [a-z0-9-], values printable ASCII
};

// A part of an object that is sent in one request. Pieces follow each other without gaps.
struct Piece {
  unsigned number = 1;  // from 1
  ByteCount offset = 0;
  ByteCount size = 0;
  bool operator==(const Piece&) const = default;
};

struct SentPiece {
  Piece piece;
  std::string tag;  // how the server calls what it has, such as an ETag; may be empty
  bool operator==(const SentPiece&) const = default;
};

// What has to be remembered of an object on its way, so that another process can go on. Holds no secret. A
// cache: what has arrived is what the server says. Empty (`protocol`) before the first Destination::open.
struct TransferSession {
  std::string protocol;       // which destination began it: "s3", "tus", "put", "dir"
  std::string id;             // the server's name for it: an upload id, the path of a tus upload
  std::string token;          // our own random mark on it, to know it again
  ByteCount piece_size = 0;   // never changes within a session
  std::time_t expires = 0;    // when the server forgets it; 0 when it does not say
  bool is_finishing = false;  // finish() was begun: whether the server did it is not known
  std::vector<SentPiece> sent = {};
  bool operator==(const TransferSession&) const = default;
};

// How the server confirmed an object.
struct ObjectReceipt {
  std::string key;
  std::string tag;         // ETag or the like; may be empty
  std::string request_id;  // of the last request, for whoever runs the server; may be empty
  bool operator==(const ObjectReceipt&) const = default;
};

}  // namespace warmdump
