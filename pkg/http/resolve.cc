#include "pkg/http/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/http/body.h"

namespace ottoscale::http {
namespace {

bool IsAddress(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

absl::StatusOr<std::vector<std::string>> AskSystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* list) {
    if (list != nullptr) freeaddrinfo(list);
  });
  if (error != 0) {
    const bool local = error == EAI_MEMORY || error == EAI_SYSTEM;
    return MakeFailure({local ? Failure::kLocalLimit : Failure::kResolve, false}, gai_strerror(error));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    const int failed = getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    const bool known = std::find(addresses.begin(), addresses.end(), text.data()) != addresses.end();
    if (failed == 0 && !known) addresses.emplace_back(text.data());
  }
  return addresses;
}

}  // namespace

Resolver SystemResolver() { return AskSystem; }

async::Task<absl::StatusOr<std::vector<std::string>>> Resolve(async::BlockingPool& pool, Resolver resolver, std::string host) {
  if (IsAddress(host)) co_return std::vector<std::string>{host};
  async::Context& context = co_await async::CurrentContext();
  auto answer = pool.Run<std::vector<std::string>>(context.loop(), [resolver = std::move(resolver), host] { return resolver(host); });
  absl::StatusOr<std::vector<std::string>> addresses = co_await std::move(answer);
  if (!addresses.ok()) {
    if (context.cancelled()) co_return FailureOfContext(context.status(), false);
    const Failure kind = FailureOf(addresses.status()).kind == Failure::kLocalLimit ? Failure::kLocalLimit : Failure::kResolve;
    co_return MakeFailure({kind, false}, absl::StrCat("resolve ", host, ": ", addresses.status().message()));
  }
  if (addresses->empty()) co_return MakeFailure({Failure::kResolve, false}, absl::StrCat("resolve ", host, ": no address"));
  co_return addresses;
}

}  // namespace ottoscale::http
