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

/// The functions in a range of code that grows, each with its own trap sites.
struct apus_code_directory;

/// A directory with room for so many functions; null if memory is out.
struct apus_code_directory *apus_code_directory_make(uint64_t capacity);

/// Frees a directory whose range has been removed, or was never added.
void apus_code_directory_free(struct apus_code_directory *directory);

/// Adds a function behind those that are there, with its sites, whose offsets count from `start`
/// and which must stay until they are dropped. One thread at a time. Returns whether there was
/// room.
int32_t apus_code_directory_add(
    struct apus_code_directory *directory, uintptr_t start, const struct apus_trap_site *sites,
    uint64_t count);

/// Forgets the sites of the function at `start`, which no thread executes any more.
void apus_code_directory_drop(struct apus_code_directory *directory, uintptr_t start);

/// Announces [start, end) as code that grows. Returns whether there was memory for it.
int32_t apus_code_range_add_growing(
    uintptr_t start, uintptr_t end, struct apus_code_directory *directory);

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

/// What running code has left of what it takes from without a lock.
static inline int32_t apus_heat(const int32_t *heat) {
    return __atomic_load_n(heat, __ATOMIC_RELAXED);
}

/// Sets what running code takes from without a lock.
static inline void apus_heat_set(int32_t *heat, int32_t value) {
    __atomic_store_n(heat, value, __ATOMIC_RELAXED);
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
