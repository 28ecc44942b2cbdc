// Which certificate authorities the clients trust, who they say they are, and why a certificate was refused. OpenSSL
// stays out of the header.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/http/client.h"

struct ssl_ctx_st;     // SSL_CTX
struct x509_store_st;  // X509_STORE
struct x509_st;        // X509
struct evp_pkey_st;    // EVP_PKEY

namespace ottoscale::http {

// The authorities of the options, else of a PEM file (empty: the system's bundle), and no others.
class Trust {
 public:
  explicit Trust(const std::string& ca_file, const TlsOptions& options = {});

  // "" or what is wrong: then nobody is trusted, or our certificate is not shown.
  const std::string& problem() const { return problem_; }
  // TLS 1.2 or newer, only these authorities, our certificate. May be called from any thread.
  void Apply(ssl_ctx_st* context) const;

 private:
  std::string LoadAuthorities(const std::string& ca_file, absl::string_view ca_pem);

  std::shared_ptr<x509_store_st> store_;
  std::vector<std::shared_ptr<x509_st>> chain_;  // ours, the leaf first
  std::shared_ptr<evp_pkey_st> key_;
  std::string problem_;
};

struct CertificateDates {
  absl::Time from;
  absl::Time until;
};
// Of the first certificate of a PEM text.
absl::StatusOr<CertificateDates> DatesOf(absl::string_view certificate_pem);

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
