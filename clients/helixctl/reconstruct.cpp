#include "clients/helixctl/commands.h"
namespace helix::helixctl {
void add_reconstruct(CLI::App&, int&) {}
}  // namespace helix::helixctl
