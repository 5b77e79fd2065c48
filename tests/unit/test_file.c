/// Files: a result appears under its name when it is whole, or not at all.
#define _XOPEN_SOURCE 700
#include "io/file.h"
#include "io/host.h"
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static KrArena arena;
static char folder[64];

static int set_up(void **state) {
  (void)state;
  kr_arena_init(&arena, NULL);
  strcpy(folder, "/tmp/kairo-file-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  DIR *all = opendir(folder);
  for (struct dirent *entry; all && (entry = readdir(all));)
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
      remove(kr_file_join(&arena, folder, entry->d_name));
  if (all) closedir(all);
  rmdir(folder);
  kr_arena_deinit(&arena);
  return 0;
}

static uint32_t count_entries(void) {
  uint32_t n = 0;
  DIR *all = opendir(folder);
  while (readdir(all)) n++;
  closedir(all);
  return n - 2;
}

static char *in_folder(const char *name) { return kr_file_join(&arena, folder, name); }

static void expect_content(const char *path, const char *text) {
  const uint8_t *at;
  size_t n;
  const char *error;
  assert_int_equal(kr_file_read(path, &arena, &at, &n, &error), KR_OK);
  assert_int_equal(n, strlen(text));
  assert_string_equal((const char *)at, text);
}

static void the_name_appears_with_commit(void **state) {
  (void)state;
  KrWriter w;
  char *path = in_folder("a.txt");
  assert_int_equal(kr_writer_open(&w, path), KR_OK);
  assert_int_equal(kr_writer_put(&w, "hello", 5), KR_OK);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(kr_io_count_live(), 1);
  assert_int_equal(kr_writer_commit(&w), KR_OK);
  expect_content(path, "hello");
  assert_int_equal(kr_io_count_live(), 0);
  assert_int_equal(count_entries(), 1);
}

static void an_old_file_stays_until_commit_and_after_abort(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE], *path = in_folder("a.txt");
  KrWriter w;
  assert_int_equal(kr_file_write(path, "old", 3, error), KR_OK);
  assert_int_equal(kr_writer_open(&w, path), KR_OK);
  kr_writer_put(&w, "new", 3);
  expect_content(path, "old");
  kr_writer_abort(&w);
  kr_writer_abort(&w);
  expect_content(path, "old");
  assert_int_equal(count_entries(), 1);
  assert_int_equal(kr_file_write(path, "new", 3, error), KR_OK);
  expect_content(path, "new");
}

static void a_link_keeps_pointing_to_what_is_written(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE];
  struct stat about;
  assert_int_equal(kr_file_write(in_folder("real"), "1", 1, error), KR_OK);
  assert_int_equal(symlink("real", in_folder("link")), 0);
  assert_int_equal(kr_file_write(in_folder("link"), "2", 1, error), KR_OK);
  assert_int_equal(lstat(in_folder("link"), &about), 0);
  assert_true(S_ISLNK(about.st_mode));
  expect_content(in_folder("real"), "2");
}

static void patches_reach_buffered_and_written_bytes(void **state) {
  (void)state;
  KrWriter w;
  size_t n = 200000;
  char *text = calloc(1, n + 1);
  memset(text, 'x', n);
  assert_int_equal(kr_writer_open(&w, in_folder("a")), KR_OK);
  for (size_t i = 0; i < n; i += 1000) assert_int_equal(kr_writer_put(&w, text + i, 1000), KR_OK);
  assert_int_equal(kr_writer_patch(&w, 0, "AB", 2), KR_OK);
  assert_int_equal(kr_writer_patch(&w, n - 2, "YZ", 2), KR_OK);
  assert_int_equal(kr_writer_put(&w, "!", 1), KR_OK);
  assert_int_equal(kr_writer_commit(&w), KR_OK);
  const uint8_t *at;
  size_t got;
  const char *error;
  assert_int_equal(kr_file_read(in_folder("a"), &arena, &at, &got, &error), KR_OK);
  assert_int_equal(got, n + 1);
  memcpy(text, "AB", 2);
  memcpy(text + n - 2, "YZ", 2);
  assert_memory_equal(at, text, n);
  assert_int_equal(at[n], '!');
  free(text);
}

static void a_patch_outside_is_refused(void **state) {
  (void)state;
  KrWriter w;
  assert_int_equal(kr_writer_open(&w, in_folder("a")), KR_OK);
  kr_writer_put(&w, "abc", 3);
  assert_int_equal(kr_writer_patch(&w, 2, "xy", 2), KR_ERROR_IO);
  assert_int_equal(kr_writer_commit(&w), KR_ERROR_IO);
  assert_int_equal(count_entries(), 0);
}

// A disk with room for `left` bytes, taking at most `most` a call.
typedef struct Disk {
  int64_t left, most;
  int code;
  uint32_t n_interrupts;
} Disk;

static int64_t write_to_disk(void *user, int fd, const void *at, size_t n_bytes) {
  Disk *disk = user;
  if (disk->n_interrupts > 0) {
    disk->n_interrupts--;
    errno = EINTR;
    return -1;
  }
  int64_t n = (int64_t)n_bytes < disk->most ? (int64_t)n_bytes : disk->most;
  if (n > disk->left) n = disk->left;
  if (n == 0) {
    errno = disk->code;
    return disk->code ? -1 : 0;
  }
  disk->left -= n;
  return write(fd, at, (size_t)n);
}

static void short_writes_and_interrupts_are_continued(void **state) {
  (void)state;
  Disk disk = {INT64_MAX, 3, ENOSPC, 5};
  char error[KR_IO_MESSAGE];
  kr_io_set_write(write_to_disk, &disk);
  KrStatus status = kr_file_write(in_folder("a"), "0123456789", 10, error);
  kr_io_set_write(NULL, NULL);
  assert_int_equal(status, KR_OK);
  expect_content(in_folder("a"), "0123456789");
}

static void a_full_disk_leaves_nothing(void **state) {
  (void)state;
  static const int codes[] = {ENOSPC, EDQUOT, EIO, 0};
  static uint8_t block[100000];
  for (int64_t room = 0; room < 200000; room += 49999) {
    for (size_t c = 0; c < 4; c++) {
      Disk disk = {room, 1 << 20, codes[c], 0};
      KrWriter w;
      kr_io_set_write(write_to_disk, &disk);
      KrStatus status = kr_writer_open(&w, in_folder("a"));
      kr_writer_put(&w, block, sizeof block);
      kr_writer_put(&w, block, sizeof block);
      status = kr_writer_commit(&w);
      kr_io_set_write(NULL, NULL);
      assert_int_equal(status, KR_ERROR_IO);
      assert_non_null(strstr(w.error, "cannot write"));
      assert_non_null(strstr(w.error, strerror(codes[c] ? codes[c] : ENOSPC)));
      assert_int_equal(count_entries(), 0);
      assert_int_equal(kr_io_count_live(), 0);
    }
  }
}

static void the_full_device_is_written_directly_and_says_so(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE] = "";
  if (access("/dev/full", W_OK) != 0) skip();
  assert_int_equal(kr_file_write("/dev/full", "x", 1, error), KR_ERROR_IO);
  assert_non_null(strstr(error, "No space left"));
  assert_int_equal(access("/dev/full", F_OK), 0);
  assert_int_equal(kr_file_write("/dev/null", "x", 1, error), KR_OK);
}

static void impossible_paths_are_refused_with_their_name(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE];
  assert_int_equal(kr_file_write(in_folder("f"), "x", 1, error), KR_OK);
  assert_int_equal(kr_file_write(in_folder("f/g/h"), "x", 1, error), KR_ERROR_IO);
  assert_non_null(strstr(error, "/f"));
  assert_int_equal(kr_file_write(folder, "x", 1, error), KR_ERROR_IO);
  assert_non_null(strstr(error, "directory"));
  assert_int_equal(kr_file_write("", "x", 1, error), KR_ERROR_IO);
  char *name = malloc(301);
  memset(name, 'n', 300);
  name[300] = 0;
  assert_int_equal(kr_file_write(in_folder(name), "x", 1, error), KR_ERROR_IO);
  free(name);
  assert_int_equal(count_entries(), 1);
}

static void folders_are_made_as_needed(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE];
  assert_int_equal(kr_file_write(in_folder("x/y//z.txt"), "1", 1, error), KR_OK);
  expect_content(in_folder("x/y/z.txt"), "1");
  assert_int_equal(kr_file_make_folder(in_folder("x/y"), error), KR_OK);
  assert_int_equal(kr_file_make_folder(in_folder("x/y/z.txt"), error), KR_ERROR_IO);
  unlink(in_folder("x/y/z.txt"));
  rmdir(in_folder("x/y"));
  rmdir(in_folder("x"));
}

static void on_interrupt(int number) {
  kr_io_cancel();
  _exit(100 + number);
}

static void an_interrupted_process_leaves_nothing(void **state) {
  (void)state;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    static KrWriter writers[20];
    signal(SIGINT, on_interrupt);
    for (int i = 0; i < 20; i++) {
      char name[16];
      snprintf(name, sizeof name, "f%d", i);
      if (kr_writer_open(&writers[i], in_folder(name)) != KR_OK) _exit(1);
      kr_writer_put(&writers[i], "x", 1);
    }
    if (count_entries() != 20) _exit(2);
    kr_writer_commit(&writers[3]);
    kr_writer_abort(&writers[4]);
    raise(SIGINT);
    _exit(3);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 100 + SIGINT);
  assert_int_equal(count_entries(), 1);
  expect_content(in_folder("f3"), "x");
}

static void reading_says_what_is_wrong(void **state) {
  (void)state;
  const uint8_t *at;
  size_t n;
  const char *error = NULL;
  assert_int_equal(kr_file_read(in_folder("none"), &arena, &at, &n, &error), KR_ERROR_NOT_FOUND);
  assert_non_null(strstr(error, "/none: No such file"));
  assert_int_equal(kr_file_read(folder, &arena, &at, &n, &error), KR_ERROR_IO);
  assert_non_null(strstr(error, "directory"));
}

static void a_pipe_of_unknown_length_is_read_whole(void **state) {
  (void)state;
  const char *path = in_folder("pipe");
  assert_int_equal(mkfifo(path, 0600), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    static char piece[10000];
    FILE *out = fopen(path, "wb");
    for (int i = 0; i < 50; i++) fwrite(piece, 1, sizeof piece, out);
    fclose(out);
    _exit(0);
  }
  const uint8_t *at;
  size_t n;
  const char *error;
  KrStatus status = kr_file_read(path, &arena, &at, &n, &error);
  waitpid(child, NULL, 0);
  assert_int_equal(status, KR_OK);
  assert_int_equal(n, 500000);
}

static void the_digest_of_a_file_is_its_sha256(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE], text[65];
  const char *message;
  KrDigest digest;
  assert_int_equal(kr_file_write(in_folder("abc"), "abc", 3, error), KR_OK);
  assert_int_equal(kr_file_digest(in_folder("abc"), &arena, &digest, &message), KR_OK);
  kr_digest_text(&digest, text);
  // FIPS 180-4 example
  assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_int_equal(kr_file_digest(in_folder("no"), &arena, &digest, &message), KR_ERROR_NOT_FOUND);
}

static void the_host_reads_beside_the_program(void **state) {
  (void)state;
  char error[KR_IO_MESSAGE];
  KrIoHost io = {folder};
  KrAssetHost host = kr_io_host(&io);
  const uint8_t *at;
  size_t n;
  const char *message;
  assert_int_equal(kr_file_write(in_folder("a"), "abc", 3, error), KR_OK);
  assert_int_equal(host.read_bytes(host.user, "a", &arena, &at, &n, &message), KR_OK);
  assert_int_equal(n, 3);
  assert_int_equal(host.read_bytes(host.user, in_folder("a"), &arena, &at, &n, &message), KR_OK);
  assert_int_equal(host.read_bytes(host.user, "b", &arena, &at, &n, &message), KR_ERROR_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_name_appears_with_commit),
      TEST(an_old_file_stays_until_commit_and_after_abort),
      TEST(a_link_keeps_pointing_to_what_is_written),
      TEST(patches_reach_buffered_and_written_bytes),
      TEST(a_patch_outside_is_refused),
      TEST(short_writes_and_interrupts_are_continued),
      TEST(a_full_disk_leaves_nothing),
      TEST(the_full_device_is_written_directly_and_says_so),
      TEST(impossible_paths_are_refused_with_their_name),
      TEST(folders_are_made_as_needed),
      TEST(an_interrupted_process_leaves_nothing),
      TEST(reading_says_what_is_wrong),
      TEST(a_pipe_of_unknown_length_is_read_whole),
      TEST(the_digest_of_a_file_is_its_sha256),
      TEST(the_host_reads_beside_the_program),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
