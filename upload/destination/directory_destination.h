// The destination "dir:PATH": a local directory, a mounted share or stick. PATH must exist, so that a share
// that is not mounted is noticed.
//
// An object becomes the file PATH/<key>; missing directories are made, no symbolic link below PATH is
// followed. It is written to a hidden file beside it, made durable, and renamed; one that is there with the
// same bytes is left alone. The bytes are hashed on their way: what does not have the object's digest is not
// published. A failure removes the hidden file; one left by a killed process is replaced by the next upload
// of the same object. Directory mode 0700, file mode 0600.
//
// What network and stick file systems cannot do is not asked of them twice: a rename whose answer was lost is
// looked after, locks and a flush of a directory are left out where they do not exist.
//
// asked_for: the word in PATH/<dump key>/want.

#pragma once

#include "upload/destination/destination.h"

namespace warmdump {

Outcome<std::unique_ptr<Destination>> make_directory_destination(const std::string& address,
                                                                 const DestinationOptions& options);

}  // namespace warmdump
