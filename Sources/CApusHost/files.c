#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "apus_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/vfs.h>

// The kernel's struct open_how and its bits, which older headers lack.
struct open_how_record {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
enum { resolve_no_magic_links = 0x02, resolve_beneath = 0x08 };
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static int64_t result(long value) {
    return value < 0 ? -(int64_t)errno : value;
}

int32_t apus_open_beneath(int32_t directory, const char *path, int32_t flags, uint32_t mode) {
    struct open_how_record how = {
        .flags = (uint32_t)flags,
        .mode = mode,
        .resolve = resolve_beneath | resolve_no_magic_links,
    };
    return (int32_t)result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

int32_t apus_open_unnamed(int32_t directory, const char *path, uint32_t mode) {
    return (int32_t)result(openat(directory, path, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
}

int32_t apus_name_file(int32_t descriptor, int32_t directory, const char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    return (int32_t)result(linkat(AT_FDCWD, link, directory, path, AT_SYMLINK_FOLLOW));
}

int64_t apus_directory_entries(int32_t directory, void *buffer, uint64_t bytes) {
    return result(syscall(SYS_getdents64, directory, buffer, bytes));
}

int64_t apus_random_bytes(void *buffer, uint64_t bytes) {
    return result(syscall(SYS_getrandom, buffer, bytes, 0));
}

int32_t apus_accept(int32_t descriptor, int32_t nonblocking) {
    int flags = SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    return (int32_t)result(accept4(descriptor, NULL, NULL, flags));
}

int32_t apus_poll(struct pollfd *requests, uint64_t count, int64_t nanoseconds) {
    struct timespec time = {
        .tv_sec = nanoseconds / 1000000000,
        .tv_nsec = nanoseconds % 1000000000,
    };
    return (int32_t)result(ppoll(requests, (nfds_t)count, nanoseconds < 0 ? NULL : &time, NULL));
}

// Whether one of the components of `path` is a number, as the folders of processes have it.
static bool has_number_component(const char *path) {
    for (const char *next = path; *next != 0;) {
        bool digits = *next >= '0' && *next <= '9';
        const char *end = next;
        while (*end != 0 && *end != '/') {
            if (*end < '0' || *end > '9') digits = false;
            end++;
        }
        if (digits) return true;
        next = *end == 0 ? end : end + 1;
    }
    return false;
}

int32_t apus_process_file(int32_t descriptor) {
    enum { procfs = 0x9fa0 };
    struct statfs status;
    // procfs always has an answer.
    if (fstatfs(descriptor, &status) != 0 || status.f_type != procfs) return 0;
    char link[40];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    // Without a name it could be anything.
    if (length < 0) return 2;
    path[length] = 0;
    return has_number_component(path) ? 2 : 1;
}

#else
#include <stdlib.h>

int32_t apus_open_beneath(int32_t directory, const char *path, int32_t flags, uint32_t mode) {
    (void)directory, (void)path, (void)flags, (void)mode;
    return -ENOSYS;
}

int32_t apus_open_unnamed(int32_t directory, const char *path, uint32_t mode) {
    (void)directory, (void)path, (void)mode;
    return -ENOSYS;
}

int32_t apus_name_file(int32_t descriptor, int32_t directory, const char *path) {
    (void)descriptor, (void)directory, (void)path;
    return -ENOSYS;
}

int64_t apus_directory_entries(int32_t directory, void *buffer, uint64_t bytes) {
    (void)directory, (void)buffer, (void)bytes;
    return -ENOSYS;
}

int64_t apus_random_bytes(void *buffer, uint64_t bytes) {
    arc4random_buf(buffer, bytes);
    return (int64_t)bytes;
}

int32_t apus_accept(int32_t descriptor, int32_t nonblocking) {
    int32_t connection = accept(descriptor, NULL, NULL);
    if (connection < 0) return -errno;
    fcntl(connection, F_SETFD, FD_CLOEXEC);
    if (nonblocking) fcntl(connection, F_SETFL, O_NONBLOCK);
    return connection;
}

int32_t apus_poll(struct pollfd *requests, uint64_t count, int64_t nanoseconds) {
    int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 > 0);
    if (milliseconds > INT_MAX) milliseconds = INT_MAX;
    int32_t ready = poll(requests, (nfds_t)count, nanoseconds < 0 ? -1 : (int)milliseconds);
    return ready < 0 ? -errno : ready;
}
#endif
