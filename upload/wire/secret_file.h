// Secrets that the uploader needs, from files: credentials, passwords of proxies, private keys. Never from
// the command line or the environment, where others can read them.

#pragma once

#include <memory>
#include <string>

#include "common/hosted/failure.h"
#include "common/hosted/secret.h"
#include "common/units.h"

namespace warmdump {

// All of a file. `path` is one, or "credential:NAME" for what systemd was told to load
// (LoadCredential=NAME:...): NAME in the directory that $CREDENTIALS_DIRECTORY names.
//
// Refused: a symbolic link, what is no plain file, an owner other than this user or root, any right for group
// or others. Of a systemd credential the group bits are not looked at: they are the mask of the access list
// by which systemd lets the unit's user read root's file (systemd.exec(5)), and nobody else gets into that
// directory.
//
// `what` is how messages call it, such as "credentials file". Failures do not repeat what is in the file.
Outcome<std::unique_ptr<WipedText>> read_secret_file(const std::string& path, const std::string& what,
                                                     ByteCount size_max = 8 * kKiB);

}  // namespace warmdump
