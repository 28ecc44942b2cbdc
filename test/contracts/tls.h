// Certificates made on the spot and a TLS server that shows them, for OUT-9.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/contracts/wire.h"

namespace ottoscale::contracts {

struct Identity {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};

struct CertificateSpec {
  std::string names;      // "DNS:app.test,IP:127.0.0.1"; empty: an authority
  long from_now = -3600;  // seconds: valid from
  long until_now = 3600;  // and until
};

// Signed by `issuer`, or by itself.
inline Identity MakeIdentity(const CertificateSpec& spec, const Identity* issuer) {
  static long serial = 0;
  Identity made{std::shared_ptr<X509>(X509_new(), &X509_free),
                std::shared_ptr<EVP_PKEY>(EVP_EC_gen("P-256"), &EVP_PKEY_free)};
  X509* x = made.certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), spec.from_now);
  X509_gmtime_adj(X509_getm_notAfter(x), spec.until_now);
  X509_set_pubkey(x, made.key.get());
  const std::string common = spec.names.empty() ? "test authority" : "test leaf";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer->certificate.get() : x;
  X509_set_issuer_name(x, X509_get_subject_name(signer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, x, nullptr, nullptr, 0);
  const auto extend = [&](int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    CHECK(extension != nullptr, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, spec.names.empty() ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!spec.names.empty()) extend(NID_subject_alt_name, spec.names);
  extend(NID_subject_key_identifier, "hash");
  if (issuer != nullptr) extend(NID_authority_key_identifier, "keyid");
  X509_sign(x, (issuer != nullptr ? issuer->key : made.key).get(), EVP_sha256());
  return made;
}

inline long SerialOf(const Identity& identity) {
  return ASN1_INTEGER_get(X509_get_serialNumber(identity.certificate.get()));
}
inline std::string TextOf(const std::unique_ptr<BIO, int (*)(BIO*)>& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<size_t>(size)};
}
inline std::string PemOf(const Identity& identity) {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_X509(memory.get(), identity.certificate.get()) == 1, "PEM");
  return TextOf(memory);
}
inline std::string KeyPemOf(const Identity& identity) {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  CHECK(PEM_write_bio_PrivateKey(memory.get(), identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  return TextOf(memory);
}

inline void WritePem(const Identity& identity, const std::string& path) {
  const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "w"), &BIO_free);
  CHECK(file != nullptr && PEM_write_bio_X509(file.get(), identity.certificate.get()) == 1, path);
}

// Answers every request on every connection with "ok"; says what it saw.
class TlsServer {
 public:
  TlsServer(async::AsioLoop& loop, const Identity& identity, const std::string& address = "127.0.0.1")
      : loop_(loop),
        tls_(boost::asio::ssl::context::tls_server),
        acceptor_(loop.io(), tcp::endpoint(boost::asio::ip::make_address(address), 0)),
        scope_(loop) {
    SSL_CTX_use_certificate(tls_.native_handle(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(tls_.native_handle(), identity.key.get());
    scope_.Spawn(AcceptAll());
  }
  ~TlsServer() { RunReal(loop_, Stop()); }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  // Talks only to clients with a certificate that this authority signed.
  void RequireClient(const Identity& authority) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(tls_.native_handle()), authority.certificate.get());
    SSL_CTX_set_verify(tls_.native_handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_session_id_context(tls_.native_handle(), reinterpret_cast<const unsigned char*>("t"), 1);
  }
  // Speaks no protocol newer than this, and is willing to (OpenSSL must be asked to allow old ones).
  void LimitTo(int version) {
    SSL_CTX_set_security_level(tls_.native_handle(), 0);
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_.native_handle(), version);
  }

  size_t connections = 0;
  std::string received;            // of all connections
  std::vector<std::string> names;  // SNI of each handshake
  std::vector<long> clients;       // the serial number of the client certificate of each handshake; 0: none

 private:
  struct Session {
    Session(boost::asio::io_context& io, boost::asio::ssl::context& tls) : stream(io, tls) {}
    boost::asio::ssl::stream<tcp::socket> stream;
    std::string room = std::string(4096, '\0');
  };
  async::Task<void> Stop() {
    scope_.Cancel();
    co_await scope_.Join();
  }
  async::Task<void> AcceptAll() {
    while (true) {
      auto session = std::make_shared<Session>(loop_.io(), tls_);
      const auto done = co_await http::Io(loop_, session, [this, session](http::IoHandler handler) {
        acceptor_.async_accept(session->stream.next_layer(), std::move(handler));
      });
      if (!done.ok() || done->error) co_return;
      ++connections;
      scope_.Spawn(Serve(session));
    }
  }
  async::Task<void> Serve(std::shared_ptr<Session> session) {
    auto done = co_await http::Io(loop_, session, [session](http::IoHandler handler) {
      session->stream.async_handshake(boost::asio::ssl::stream_base::server, std::move(handler));
    });
    if (done.ok() && !done->error) {
      const char* name = SSL_get_servername(session->stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      names.emplace_back(name != nullptr ? name : "");
      const std::shared_ptr<X509> client(SSL_get1_peer_certificate(session->stream.native_handle()), &X509_free);
      clients.push_back(client != nullptr ? ASN1_INTEGER_get(X509_get_serialNumber(client.get())) : 0);
    }
    std::string request;
    while (done.ok() && !done->error) {
      done = co_await http::Io(loop_, session, [session](http::IoHandler handler) {
        session->stream.async_read_some(boost::asio::buffer(session->room), std::move(handler));
      });
      if (!done.ok() || done->error) break;
      request.append(session->room.data(), done->bytes);
      received.append(session->room.data(), done->bytes);
      if (!absl::EndsWith(request, "\r\n\r\n")) continue;
      request.clear();
      done = co_await http::WriteAll(loop_, session, session->stream,
                                     http::Pieces{.head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
    }
    boost::system::error_code ignored;
    session->stream.next_layer().close(ignored);
  }

  async::AsioLoop& loop_;
  boost::asio::ssl::context tls_;
  tcp::acceptor acceptor_;
  async::Scope scope_;
};

}  // namespace ottoscale::contracts
