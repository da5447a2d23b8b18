#include "server/batching/client_weights.h"

#include "kernels/core/comma_list.h"

#include <charconv>
#include <string_view>

namespace helix::server {
namespace {

constexpr double kLeast = 0.001, kMost = 1000;

Status bad(std::string_view entry, const std::string& why) {
  return invalid_argument("queue.client_weights: \"" + std::string(entry) + "\" " + why);
}

// The last colon counts: a peer's name has others.
Status add(std::string_view entry, ClientWeights& weights) {
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string_view::npos) return bad(entry, "is not NAME:WEIGHT");
  const std::string name(trimmed(entry.substr(0, colon)));
  const std::string_view text = trimmed(entry.substr(colon + 1));
  double weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (name.empty() || error != std::errc{} || end != text.data() + text.size()) return bad(entry, "is not NAME:WEIGHT");
  if (!(weight >= kLeast && weight <= kMost)) return bad(entry, "has a weight not within 0.001 .. 1000");
  if (!weights.emplace(name, weight).second) return bad(entry, "names a client again");
  return {};
}

}  // namespace

Result<ClientWeights> parse_client_weights(const std::string& text) {
  ClientWeights weights;
  if (trimmed(text).empty()) return weights;
  for (const std::string_view entry : comma_list(text))
    if (Status status = add(entry, weights); !status.ok()) return status;
  return weights;
}

}  // namespace helix::server
