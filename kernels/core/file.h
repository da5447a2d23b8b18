#pragma once

#include "kernels/core/status.h"

#include <string>
#include <string_view>

namespace helix {

/// Bytes of a file; a gzip-compressed one is unpacked whatever its name.
/// errors: not_found (no such file), invalid_argument (not readable, cut-off gzip stream, more than 1 GiB unpacked)
Result<std::string> read_file(const std::string& path);

/// `path`, or `path`.gz where only that exists.
/// errors: not_found, which names `path`
Result<std::string> find_file(const std::string& path);

/// Replaces a file in one step: writes a temporary one beside it, then renames. Readers see the old or the new text.
/// errors: invalid_argument (folder missing, not writable), resource_exhausted (disk full)
Status write_file(const std::string& path, std::string_view text);

}  // namespace helix
