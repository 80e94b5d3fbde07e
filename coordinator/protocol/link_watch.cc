#include "coordinator/protocol/link_watch.h"

#include <utility>

namespace gradmint {

void LinkWatch::on(LinkEvent event) {
  switch (event) {
    case LinkEvent::tcp_connected:
      break;  // says nothing about who is there
    case LinkEvent::tcp_failed:
      state_ = LinkState::unreachable;
      break;
    case LinkEvent::retrying:
      // A host name that does not resolve is only seen here.
      if (state_ == LinkState::connecting) state_ = LinkState::unreachable;
      break;
    case LinkEvent::handshake_succeeded:
      greeted_ = true;
      break;
    case LinkEvent::answered:
      if (!greeted_ || state_ == LinkState::connected) break;
      state_ = LinkState::connected;
      ++connections_;
      break;
    case LinkEvent::handshake_refused:
      state_ = LinkState::key_refused;
      break;
    case LinkEvent::handshake_failed:
      // A refusal is followed by this too, and is the better news.
      if (state_ != LinkState::key_refused) state_ = LinkState::handshake_broken;
      break;
    case LinkEvent::went_silent:
    case LinkEvent::disconnected:
      if (std::exchange(greeted_, false)) state_ = LinkState::lost;
      break;
  }
}

void LinkWatch::told_full(const std::string& detail) {
  state_ = LinkState::full;
  full_detail_ = detail;
  greeted_ = false;
}

std::string LinkWatch::diagnosis() const {
  const std::string who = "coordinator at " + endpoint_;
  switch (state_) {
    case LinkState::connecting:
      return who + " has not answered yet";
    case LinkState::connected:
      return {};
    case LinkState::unreachable:
      return who +
             " cannot be reached: is it running, is the address right, does a firewall stop it?";
    case LinkState::key_refused:
      return who + " refused this worker's key: register first with `gradmint worker join`";
    case LinkState::handshake_broken:
      return who +
             " broke off the handshake: it is not the coordinator this invitation names (its key "
             "differs), not a coordinator at all, or too busy";
    case LinkState::full:
      return who + " is full: " + full_detail_ + "; trying again";
    case LinkState::lost:
      return "the connection to " + who + " was lost; trying again";
  }
  return {};
}

}  // namespace gradmint
