#ifndef APUS_TICKS_H
#define APUS_TICKS_H

#include <stdint.h>

/// A clock that is read in a few nanoseconds, and goes on at a rate of its own.
static inline uint64_t apus_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
#error "Which clock is read fast here?"
#endif
}

#endif
