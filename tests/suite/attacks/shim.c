/* Attacks the file operations of a process from inside, by LD_PRELOAD. Only files below one folder count.
 *
 * ATTACK_FOLDER   the folder, without symbolic links
 * ATTACK_COUNTS   file that gets the number of calls of each class when the process exits
 *
 * One call fails, or all from that one on:
 * ATTACK_CLASS    class of the call: a name of `class_names`
 * ATTACK_AT       its number among the calls of the class, from 1
 * ATTACK_ERRNO    what it fails with; 0: it transfers half of its bytes, and succeeds
 * ATTACK_ALWAYS   if set, every later call of the class fails too
 * ATTACK_NOTES    file that gets a line for each call that failed
 *
 * A power cut:
 * ATTACK_JOURNAL  file that gets a record of every change, in the order in which they were made
 * ATTACK_CUT_AT   number of the change, from 1, before which the process is killed
 *
 * Calls that a program makes without the C library are not seen: rustix makes its own, so the renames of the crate tempfile
 * are missing. power_cut.rs finds them by comparing the folder with the journal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum class { OPEN, READ, WRITE, SYNC, TRUNCATE, NAME, LOCK, STAT, MAP, CLASSES };
static const char *const class_names[CLASSES] = {
    "open", "read", "write", "sync", "truncate", "name", "lock", "stat", "map",
};

static char folder[PATH_MAX];
static size_t folder_length;
static int attacked_class = -1, is_always;
static long attacked_call, attacked_errno, cut_at, changes;
static int notes = -1, journal = -1;
static atomic_long calls[CLASSES];
/* Held from before a change until it is in the journal. No signal handler changes a file of the folder. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

/* The function of this name that this one stands before. */
#define REAL(result, name, ...)                         \
    static result (*real)(__VA_ARGS__);                 \
    if (!real) real = dlsym(RTLD_NEXT, name)

static ssize_t put(int file, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(file, bytes, length);
}

static int output(const char *variable) {
    REAL(int, "open", const char *, int, ...);
    const char *path = getenv(variable);
    return path ? real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static long number(const char *variable) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ATTACK_FOLDER"), *name = getenv("ATTACK_CLASS");
    if (!path) return;
    for (int class = 0; name && class < CLASSES; class++)
        if (!strcmp(name, class_names[class])) attacked_class = class;
    attacked_call = number("ATTACK_AT");
    attacked_errno = number("ATTACK_ERRNO");
    is_always = getenv("ATTACK_ALWAYS") != NULL;
    cut_at = number("ATTACK_CUT_AT");
    notes = output("ATTACK_NOTES");
    journal = output("ATTACK_JOURNAL");
    snprintf(folder, sizeof folder, "%s", path);
    folder_length = strlen(folder);
}

__attribute__((destructor)) static void end(void) {
    int file = output("ATTACK_COUNTS");
    char line[64];
    for (int class = 0; file >= 0 && class < CLASSES; class++)
        put(file, line, snprintf(line, sizeof line, "%s %ld\n", class_names[class], calls[class]));
}

static int is_inside(const char *path) {
    return folder_length && !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

/* Whether a path is in the folder; `out` gets it as an absolute one. */
static int find_path(const char *path, char *out) {
    if (!folder_length) return 0;
    if (path[0] == '/') {
        snprintf(out, PATH_MAX, "%s", path);
    } else {
        if (!getcwd(out, PATH_MAX)) return 0;
        size_t length = strlen(out);
        if (!strcmp(path, ".")) path = "";
        snprintf(out + length, PATH_MAX - length, *path ? "/%s" : "%s", path);
    }
    return is_inside(out);
}

/* Whether an open file is in the folder; `out` gets its path. */
static int find_file(int file, char *out) {
    if (!folder_length) return 0;
    int before = errno;
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    errno = before;
    if (length < 0) return 0;
    out[length] = 0;
    return is_inside(out);
}

/* Counts a call, and says whether it is to fail. */
static int is_attacked(enum class class, const char *call, const char *path) {
    long nth = atomic_fetch_add(&calls[class], 1) + 1;
    if ((int)class != attacked_class || !attacked_call) return 0;
    if (nth != attacked_call && !(is_always && nth > attacked_call)) return 0;
    char line[PATH_MAX + 64];
    if (notes >= 0) put(notes, line, snprintf(line, sizeof line, "%s %ld: %s\n", call, nth, path));
    errno = attacked_errno;
    return 1;
}

/* The length of a short transfer. One byte cannot be halved. */
static size_t half(size_t length) {
    return length > 1 ? length / 2 : length;
}

/* The journal. Its records are this head, the path, and the data. */
enum change { CREATED = 1, BYTES, LENGTH, SYNCED, RENAMED, UNLINKED };
struct head {
    uint32_t change, path_length;
    uint64_t inode, offset, data_length;
};

/* Before a change: the process ends here if the power is cut before it. */
static void change_begins(void) {
    pthread_mutex_lock(&order);
    if (++changes == cut_at) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
}

static void change_ends(void) {
    int before = errno;
    pthread_mutex_unlock(&order);
    errno = before;
}

static void record(enum change change, uint64_t inode, const char *path, uint64_t offset, const void *data, size_t length) {
    struct head head = { change, strlen(path), inode, offset, length };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)path, head.path_length }, { (void *)data, length } };
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    int before = errno;
    if (real(journal, parts, 3) != (ssize_t)(sizeof head + head.path_length + length)) abort();
    errno = before;
}

static uint64_t inode_of(int file) {
    struct stat found;
    REAL(int, "fstat", int, struct stat *);
    return real(file, &found) ? 0 : found.st_ino;
}

/* Where the next write of a file without an offset of its own begins. */
static uint64_t position(int file) {
    return lseek(file, 0, fcntl(file, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
}

/* The wrapped functions. The names with 64 are the same functions on a 64-bit system. */

static int open_file(const char *path, int flags, mode_t mode) {
    REAL(int, "open", const char *, int, ...);
    char full[PATH_MAX];
    if (!find_path(path, full)) return real(path, flags, mode);
    if (is_attacked(OPEN, "open", full)) return -1;
    if (journal < 0 || !(flags & (O_CREAT | O_TRUNC))) return real(path, flags, mode);
    change_begins();
    int is_new = access(full, F_OK) != 0;
    int file = real(path, flags, mode);
    if (file >= 0 && (is_new || flags & O_TRUNC)) record(is_new ? CREATED : LENGTH, inode_of(file), full, 0, NULL, 0);
    change_ends();
    return file;
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_file(path, flags, mode);
}
int open64(const char *, int, ...) __attribute__((alias("open")));

ssize_t read(int file, void *bytes, size_t length) {
    REAL(ssize_t, "read", int, void *, size_t);
    char path[PATH_MAX];
    if (find_file(file, path) && is_attacked(READ, "read", path)) {
        if (attacked_errno) return -1;
        length = half(length);
    }
    return real(file, bytes, length);
}

ssize_t pread(int file, void *bytes, size_t length, off_t offset) {
    REAL(ssize_t, "pread", int, void *, size_t, off_t);
    char path[PATH_MAX];
    if (find_file(file, path) && is_attacked(READ, "pread", path)) {
        if (attacked_errno) return -1;
        length = half(length);
    }
    return real(file, bytes, length, offset);
}
ssize_t pread64(int, void *, size_t, off_t) __attribute__((alias("pread")));

/* Writes and records what was written. `offset` is -1 for the file's own position. */
static ssize_t write_bytes(int file, const char *path, const void *bytes, size_t length, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (journal < 0) return offset < 0 ? put(file, bytes, length) : real(file, bytes, length, offset);
    change_begins();
    uint64_t begin = offset < 0 ? position(file) : (uint64_t)offset;
    ssize_t written = offset < 0 ? put(file, bytes, length) : real(file, bytes, length, offset);
    if (written > 0) record(BYTES, inode_of(file), path, begin, bytes, written);
    change_ends();
    return written;
}

ssize_t write(int file, const void *bytes, size_t length) {
    char path[PATH_MAX];
    if (!find_file(file, path)) return put(file, bytes, length);
    if (is_attacked(WRITE, "write", path)) {
        if (attacked_errno) return -1;
        length = half(length);
    }
    return write_bytes(file, path, bytes, length, -1);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    char path[PATH_MAX];
    if (!find_file(file, path)) return real(file, bytes, length, offset);
    if (is_attacked(WRITE, "pwrite", path)) {
        if (attacked_errno) return -1;
        length = half(length);
    }
    return write_bytes(file, path, bytes, length, offset);
}
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));

/* In the folder, a write of several parts may write the first that is not empty alone. */
ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    char path[PATH_MAX];
    if (!find_file(file, path)) return real(file, parts, count);
    while (count > 1 && !parts->iov_len) parts++, count--;
    return count ? write(file, parts->iov_base, parts->iov_len) : 0;
}

int fsync(int file) {
    REAL(int, "fsync", int);
    char path[PATH_MAX];
    if (!find_file(file, path)) return real(file);
    if (is_attacked(SYNC, "fsync", path)) return -1;
    if (journal < 0) return real(file);
    change_begins();
    int failed = real(file);
    if (!failed) record(SYNCED, inode_of(file), path, 0, NULL, 0);
    change_ends();
    return failed;
}
int fdatasync(int) __attribute__((alias("fsync")));

int ftruncate(int file, off_t length) {
    REAL(int, "ftruncate", int, off_t);
    char path[PATH_MAX];
    if (!find_file(file, path)) return real(file, length);
    if (is_attacked(TRUNCATE, "ftruncate", path)) return -1;
    if (journal < 0) return real(file, length);
    change_begins();
    int failed = real(file, length);
    if (!failed) record(LENGTH, inode_of(file), path, length, NULL, 0);
    change_ends();
    return failed;
}
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    char old[PATH_MAX], new[PATH_MAX];
    if (!find_path(from, old) || !find_path(to, new)) return real(from, to);
    if (is_attacked(NAME, "rename", new)) return -1;
    if (journal < 0) return real(from, to);
    change_begins();
    int failed = real(from, to);
    if (!failed) record(RENAMED, 0, old, 0, new, strlen(new));
    change_ends();
    return failed;
}

int unlink(const char *name) {
    REAL(int, "unlink", const char *);
    char path[PATH_MAX];
    if (!find_path(name, path)) return real(name);
    if (is_attacked(NAME, "unlink", path)) return -1;
    if (journal < 0) return real(name);
    change_begins();
    int failed = real(name);
    if (!failed) record(UNLINKED, 0, path, 0, NULL, 0);
    change_ends();
    return failed;
}

int flock(int file, int operation) {
    REAL(int, "flock", int, int);
    char path[PATH_MAX];
    if (find_file(file, path) && is_attacked(LOCK, "flock", path)) return -1;
    return real(file, operation);
}

int fcntl(int file, int command, ...) {
    REAL(int, "fcntl", int, int, ...);
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    char path[PATH_MAX];
    int is_lock = command == F_SETLK || command == F_SETLKW || command == F_GETLK;
    if (is_lock && find_file(file, path) && is_attacked(LOCK, "fcntl", path)) return -1;
    return real(file, command, argument);
}
int fcntl64(int, int, ...) __attribute__((alias("fcntl")));

int fstat(int file, struct stat *found) {
    REAL(int, "fstat", int, struct stat *);
    char path[PATH_MAX];
    if (find_file(file, path) && is_attacked(STAT, "fstat", path)) return -1;
    return real(file, found);
}
int fstat64(int, struct stat64 *) __attribute__((alias("fstat")));

int stat(const char *name, struct stat *found) {
    REAL(int, "stat", const char *, struct stat *);
    char path[PATH_MAX];
    if (find_path(name, path) && is_attacked(STAT, "stat", path)) return -1;
    return real(name, found);
}
int stat64(const char *, struct stat64 *) __attribute__((alias("stat")));

int statx(int at, const char *name, int flags, unsigned int mask, struct statx *found) {
    REAL(int, "statx", int, const char *, int, unsigned int, struct statx *);
    char path[PATH_MAX];
    /* Rust's library calls it with no name to see whether there is one, which glibc declares impossible. */
    const char *volatile given = name;
    /* Without a name, with AT_EMPTY_PATH, the file is the open one. */
    int is_found = !given ? 0 : *name ? find_path(name, path) : find_file(at, path);
    if (is_found && is_attacked(STAT, "statx", path)) return -1;
    return real(at, name, flags, mask, found);
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    REAL(void *, "mmap", void *, size_t, int, int, int, off_t);
    char path[PATH_MAX];
    if (file >= 0 && find_file(file, path) && is_attacked(MAP, "mmap", path)) return MAP_FAILED;
    return real(address, length, protection, flags, file, offset);
}
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
