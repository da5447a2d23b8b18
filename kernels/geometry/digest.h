#pragma once

#include <string>
#include <string_view>

namespace helix {

/// SHA-256 of some bytes, 64 hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace helix
