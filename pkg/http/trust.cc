#include "pkg/http/trust.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ottoscale::http {
namespace {

constexpr char kSystemBundle[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr char kNoAuthority[] = "the certificate authority holds no PEM certificate";

int Verify(X509_STORE_CTX* context, void* note) {
  const int good = X509_verify_cert(context);
  if (good == 1) return good;
  const int error = X509_STORE_CTX_get_error(context);
  // The libraries' own check, of the name, says no without a reason.
  const bool name = error == X509_V_OK || error == X509_V_ERR_UNSPECIFIED;
  static_cast<RefusalNote*>(note)->Set(name ? "it is not for this host" : X509_verify_cert_error_string(error));
  return good;
}

// A key that is locked asks nobody for its password.
int NoPassword(char*, int, int, void*) { return -1; }

std::unique_ptr<BIO, int (*)(BIO*)> Reader(absl::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

// All certificates of a PEM text, in its order; what else it holds is skipped.
std::vector<std::shared_ptr<X509>> CertificatesOf(absl::string_view pem) {
  std::vector<std::shared_ptr<X509>> all;
  const auto text = Reader(pem);
  while (X509* one = PEM_read_bio_X509(text.get(), nullptr, &NoPassword, nullptr)) all.emplace_back(one, &X509_free);
  ERR_clear_error();
  return all;
}

std::shared_ptr<EVP_PKEY> KeyOf(absl::string_view pem) {
  EVP_PKEY* key = PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, &NoPassword, nullptr);
  ERR_clear_error();
  return {key, &EVP_PKEY_free};
}

struct Identity {
  std::vector<std::shared_ptr<X509>> chain;
  std::shared_ptr<EVP_PKEY> key;
};

absl::StatusOr<Identity> ReadIdentity(const TlsOptions& options) {
  Identity identity{CertificatesOf(options.certificate_pem), KeyOf(options.key_pem.Reveal())};
  if (identity.chain.empty()) return absl::InvalidArgumentError("the client certificate holds no PEM certificate");
  if (identity.key == nullptr) {
    return absl::InvalidArgumentError("the client key holds no PEM private key, or one that is locked by a password");
  }
  const bool fits = X509_check_private_key(identity.chain[0].get(), identity.key.get()) == 1;
  ERR_clear_error();
  if (fits) return identity;
  return absl::InvalidArgumentError("the client key does not belong to the client certificate");
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

Trust::Trust(const std::string& ca_file, const TlsOptions& options) : store_(X509_STORE_new(), &X509_STORE_free) {
  problem_ = LoadAuthorities(ca_file, options.ca_pem);
  if (options.certificate_pem.empty() && options.key_pem.empty()) return;
  absl::StatusOr<Identity> identity = ReadIdentity(options);
  if (identity.ok()) {
    chain_ = std::move(identity->chain);
    key_ = std::move(identity->key);
  } else if (problem_.empty()) {
    problem_ = std::string(identity.status().message());
  }
}

std::string Trust::LoadAuthorities(const std::string& ca_file, absl::string_view ca_pem) {
  if (ca_pem.empty()) {
    const std::string file = ca_file.empty() ? kSystemBundle : ca_file;
    if (X509_STORE_load_file(store_.get(), file.c_str()) == 1) return "";
    ERR_clear_error();
    return absl::StrCat("no certificates could be read from ", file);
  }
  const std::vector<std::shared_ptr<X509>> authorities = CertificatesOf(ca_pem);
  for (const auto& one : authorities) X509_STORE_add_cert(store_.get(), one.get());
  return authorities.empty() ? kNoAuthority : "";
}

void Trust::Apply(SSL_CTX* context) const {
  SSL_CTX_set1_cert_store(context, store_.get());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);  // OUT-9
  if (chain_.empty()) return;
  SSL_CTX_use_certificate(context, chain_[0].get());
  SSL_CTX_use_PrivateKey(context, key_.get());
  for (size_t i = 1; i < chain_.size(); ++i) SSL_CTX_add1_chain_cert(context, chain_[i].get());
}

absl::Status CheckTls(const TlsOptions& options) {
  if (!options.ca_pem.empty() && CertificatesOf(options.ca_pem).empty()) {
    return absl::InvalidArgumentError(kNoAuthority);
  }
  if (options.certificate_pem.empty() && options.key_pem.empty()) return absl::OkStatus();
  return ReadIdentity(options).status();
}

absl::StatusOr<CertificateDates> DatesOf(absl::string_view certificate_pem) {
  const std::vector<std::shared_ptr<X509>> all = CertificatesOf(certificate_pem);
  if (all.empty()) return absl::InvalidArgumentError("no PEM certificate");
  return CertificateDates{TimeOf(X509_get0_notBefore(all[0].get())), TimeOf(X509_get0_notAfter(all[0].get()))};
}

void RefusalNote::Watch(SSL_CTX* context) { SSL_CTX_set_cert_verify_callback(context, &Verify, this); }

void RefusalNote::Set(std::string why) {
  const std::lock_guard lock(mutex_);
  why_ = std::move(why);
}

std::string RefusalNote::Get() {
  const std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace ottoscale::http
