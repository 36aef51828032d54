#define _GNU_SOURCE
#include "apus_waiting.h"

#include <stddef.h>
#include <time.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

uint64_t apus_word_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

#if defined(__linux__)

void apus_word_wait(const void *word, uint32_t expected, uint64_t time) {
    struct timespec end = {
        .tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)};
    // Unlike FUTEX_WAIT it takes a time, not how long.
    syscall(
        SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, time == UINT64_MAX ? NULL : &end,
        NULL, FUTEX_BITSET_MATCH_ANY);
}

void apus_word_wake(const void *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
#else
#include <mach/mach_time.h>
#include <os/os_sync_wait_on_address.h>

void apus_word_wait(const void *word, uint32_t expected, uint64_t time) {
    if (time == UINT64_MAX) {
        os_sync_wait_on_address((void *)word, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_NONE);
        return;
    }
    mach_timebase_info_data_t base;
    mach_timebase_info(&base);
    uint64_t end = (uint64_t)((__uint128_t)time * base.denom / base.numer);
    os_sync_wait_on_address_with_deadline(
        (void *)word, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_NONE, OS_CLOCK_MACH_ABSOLUTE_TIME, end);
}

void apus_word_wake(const void *word) {
    os_sync_wake_by_address_any((void *)word, 4, OS_SYNC_WAKE_BY_ADDRESS_NONE);
}
#endif
