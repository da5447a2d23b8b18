#pragma once

namespace helix::server {

/// Tell the service manager (systemd, Type=notify) where we are: the one-datagram protocol of sd_notify(3) on the
/// socket named by NOTIFY_SOCKET. Nothing happens where there is none.
void notify_ready();
/// Settings are read again; notify_ready says when that is over.
void notify_reloading();
void notify_stopping();

}  // namespace helix::server
