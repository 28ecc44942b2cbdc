// The ways between the operator and the rest of a world, as far as they are not simulation::FaultyTransport: who
// answers for which app and account, who hangs, and whose events are lost.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "pkg/http/http.h"

namespace ottoscale::world {

// Sends /NAME/... to the app of that name. Heartbeats of an app that hangs get no answer.
class Internet final : public http::Handler {
 public:
  struct Observer {
    std::function<void(const std::string& app)> asked;
    std::function<void(const std::string& app, absl::Duration took, int status)> answered;
  };
  Internet(async::Loop& loop, Observer observer) : loop_(loop), observer_(std::move(observer)) {}
  void Add(const std::string& name, http::Handler& app) { apps_[name] = &app; }
  void SetHangs(const std::string& name, bool on) { on ? (void)hanging_.insert(name) : (void)hanging_.erase(name); }
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  async::Loop& loop_;
  Observer observer_;
  std::map<std::string, http::Handler*> apps_;
  std::set<std::string> hanging_;
};

// The cloud's front door: calls with a key that hangs get no answer.
class FrontDoor final : public http::Handler {
 public:
  explicit FrontDoor(http::Handler& inner) : inner_(inner) {}
  void SetHangs(const std::string& key, bool on) { on ? (void)hanging_.insert(key) : (void)hanging_.erase(key); }
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  http::Handler& inner_;
  std::set<std::string> hanging_;
};

// The way to the API server. While events are lost, what a watch would deliver vanishes; afterwards each watch that
// has lost something ends.
class EventGate final : public http::Transport {
 public:
  explicit EventGate(http::Transport& inner) : inner_(inner) {}
  void SetLoses(bool on) { loses_ = on; }
  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override;

 private:
  class Gated;
  http::Transport& inner_;
  bool loses_ = false;
};

}  // namespace ottoscale::world
