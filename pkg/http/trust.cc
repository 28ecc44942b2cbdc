#include "pkg/http/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace ottoscale::http {
namespace {

constexpr char kSystemBundle[] = "/etc/ssl/certs/ca-certificates.crt";

int Verify(X509_STORE_CTX* context, void* note) {
  const int good = X509_verify_cert(context);
  if (good == 1) return good;
  const int error = X509_STORE_CTX_get_error(context);
  static_cast<RefusalNote*>(note)->Set(error == X509_V_OK ? "it is not for this host"
                                                          : X509_verify_cert_error_string(error));
  return good;
}

}  // namespace

Trust::Trust(const std::string& ca_file) : store_(X509_STORE_new(), &X509_STORE_free) {
  const std::string file = ca_file.empty() ? kSystemBundle : ca_file;
  if (X509_STORE_load_file(store_.get(), file.c_str()) == 1) return;
  problem_ = absl::StrCat("no certificates could be read from ", file);
  ERR_clear_error();
}

void Trust::Apply(SSL_CTX* context) const {
  SSL_CTX_set1_cert_store(context, store_.get());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);  // OUT-9
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
