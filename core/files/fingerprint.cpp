#include "core/files/fingerprint.h"

#include <openssl/evp.h>

#include "core/files/file.h"
#include "kernels/runtime/check.h"

namespace temper {

struct Fingerprinter::Digest {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Digest() { EVP_MD_CTX_free(context); }
};

Fingerprinter::Fingerprinter() : digest_(std::make_unique<Digest>()) {
  TEMPER_CHECK(digest_->context && EVP_DigestInit_ex(digest_->context, EVP_sha256(), nullptr) == 1,
               "fingerprint: the system's OpenSSL refuses to compute SHA-256");
}
Fingerprinter::~Fingerprinter() = default;

Fingerprinter& Fingerprinter::add(const void* data, size_t bytes) {
  TEMPER_CHECK(EVP_DigestUpdate(digest_->context, data, bytes) == 1, "fingerprint: SHA-256 failed");
  return *this;
}

Fingerprinter& Fingerprinter::add(int64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(static_cast<uint64_t>(value) >> 8 * i);
  return add(bytes, sizeof bytes);
}

Fingerprinter& Fingerprinter::add(std::string_view text) {
  return add(static_cast<int64_t>(text.size())).add(text.data(), text.size());
}

std::string Fingerprinter::text() {
  constexpr size_t kBytes = 8;
  unsigned char digest[EVP_MAX_MD_SIZE];
  TEMPER_CHECK(EVP_DigestFinal_ex(digest_->context, digest, nullptr) == 1, "fingerprint: SHA-256 failed");
  std::string hex;
  for (size_t i = 0; i < kBytes; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::string fingerprint_of_file(const std::string& path) {
  const std::vector<char> bytes = read_file(path);
  return Fingerprinter().add(bytes.data(), bytes.size()).text();
}

}  // namespace temper
