#include "pkg/http/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/http/body.h"

namespace ottoscale::http {
namespace {

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
    const int failed =
        getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    const bool known = std::find(addresses.begin(), addresses.end(), text.data()) != addresses.end();
    if (failed == 0 && !known) addresses.emplace_back(text.data());
  }
  return addresses;
}

absl::StatusOr<std::vector<std::string>> Checked(const std::string& host,
                                                 absl::StatusOr<std::vector<std::string>> addresses) {
  if (addresses.ok() && !addresses->empty()) return addresses;
  const std::string why = addresses.ok() ? "no address" : std::string(addresses.status().message());
  const bool local = !addresses.ok() && FailureOf(addresses.status()).kind == Failure::kLocalLimit;
  return MakeFailure({local ? Failure::kLocalLimit : Failure::kResolve, false},
                     absl::StrCat("resolve ", host, ": ", why));
}

}  // namespace

bool IsAddress(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

Resolver SystemResolver() { return AskSystem; }

// Who waits for which name. The loop's; outlived by questions whose resolver hangs.
struct NameResolver::Waiting {
  std::map<std::string, std::vector<async::Promise<std::vector<std::string>>>> names;

  void Deliver(const std::string& host, const Answer& answer) {
    const auto node = names.extract(host);
    if (node.empty()) return;
    for (const async::Promise<std::vector<std::string>>& promise : node.mapped()) promise.Set(answer);
  }
};

// One call on a thread. It delivers in any case, also when the pool drops it.
class NameResolver::Question {
 public:
  Question(async::Loop& loop, const std::shared_ptr<Waiting>& waiting, std::string host, Resolver resolver)
      : mailbox_(loop.mailbox()), waiting_(waiting), host_(std::move(host)), resolver_(std::move(resolver)) {}
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() {
    mailbox_->Post([waiting = waiting_, host = std::move(host_), answer = std::move(answer_)] {
      if (const std::shared_ptr<Waiting> still = waiting.lock()) still->Deliver(host, answer);
    });
  }
  void Ask() { answer_ = Checked(host_, resolver_(host_)); }

 private:
  std::shared_ptr<async::Mailbox> mailbox_;
  std::weak_ptr<Waiting> waiting_;
  std::string host_;
  Resolver resolver_;
  Answer answer_ = MakeFailure({Failure::kLocalLimit, false}, "resolve: no thread for it");
};

NameResolver::NameResolver(async::Loop& loop, async::BlockingPool& pool, Resolver resolver)
    : loop_(loop),
      pool_(pool),
      resolver_(resolver != nullptr ? std::move(resolver) : SystemResolver()),
      waiting_(std::make_shared<Waiting>()) {}

async::Task<absl::StatusOr<std::vector<std::string>>> NameResolver::Resolve(std::string host) {
  if (IsAddress(host)) co_return std::vector<std::string>{host};
  const async::Context& context = co_await async::CurrentContext();
  async::Promise<std::vector<std::string>> promise(loop_);
  async::Future<std::vector<std::string>> future = promise.GetFuture();
  auto& waiting = waiting_->names[host];
  waiting.push_back(std::move(promise));
  if (waiting.size() == 1) {
    auto question = std::make_unique<Question>(loop_, waiting_, host, resolver_);
    pool_.Submit([question = std::move(question)] { question->Ask(); });
  }
  Answer answer = co_await std::move(future);
  if (!answer.ok() && context.cancelled()) co_return FailureOfContext(context.status(), false);
  co_return answer;
}

}  // namespace ottoscale::http
