#define _GNU_SOURCE
#include "apus_mapping.h"

#include "apus_quiet_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

static _Atomic int64_t requests_until_failure;
static _Atomic int64_t live_mappings;
static _Atomic int64_t live_allocations;
static _Atomic int64_t live_images;

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

int64_t apus_live_images(void) {
    return atomic_load(&live_images);
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

void *apus_code_map(int32_t file, uint64_t offset, uint64_t bytes) {
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    void *start = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, (off_t)offset);
    if (start == MAP_FAILED) return NULL;
    __builtin___clear_cache((char *)start, (char *)start + bytes);
    atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    return start;
}

uint64_t apus_file_map_bytes(uint64_t bytes) {
    uint64_t page = apus_page_bytes();
    return (bytes + page - 1) / page * page + page;
}

void *apus_file_map(int32_t file, uint64_t bytes) {
    if (must_fail()) {
        errno = ENOMEM;
        return NULL;
    }
    uint64_t all = apus_file_map_bytes(bytes);
    void *start = mmap(NULL, all, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    if (bytes > 0
        && mmap(start, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED) {
        munmap(start, all);
        return NULL;
    }
    atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    return start;
}

int64_t apus_process(void) {
    return getpid();
}

#if defined(__linux__)
void *apus_code_view_make(void *start, uint64_t bytes) {
    if (must_fail()) return NULL;
    void *view = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (view == MAP_FAILED) return NULL;
    // With an old size of 0 shared pages are mapped once more.
    void *code = mremap(view, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, start);
    if (code == MAP_FAILED || mprotect(start, bytes, PROT_READ | PROT_EXEC) != 0) {
        int error = errno;
        munmap(view, bytes);
        errno = error;
        return NULL;
    }
    atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    return view;
}
#else
void *apus_code_view_make(void *start, uint64_t bytes) {
    (void)start, (void)bytes;
    errno = ENOTSUP;
    return NULL;
}
#endif

int64_t apus_file_bytes(int32_t file) {
    struct stat status;
    if (fstat(file, &status) != 0) return -errno;
    return S_ISREG(status.st_mode) ? status.st_size : -EINVAL;
}

int32_t apus_decommit(void *start, uint64_t bytes) {
    if (bytes == 0) return 0;
    if (must_fail()) return ENOMEM;
    void *fresh = mmap(
        start, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return fresh == MAP_FAILED ? errno : 0;
}

int32_t apus_discard(void *start, uint64_t bytes) {
    if (bytes == 0) return 0;
    if (must_fail()) return ENOMEM;
#if defined(__linux__)
    return madvise(start, bytes, MADV_DONTNEED) == 0 ? 0 : errno;
#else
    (void)start;
    return ENOTSUP;
#endif
}

#if defined(__linux__)
int32_t apus_image_make(uint64_t bytes) {
    if (must_fail()) return -ENOMEM;
    int image = memfd_create("apus-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (image >= 0 && image <= 2) {
        // Where the host has closed its standard streams, nobody may take this for one of them.
        int moved = fcntl(image, F_DUPFD_CLOEXEC, 3);
        int error = errno;
        close(image);
        errno = error;
        image = moved;
    }
    if (image < 0) return -errno;
    int32_t error = apus_file_set_size(image, (int64_t)bytes);
    if (error != 0) {
        close(image);
        return error;
    }
    atomic_fetch_add_explicit(&live_images, 1, memory_order_relaxed);
    return image;
}

int32_t apus_image_share(int32_t file) {
    if (must_fail()) return -ENOMEM;
    int image = fcntl(file, F_DUPFD_CLOEXEC, 3);
    if (image < 0) return -errno;
    atomic_fetch_add_explicit(&live_images, 1, memory_order_relaxed);
    return image;
}

int32_t apus_image_write(int32_t image, const void *source, uint64_t bytes, uint64_t offset) {
    if (must_fail()) return ENOSPC;
    const char *next = source;
    while (bytes > 0) {
        struct iovec piece = {.iov_base = (void *)next, .iov_len = bytes};
        int64_t written = apus_file_write_at(image, &piece, 1, (int64_t)offset);
        if (written == -EINTR) continue;
        if (written <= 0) return written < 0 ? (int32_t)-written : ENOSPC;
        next += written;
        offset += (uint64_t)written;
        bytes -= (uint64_t)written;
    }
    return 0;
}

int32_t apus_image_map(int32_t image, uint64_t offset, void *start, uint64_t bytes) {
    if (must_fail()) return ENOMEM;
    void *mapped = mmap(
        start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, image,
        (off_t)offset);
    return mapped == MAP_FAILED ? errno : 0;
}

int32_t apus_image_seal(int32_t image) {
    if (must_fail()) return ENOMEM;
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    return fcntl(image, F_ADD_SEALS, seals) == 0 ? 0 : errno;
}

const void *apus_image_view(int32_t image, uint64_t bytes) {
    if (must_fail()) return NULL;
    void *start = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, image, 0);
    if (start == MAP_FAILED) return NULL;
    atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    return start;
}

void apus_image_close(int32_t image) {
    atomic_fetch_sub_explicit(&live_images, 1, memory_order_relaxed);
    close(image);
}
#else
int32_t apus_image_make(uint64_t bytes) {
    (void)bytes;
    return -ENOTSUP;
}

int32_t apus_image_write(int32_t image, const void *source, uint64_t bytes, uint64_t offset) {
    (void)image, (void)source, (void)bytes, (void)offset;
    return ENOTSUP;
}

int32_t apus_image_share(int32_t file) {
    (void)file;
    return -ENOTSUP;
}

int32_t apus_image_map(int32_t image, uint64_t offset, void *start, uint64_t bytes) {
    (void)image, (void)offset, (void)start, (void)bytes;
    return ENOTSUP;
}

int32_t apus_image_seal(int32_t image) {
    (void)image;
    return ENOTSUP;
}

const void *apus_image_view(int32_t image, uint64_t bytes) {
    (void)image, (void)bytes;
    return NULL;
}

void apus_image_close(int32_t image) {
    (void)image;
}
#endif

uint64_t apus_descriptor_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : 128;
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
    static _Atomic uint64_t bytes;
    uint64_t known = atomic_load_explicit(&bytes, memory_order_relaxed);
    if (known != 0) return known;
    known = (uint64_t)sysconf(_SC_PAGESIZE);
    atomic_store_explicit(&bytes, known, memory_order_relaxed);
    return known;
}
