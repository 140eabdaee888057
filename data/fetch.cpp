#include "data/fetch.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/file.h"
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
  int64_t had = 0;  // bytes of an earlier attempt
};

int on_progress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  const Transfer& t = *static_cast<Transfer*>(user);
  if (t.progress) t.progress(t.file, t.had + now, total > 0 ? t.had + total : 0);
  return 0;
}

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
  set(CURLOPT_FOLLOWLOCATION, 1L);
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

void download(const std::string& url, const fs::path& file, const FetchProgress& progress) {
  const fs::path part = file.string() + ".part";
  Transfer transfer{progress, file.filename().string()};
  std::string why;
  CURLcode code = attempt(url, part, transfer, why);
  // A server that cannot continue, or has nothing left to send: once more from the start.
  if (transfer.had > 0 && (code == CURLE_RANGE_ERROR || code == CURLE_HTTP_RETURNED_ERROR ||
                           code == CURLE_BAD_DOWNLOAD_RESUME || code == CURLE_FILE_COULDNT_READ_FILE)) {
    fs::remove(part);
    code = attempt(url, part, transfer, why);
  }
  if (code != CURLE_OK && fs::file_size(part) == 0) fs::remove(part);
  TEMPER_CHECK(code == CURLE_OK, "fetch: ", url, " could not be downloaded: ", why,
               "; run the command again when there is a network (it goes on where it stopped)", by_hand(url, file));
  fs::rename(part, file);
}

#else

[[noreturn]] void download(const std::string& url, const fs::path& file, const FetchProgress&) {
  fail("fetch: this build has no libcurl; install libcurl4-openssl-dev and build again", by_hand(url, file));
}

#endif

bool has(const Published& set, const fs::path& to, const PublishedFile& file) {
  const fs::path plain = to / file.name;
  const fs::path found = fs::exists(plain) ? plain : fs::path(plain.string() + ".gz");
  if (!fs::exists(found)) return false;
  if (file.md5.empty()) return true;
  const std::vector<uint8_t> bytes = read_unpacked(found.string());
  const std::string got = md5(bytes.data(), bytes.size());
  TEMPER_CHECK(got == file.md5, found.string(), ": expected ", set.name, "'s file with MD5 ", file.md5, ", got ", got,
               "; remove it and fetch again");
  return true;
}

void check_download(const Download& from, const fs::path& file) {
  if (from.md5.empty()) return;
  const std::vector<char> bytes = read_file(file.string());
  const std::string got = md5(bytes.data(), bytes.size());
  if (got == from.md5) return;
  fs::remove(file);
  fail("fetch: ", from.url, ": expected MD5 ", from.md5, ", got ", bytes.size(), " bytes with MD5 ", got,
       "; they were removed: run the command again");
}

void unpack(const Published& set, const fs::path& archive, const fs::path& to) {
  const std::vector<uint8_t> tar = read_unpacked(archive.string());
  for (const TarFile& entry : list_tar(archive.string(), tar)) {
    const std::string name = fs::path(entry.name).filename().string();
    const bool wanted = std::any_of(set.files.begin(), set.files.end(), [&](auto& f) { return f.name == name; });
    if (!wanted) continue;
    const char* data = reinterpret_cast<const char*>(tar.data()) + entry.offset;
    write_file_atomically((to / name).string(), {{data, entry.size}});
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
    if (!fs::exists(file)) download(from.url, file, progress);
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
