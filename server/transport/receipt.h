#pragma once

#include "server/batching/request.h"

#include <string>

namespace helix::server {

/// Trailing metadata of an answer: where its time went, for those who do not look into the message. ASCII, key=value
/// separated by ';', times in whole microseconds:
///   queue batch batch_events batch_hits copy_in compute stage.NAME... copy_out lane backend device
inline constexpr const char* kReceiptKey = "helix-receipt";
std::string receipt(const Answer& answer);

}  // namespace helix::server
