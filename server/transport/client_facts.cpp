#include "server/transport/client_facts.h"

#include <string_view>

namespace helix::server {
namespace {

constexpr std::size_t kLongestName = 128;

Result<std::string> client_name(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated() && !auth->GetPeerIdentity().empty()) {
    const grpc::string_ref name = auth->GetPeerIdentity().front();
    return std::string(name.data(), name.size());
  }
  std::optional<std::string> name = metadata(context, "helix-client");
  if (!name || name->empty()) return without_port(context.peer());
  if (name->size() > kLongestName)
    return invalid_argument("metadata helix-client has " + std::to_string(name->size()) + " characters, limit " +
                            std::to_string(kLongestName));
  return *std::move(name);
}

Result<int> priority_of(const std::string& text) {
  for (int priority = 0; priority < kPriorities; ++priority)
    if (text == kPriorityNames[priority] || text == std::to_string(priority)) return priority;
  return invalid_argument("metadata helix-priority is \"" + text.substr(0, 32) +
                          "\"; there is 0 (interactive), 1 (normal), 2 (bulk)");
}

}  // namespace

std::optional<std::string> metadata(const grpc::ServerContextBase& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

std::string without_port(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }

Result<RequestFacts> client_facts(const grpc::ServerContextBase& context) {
  RequestFacts facts;
  Result<std::string> name = client_name(context);
  if (!name.ok()) return name.status();
  facts.client = *std::move(name);
  if (const auto text = metadata(context, "helix-priority")) {
    const Result<int> priority = priority_of(*text);
    if (!priority.ok()) return priority.status();
    facts.priority = *priority;
  }
  return facts;
}

}  // namespace helix::server
