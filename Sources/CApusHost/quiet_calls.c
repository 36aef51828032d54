#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "apus_quiet_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/// Signals that this thread does not get for the time of a call.
struct held {
    sigset_t signals, before, pending;
};

static void hold(struct held *held, int signal) {
    sigemptyset(&held->signals);
    sigaddset(&held->signals, signal);
    sigpending(&held->pending);
    pthread_sigmask(SIG_BLOCK, &held->signals, &held->before);
}

/// Takes the one back that the call has raised. One that the host has not taken yet is left to it.
static void take_back(struct held *held, int signal) {
    if (sigismember(&held->pending, signal)) return;
#if defined(__linux__)
    const struct timespec none = {0};
    while (sigtimedwait(&held->signals, NULL, &none) < 0 && errno == EINTR) {}
#else
    sigset_t raised;
    int number;
    sigpending(&raised);
    if (sigismember(&raised, signal)) sigwait(&held->signals, &number);
#endif
}

static void release(struct held *held) { pthread_sigmask(SIG_SETMASK, &held->before, NULL); }

static int64_t result(long value) { return value < 0 ? -(int64_t)errno : value; }

#if defined(__linux__)
int64_t apus_write_quietly(int32_t descriptor, const void *pieces, int32_t count) {
    struct held held;
    hold(&held, SIGPIPE);
    int64_t written = result(writev(descriptor, pieces, count));
    if (written == -EPIPE) take_back(&held, SIGPIPE);
    release(&held);
    return written;
}
#endif

// What makes a file longer.
enum kind { writing, writing_at, resizing, making_room };

struct growth {
    enum kind kind;
    int32_t descriptor;
    const struct iovec *pieces;
    int32_t count;
    int64_t offset, bytes;
};

static int64_t grow(const struct growth *growth) {
    int32_t descriptor = growth->descriptor;
    switch (growth->kind) {
    case writing: return result(writev(descriptor, growth->pieces, growth->count));
    case writing_at:
        return result(pwritev(descriptor, growth->pieces, growth->count, growth->offset));
    case resizing: return result(ftruncate(descriptor, growth->bytes));
    case making_room:
#if defined(__linux__)
        return result(fallocate(descriptor, 0, growth->offset, growth->bytes));
#else
        return -ENOTSUP;
#endif
    }
    return -EINVAL;
}

/// Only where the process has a limit is there a signal, and more to be done than to look at that.
static int64_t grow_quietly(const struct growth *growth) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) {
        return grow(growth);
    }
    struct held held;
    hold(&held, SIGXFSZ);
    int64_t grown = grow(growth);
    if (grown == -EFBIG) take_back(&held, SIGXFSZ);
    release(&held);
    return grown;
}

int64_t apus_file_write(int32_t descriptor, const void *pieces, int32_t count) {
    return grow_quietly(&(struct growth){
        .kind = writing, .descriptor = descriptor, .pieces = pieces, .count = count});
}

int64_t apus_file_write_bytes(int32_t descriptor, const void *bytes, uint64_t count) {
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = count};
    return apus_file_write(descriptor, &piece, 1);
}

int64_t apus_file_write_at(
    int32_t descriptor, const void *pieces, int32_t count, int64_t offset) {
    return grow_quietly(&(struct growth){
        .kind = writing_at, .descriptor = descriptor, .pieces = pieces, .count = count,
        .offset = offset});
}

int32_t apus_file_set_size(int32_t descriptor, int64_t bytes) {
    return (int32_t)grow_quietly(
        &(struct growth){.kind = resizing, .descriptor = descriptor, .bytes = bytes});
}

int32_t apus_make_room(int32_t descriptor, int64_t offset, int64_t bytes) {
    return (int32_t)grow_quietly(&(struct growth){
        .kind = making_room, .descriptor = descriptor, .offset = offset, .bytes = bytes});
}
