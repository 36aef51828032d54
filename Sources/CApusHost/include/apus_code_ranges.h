// Where compiled code is, and where it may stop: readable in signal handlers.
#ifndef APUS_CODE_RANGES_H
#define APUS_CODE_RANGES_H

#include <stdint.h>

/// A place that can stop, as ApusABI's TrapSite lays it out.
struct apus_trap_site {
    uint32_t code_offset;  // from the start of the code range
    uint32_t packed;       // bits 24 to 31: trap code
};

/// Announces code at [start, end) with its trap sites, sorted by offset. They must stay where they
/// are until the range is removed. Returns whether there was memory for it.
int32_t apus_code_range_add(
    uintptr_t start, uintptr_t end, const struct apus_trap_site *sites, uint64_t count);

/// Whether `pc` is in announced code. Safe in signal handlers.
int32_t apus_code_covers(uintptr_t pc);

/// Withdraws the range from `start` on, which no thread executes any more.
void apus_code_range_remove(uintptr_t start);

/// How many ranges are announced. For tests.
uint64_t apus_code_range_count(void);

/// Where the code of a function is that other threads may replace.
static inline uintptr_t apus_code_pointer(const uintptr_t *pointer) {
    return __atomic_load_n(pointer, __ATOMIC_ACQUIRE);
}

/// Has whoever calls the function find other code.
static inline void apus_code_pointer_set(uintptr_t *pointer, uintptr_t code) {
    __atomic_store_n(pointer, code, __ATOMIC_RELEASE);
}

/// What is known of the code at an address.
struct apus_code_slice {
    uintptr_t start;  // 0: no code is there
    const struct apus_trap_site *sites;
    uint64_t count;
};

/// The announced code that `pc` is in. Safe in signal handlers.
struct apus_code_slice apus_code_at(uintptr_t pc);

#endif
