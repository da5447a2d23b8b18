#pragma once

#include <string_view>

namespace helix::server {

/// Whether this is a `traceparent` of W3C Trace Context: "00-" trace id "-" parent id "-" flags, in lower-case
/// hexadecimal, neither id all zeros; later versions may bring more behind another '-'.
bool is_traceparent(std::string_view text);

}  // namespace helix::server
