#pragma once

namespace helix::test {

/// Whether the tests run under the thread sanitizer, where what is only large takes a hundred times as long.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

/// Whether they run under the address sanitizer, where it takes ten times as long.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

}  // namespace helix::test
