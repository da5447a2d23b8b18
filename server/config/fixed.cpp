#include "server/config/fixed.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace helix::server {
namespace {

/// Settings, or whole tables, of what is made once: addresses and the server behind them.
constexpr std::array kFixed = {std::string_view("server.listen"),
                               std::string_view("server.port_file"),
                               std::string_view("server.share_port"),
                               std::string_view("limits.max_message_bytes"),
                               std::string_view("limits.send_ahead_bytes"),
                               std::string_view("stream"),
                               std::string_view("admin"),
                               std::string_view("http"),
                               std::string_view("trace")};

bool is_fixed(const std::string& table, const std::string& name) {
  return std::any_of(kFixed.begin(), kFixed.end(),
                     [&](std::string_view fixed) { return fixed == table || fixed == name; });
}

}  // namespace

std::vector<std::string> keep_fixed(const Options& running, Options& next) {
  Options old = running;  // fields refer to what they can change
  std::vector<FieldGroup> before = groups_of(old), after = groups_of(next);
  std::vector<std::string> kept;
  for (std::size_t g = 0; g < after.size(); ++g)
    for (std::size_t f = 0; f < after[g].fields.size(); ++f) {
      Field& field = after[g].fields[f];
      const std::string name = after[g].name + "." + field.name;
      const std::string value = describe(before[g].fields[f]).value;
      if (!is_fixed(after[g].name, name) || describe(field).value == value) continue;
      if (set_from_text(field, value).ok()) kept.push_back(name);
    }
  return kept;
}

}  // namespace helix::server
