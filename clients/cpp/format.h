#pragma once

#include <string>

namespace helix {

/// As printf has it, whatever the length.
[[gnu::format(printf, 1, 2)]] std::string format(const char* format, ...);

}  // namespace helix
