#define _GNU_SOURCE
#include "apus_mapping.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

static _Atomic int64_t requests_until_failure;
static _Atomic int64_t live_mappings;
static _Atomic int64_t live_allocations;

static int must_fail(void) {
    if (atomic_load_explicit(&requests_until_failure, memory_order_relaxed) <= 0) return 0;
    return atomic_fetch_sub(&requests_until_failure, 1) == 1;
}

void apus_fail_request(int64_t count) {
    atomic_store(&requests_until_failure, count);
}

int64_t apus_requests_until_failure(void) {
    return atomic_load(&requests_until_failure);
}

int64_t apus_live_mappings(void) {
    return atomic_load(&live_mappings);
}

int64_t apus_live_allocations(void) {
    return atomic_load(&live_allocations);
}

void *apus_reserve(uint64_t bytes) {
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    void *start = mmap(
        NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    return start;
}

int32_t apus_protect(void *start, uint64_t bytes, enum apus_access access) {
    if (must_fail()) return ENOMEM;
    int protection = PROT_NONE;
    if (access == apus_access_write) protection = PROT_READ | PROT_WRITE;
    if (access == apus_access_execute) {
        protection = PROT_READ | PROT_EXEC;
        __builtin___clear_cache((char *)start, (char *)start + bytes);
    }
    return mprotect(start, bytes, protection) == 0 ? 0 : errno;
}

void apus_unmap(void *start, uint64_t bytes) {
    if (munmap(start, bytes) == 0) {
        atomic_fetch_sub_explicit(&live_mappings, 1, memory_order_relaxed);
    }
}

#if defined(__linux__)
/// Calls madvise on the whole pages that contain the range.
static void advise(void *start, uint64_t bytes, int advice) {
    uintptr_t page = (uintptr_t)apus_page_bytes();
    uintptr_t first = (uintptr_t)start & ~(page - 1);
    uintptr_t end = ((uintptr_t)start + bytes + page - 1) & ~(page - 1);
    // Only a hint: what is refused comes page by page.
    (void)madvise((void *)first, end - first, advice);
}

void apus_populate(void *start, uint64_t bytes) {
    enum { populate_write = 23 };  // MADV_POPULATE_WRITE, since Linux 5.14
    advise(start, bytes, populate_write);
}

void apus_prefer_large_pages(void *start, uint64_t bytes) {
    advise(start, bytes, MADV_HUGEPAGE);
}
#else
void apus_populate(void *start, uint64_t bytes) {
    (void)start, (void)bytes;
}

void apus_prefer_large_pages(void *start, uint64_t bytes) {
    (void)start, (void)bytes;
}
#endif

void *apus_allocate(uint64_t bytes) {
    if (must_fail()) return NULL;
    // calloc aligns to 16 on every host that Apus knows, and gives large blocks lazily.
    void *start = calloc(1, bytes > 0 ? bytes : 1);
    if (start) atomic_fetch_add_explicit(&live_allocations, 1, memory_order_relaxed);
    return start;
}

void apus_free(void *start) {
    if (!start) return;
    atomic_fetch_sub_explicit(&live_allocations, 1, memory_order_relaxed);
    free(start);
}

uint64_t apus_page_bytes(void) {
    return (uint64_t)sysconf(_SC_PAGESIZE);
}
