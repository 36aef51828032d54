#define _GNU_SOURCE
#include "apus_native_tools.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

// MARK: Debuggers

// The interface that GDB has defined and LLDB has, too: debuggers set a breakpoint in the function
// and read the descriptor when they get there. Names and layout are theirs. Others in this process
// may make code and use it: then there is one descriptor for all.
enum jit_action { jit_no_action, jit_register, jit_unregister };

struct apus_debugger_entry {
    struct apus_debugger_entry *next;
    struct apus_debugger_entry *previous;
    const uint8_t *object;
    uint64_t object_bytes;
};

struct jit_descriptor {
    uint32_t version;
    uint32_t action;
    struct apus_debugger_entry *relevant;
    struct apus_debugger_entry *first;
};

#define APUS_SHARED_SYMBOL __attribute__((weak, visibility("default"), used))

APUS_SHARED_SYMBOL struct jit_descriptor __jit_debug_descriptor = {1, jit_no_action, NULL, NULL};

APUS_SHARED_SYMBOL __attribute__((noinline)) void __jit_debug_register_code(void) {
    __asm__ volatile("" ::: "memory");
}

static pthread_mutex_t debugger_lock = PTHREAD_MUTEX_INITIALIZER;

static void tell_debugger(enum jit_action action, struct apus_debugger_entry *entry) {
    __jit_debug_descriptor.action = action;
    __jit_debug_descriptor.relevant = entry;
    __jit_debug_register_code();
    __jit_debug_descriptor.action = jit_no_action;
    __jit_debug_descriptor.relevant = NULL;
}

struct apus_debugger_entry *apus_debugger_add(const uint8_t *object, uint64_t bytes) {
    struct apus_debugger_entry *entry = malloc(sizeof *entry + bytes);
    if (!entry) return NULL;
    uint8_t *copy = (uint8_t *)(entry + 1);
    memcpy(copy, object, bytes);
    entry->object = copy;
    entry->object_bytes = bytes;
    entry->previous = NULL;
    pthread_mutex_lock(&debugger_lock);
    entry->next = __jit_debug_descriptor.first;
    if (entry->next) entry->next->previous = entry;
    __jit_debug_descriptor.first = entry;
    tell_debugger(jit_register, entry);
    pthread_mutex_unlock(&debugger_lock);
    return entry;
}

void apus_debugger_remove(struct apus_debugger_entry *entry) {
    pthread_mutex_lock(&debugger_lock);
    if (entry->previous) {
        entry->previous->next = entry->next;
    } else {
        __jit_debug_descriptor.first = entry->next;
    }
    if (entry->next) entry->next->previous = entry->previous;
    tell_debugger(jit_unregister, entry);
    pthread_mutex_unlock(&debugger_lock);
    free(entry);
}

// MARK: Unwinding

// What the unwinder of the platform's compilers offers; not all have it. On Linux it takes a whole
// section.
#if defined(__linux__)
extern void __register_frame(const void *section) __attribute__((weak));
extern void __deregister_frame(const void *section) __attribute__((weak));
#endif

struct apus_frames {
    uint64_t bytes;
    uint8_t section[];
};

struct apus_frames *apus_frames_add(const uint8_t *section, uint64_t bytes) {
#if defined(__linux__)
    if (!__register_frame || !__deregister_frame) return NULL;
    struct apus_frames *frames = malloc(sizeof *frames + bytes);
    if (!frames) return NULL;
    frames->bytes = bytes;
    memcpy(frames->section, section, bytes);
    __register_frame(frames->section);
    return frames;
#else
    (void)section, (void)bytes;
    return NULL;
#endif
}

void apus_frames_remove(struct apus_frames *frames) {
#if defined(__linux__)
    __deregister_frame(frames->section);
#endif
    free(frames);
}

// MARK: perf

int32_t apus_thread_number(void) {
#if defined(__linux__)
    return (int32_t)syscall(SYS_gettid);
#else
    return 0;
#endif
}

uint64_t apus_monotonic_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int32_t apus_jitdump_mark(int32_t file) {
    long page = sysconf(_SC_PAGESIZE);
    void *place = mmap(NULL, (size_t)page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    return place == MAP_FAILED ? errno : 0;
}
