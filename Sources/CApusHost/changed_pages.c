#define _GNU_SOURCE
#include "apus_mapping.h"

#if defined(__linux__)
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// As in <linux/fs.h>, which may be older than the system.
struct scan {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;  // how far it has come
    uint64_t pages;
    uint64_t capacity;
    uint64_t most_pages;
    uint64_t inverted;  // kinds that a page is not to be of
    uint64_t all_of;
    uint64_t any_of;
    uint64_t told;
};
enum { file_page = 1 << 2, present_page = 1 << 3, swapped_page = 1 << 4, zero_page = 1 << 5 };
#define SCAN _IOWR('f', 16, struct scan)

/// The descriptor of this process's pages and 1; 0: there is none. A child finds 0 there, whoever
/// has made it: what it has inherited tells of its parent's pages.
static int *descriptor;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_pages(void) {
    size_t bytes = (size_t)apus_page_bytes();
    void *place = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return;
    if (madvise(place, bytes, MADV_WIPEONFORK) != 0) {
        munmap(place, bytes);
        return;
    }
    int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (file >= 0 && file <= 2) {
        // Where the host has closed its standard streams, nobody may take this for one of them.
        int moved = fcntl(file, F_DUPFD_CLOEXEC, 3);
        close(file);
        file = moved;
    }
    descriptor = place;
    *descriptor = file + 1;
}

int32_t apus_changed_pages(
    const void *start, uint64_t bytes, int32_t is_image, struct apus_pages *pages,
    uint32_t capacity) {
    pthread_once(&once, open_pages);
    if (!descriptor || *descriptor == 0 || capacity == 0) return -1;
    // What a file is mapped to is as it was; so is a page of zeros, unless it came in place of an
    // image's.
    uint64_t unchanged = is_image ? file_page : file_page | zero_page;
    struct scan scan = {
        .size = sizeof scan,
        .start = (uintptr_t)start,
        .end = (uintptr_t)start + bytes,
        .pages = (uintptr_t)pages,
        .capacity = capacity,
        .inverted = unchanged,
        .all_of = unchanged,
        .any_of = present_page | swapped_page,
        .told = present_page,
    };
    int count = ioctl(*descriptor - 1, SCAN, &scan);
    return count >= 0 && scan.walk_end == scan.end ? count : -1;
}
#else
int32_t apus_changed_pages(
    const void *start, uint64_t bytes, int32_t is_image, struct apus_pages *pages,
    uint32_t capacity) {
    (void)start, (void)bytes, (void)is_image, (void)pages, (void)capacity;
    return -1;
}
#endif
