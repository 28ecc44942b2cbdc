// Which certificate authorities the clients trust, and why a certificate was refused. OpenSSL stays out of the header.
#pragma once

#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;     // SSL_CTX
struct x509_store_st;  // X509_STORE

namespace ottoscale::http {

// The authorities of a PEM file (empty: the system's bundle) and no others.
class Trust {
 public:
  explicit Trust(const std::string& ca_file);

  // "" or why nobody is trusted: the file could not be read.
  const std::string& problem() const { return problem_; }
  // TLS 1.2 or newer, and only these authorities. May be called from any thread.
  void Apply(ssl_ctx_st* context) const;

 private:
  std::shared_ptr<x509_store_st> store_;
  std::string problem_;
};

// Keeps the reason of the last certificate that was refused. Any thread.
class RefusalNote {
 public:
  // Notes refusals of `context`, which must not outlive the note.
  void Watch(ssl_ctx_st* context);
  void Set(std::string why);
  std::string Get();

 private:
  std::mutex mutex_;
  std::string why_;
};

}  // namespace ottoscale::http
