#include "data/published/fetch.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/files/file.h"
#if defined(TEMPER_HAVE_CURL)
#include <curl/curl.h>
#endif

namespace temper {

namespace fs = std::filesystem;

namespace {

std::string by_hand(const std::string& url, const fs::path& file) {
  return cat("; or get ", url, " elsewhere, put it at ", file.string(), " and run this again");
}

#if defined(TEMPER_HAVE_CURL)

struct Transfer {
  const FetchProgress& progress;
  std::string file;
  int64_t most;
  int64_t had = 0;  // bytes of an earlier attempt
  bool too_large = false;
};

int on_progress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  Transfer& t = *static_cast<Transfer*>(user);
  t.too_large = t.had + std::max(now, total) > t.most;
  if (t.progress) t.progress(t.file, t.had + now, total > 0 ? t.had + total : 0);
  return t.too_large ? 1 : 0;  // anything but 0 ends the transfer
}

#if LIBCURL_VERSION_NUM >= 0x075500
constexpr CURLoption kProtocols = CURLOPT_PROTOCOLS_STR, kRedirectProtocols = CURLOPT_REDIR_PROTOCOLS_STR;
constexpr const char *kFirst = "https,file", *kThen = "https";
#else
constexpr CURLoption kProtocols = CURLOPT_PROTOCOLS, kRedirectProtocols = CURLOPT_REDIR_PROTOCOLS;
constexpr long kFirst = CURLPROTO_HTTPS | CURLPROTO_FILE, kThen = CURLPROTO_HTTPS;
#endif

/// One attempt; continues `part` where it ends.
CURLcode attempt(const std::string& url, const fs::path& part, Transfer& transfer, std::string& why) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  TEMPER_CHECK(global == CURLE_OK, "fetch: libcurl does not start: ", curl_easy_strerror(global));
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(part.c_str(), "ab"), std::fclose);
  TEMPER_CHECK(curl && file, part.string(), ": cannot be written; choose another folder with --to");
  std::error_code ignored;
  transfer.had = static_cast<int64_t>(fs::file_size(part, ignored));
  char text[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_WRITEDATA, file.get());
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.had));
  set(kProtocols, kFirst);  // a file is a mirror on this machine
  set(kRedirectProtocols, kThen);
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_CONNECTTIMEOUT, 20L);
  set(CURLOPT_LOW_SPEED_LIMIT, 100L);  // bytes per second, for
  set(CURLOPT_LOW_SPEED_TIME, 60L);    // seconds: then the connection counts as dead
  set(CURLOPT_USERAGENT, "temper");
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(text));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  const CURLcode code = curl_easy_perform(curl.get());
  why = *text ? text : curl_easy_strerror(code);
  return std::fflush(file.get()) == 0 ? code : CURLE_WRITE_ERROR;
}

void download(const Download& from, const fs::path& file, const FetchProgress& progress) {
  const std::string& url = from.url;
  const fs::path part = file.string() + ".part";
  std::error_code none;
  if (const auto had = fs::file_size(part, none); !none && had > from.bytes) fs::remove(part);  // not a part of it
  Transfer transfer{progress, file.filename().string(), static_cast<int64_t>(from.bytes)};
  std::string why;
  CURLcode code = attempt(url, part, transfer, why);
  // A server that cannot continue, or has nothing left to send: once more from the start.
  if (transfer.had > 0 && (code == CURLE_RANGE_ERROR || code == CURLE_HTTP_RETURNED_ERROR ||
                           code == CURLE_BAD_DOWNLOAD_RESUME || code == CURLE_FILE_COULDNT_READ_FILE)) {
    fs::remove(part);
    code = attempt(url, part, transfer, why);
  }
  if (code != CURLE_OK && (transfer.too_large || fs::file_size(part) == 0)) fs::remove(part);
  TEMPER_CHECK(!transfer.too_large, "fetch: ", url, " is larger than ", from.bytes,
               " bytes, so it is not the published file; it was removed", by_hand(url, file));
  TEMPER_CHECK(code == CURLE_OK, "fetch: ", url, " could not be downloaded: ", why,
               "; run the command again when there is a network (it continues where it stopped)", by_hand(url, file));
  fs::rename(part, file);
}

#else

[[noreturn]] void download(const Download& from, const fs::path& file, const FetchProgress&) {
  fail("fetch: this build has no libcurl; install libcurl4-openssl-dev and build again", by_hand(from.url, file));
}

#endif

bool has(const Published& set, const fs::path& to, const PublishedFile& file) {
  const fs::path plain = to / file.name;
  const fs::path found = fs::exists(plain) ? plain : fs::path(plain.string() + ".gz");
  if (!fs::exists(found)) return false;
  if (file.sha256.empty()) return true;
  const std::vector<uint8_t> bytes = read_unpacked(found.string(), file.bytes);
  const std::string got = sha256(bytes.data(), bytes.size());
  TEMPER_CHECK(got == file.sha256, found.string(), ": expected ", set.name, "'s file with SHA-256 ", file.sha256,
               ", got ", got, "; remove it and fetch again");
  return true;
}

void check_download(const Download& from, const fs::path& file) {
  if (from.sha256.empty()) return;
  const std::vector<char> bytes = read_file(file.string());
  const std::string got = sha256(bytes.data(), bytes.size());
  if (got == from.sha256) return;
  fs::remove(file);
  fail("fetch: ", from.url, ": expected SHA-256 ", from.sha256, ", got ", bytes.size(), " bytes with SHA-256 ", got,
       "; they were removed: run the command again");
}

void unpack(const Published& set, const fs::path& archive, const fs::path& to) {
  constexpr uint64_t kBeside = uint64_t{16} << 20;  // readme files, and the archive's own blocks
  uint64_t most = kBeside;
  for (const PublishedFile& f : set.files) most += f.bytes;
  const std::vector<uint8_t> tar = read_unpacked(archive.string(), most);
  for (const TarFile& entry : list_tar(archive.string(), tar)) {
    const auto wanted = std::find_if(set.files.begin(), set.files.end(),
                                     [&](auto& f) { return entry.name == set.folder + "/" + f.name; });
    if (wanted == set.files.end()) continue;
    const char* data = reinterpret_cast<const char*>(tar.data()) + entry.offset;
    write_file_atomically((to / wanted->name).string(), {{data, entry.size}});
  }
  fs::remove(archive);
}

}  // namespace

bool can_fetch() {
#if defined(TEMPER_HAVE_CURL)
  return true;
#else
  return false;
#endif
}

std::vector<std::string> fetch(const Published& set, const std::string& to, const FetchProgress& progress) {
  TEMPER_CHECK(!set.downloads.empty(), "fetch: ", set.name, " comes with Temper; there is nothing to download");
  std::error_code error;
  fs::create_directories(to, error);
  TEMPER_CHECK(fs::is_directory(to), to, ": cannot be made: ", error.message(), "; choose another folder with --to");
  const bool complete = std::all_of(set.files.begin(), set.files.end(), [&](auto& f) { return has(set, to, f); });
  for (const Download& from : set.downloads) {
    if (complete) break;
    const fs::path file = fs::path(to) / fs::path(from.url).filename();
    if (!fs::exists(file)) download(from, file, progress);
    check_download(from, file);
    if (file.string().ends_with(".tar.gz")) unpack(set, file, to);
  }
  std::vector<std::string> files;
  for (const PublishedFile& file : set.files) {
    TEMPER_CHECK(has(set, to, file), "fetch: ", file.name, " was not in what was downloaded for ", set.name);
    const fs::path plain = fs::path(to) / file.name;
    files.push_back(fs::exists(plain) ? plain.string() : plain.string() + ".gz");
  }
  return files;
}

}  // namespace temper
