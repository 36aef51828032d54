#include "apus_code_ranges.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "apus_mapping.h"

/// Functions in ascending order. Only ever appended to, so it is read without a lock.
struct apus_code_directory {
    uint64_t capacity;
    _Atomic uint64_t count;
    struct directory_entry {
        uintptr_t start;
        _Atomic uintptr_t sites;
        _Atomic uint64_t site_count;
    } entries[];
};

/// `count` of a range whose `sites` are a directory.
static const uint64_t is_growing = UINT64_MAX;

struct code_range {
    _Atomic uintptr_t start;
    _Atomic uintptr_t end;
    _Atomic uintptr_t sites;
    _Atomic uint64_t count;
};

/// Ranges in ascending order, as many as a table has room for. Never freed: a handler may read an
/// old one. Each is at least twice as large as the one before.
struct range_list {
    uint64_t capacity;
    struct code_range *ranges;
};

/// There are two tables, and handlers read the present one without a lock. A change is written to
/// the other one, which then becomes the present one: so a thread that a signal finds in the middle
/// of a change can read. Whoever was overtaken while reading sees it by the version, which is odd
/// while a table is written, and reads again.
struct range_table {
    _Atomic uint64_t version;
    struct range_list *_Atomic list;
    _Atomic uint64_t count;
};

enum { first_capacity = 128 };
static struct code_range first_ranges[2][first_capacity];
static struct range_list first_lists[2] = {
    {first_capacity, first_ranges[0]}, {first_capacity, first_ranges[1]}};
static struct range_table tables[2] = {
    {.list = &first_lists[0]}, {.list = &first_lists[1]}};
static struct range_table *_Atomic present_table = &tables[0];
static pthread_mutex_t ranges_lock = PTHREAD_MUTEX_INITIALIZER;

static void copy_range(struct code_range *to, struct code_range *from) {
    atomic_store_explicit(
        &to->start, atomic_load_explicit(&from->start, memory_order_relaxed),
        memory_order_relaxed);
    atomic_store_explicit(
        &to->end, atomic_load_explicit(&from->end, memory_order_relaxed), memory_order_relaxed);
    atomic_store_explicit(
        &to->sites, atomic_load_explicit(&from->sites, memory_order_relaxed),
        memory_order_relaxed);
    atomic_store_explicit(
        &to->count, atomic_load_explicit(&from->count, memory_order_relaxed),
        memory_order_relaxed);
}

/// How many of the first `count` ranges start at or before `address`.
static uint64_t position_of(struct range_list *list, uint64_t count, uintptr_t address) {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uintptr_t start = atomic_load_explicit(&list->ranges[middle].start, memory_order_relaxed);
        if (start > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/// A list for `table` with room for `count` ranges: its own, or a new one. Null if memory is out.
static struct range_list *room_for(struct range_table *table, uint64_t count) {
    struct range_list *list = atomic_load(&table->list);
    if (list->capacity >= count) return list;
    uint64_t capacity = list->capacity;
    while (capacity < count) capacity *= 2;
    struct range_list *larger =
        apus_allocate(sizeof *larger + capacity * sizeof larger->ranges[0]);
    if (!larger) return NULL;
    larger->capacity = capacity;
    larger->ranges = (struct code_range *)(larger + 1);
    return larger;
}

/// Makes the other table the present one, with the range at `position` left out or, if there is
/// one to add, that before it. Returns whether there was memory.
static int replace_table(uint64_t position, struct code_range *added) {
    struct range_table *old = atomic_load(&present_table);
    struct range_table *new = old == &tables[0] ? &tables[1] : &tables[0];
    struct range_list *source = atomic_load(&old->list);
    uint64_t old_count = atomic_load(&old->count);
    uint64_t count = added ? old_count + 1 : old_count - 1;
    struct range_list *list = room_for(new, count);
    if (!list) return 0;
    atomic_fetch_add(&new->version, 1);
    atomic_thread_fence(memory_order_seq_cst);
    for (uint64_t index = 0; index < position; index++) {
        copy_range(&list->ranges[index], &source->ranges[index]);
    }
    if (added) copy_range(&list->ranges[position], added);
    uint64_t to = added ? position + 1 : position;
    for (uint64_t index = added ? position : position + 1; index < old_count; index++) {
        copy_range(&list->ranges[to++], &source->ranges[index]);
    }
    atomic_store(&new->list, list);
    atomic_store(&new->count, count);
    atomic_fetch_add(&new->version, 1);
    atomic_store(&present_table, new);
    return 1;
}

static int32_t add_range(struct code_range range) {
    uintptr_t start = atomic_load_explicit(&range.start, memory_order_relaxed);
    pthread_mutex_lock(&ranges_lock);
    struct range_table *table = atomic_load(&present_table);
    uint64_t position =
        position_of(atomic_load(&table->list), atomic_load(&table->count), start);
    int done = replace_table(position, &range);
    pthread_mutex_unlock(&ranges_lock);
    return done;
}

int32_t apus_code_range_add(
    uintptr_t start, uintptr_t end, const struct apus_trap_site *sites, uint64_t count) {
    return add_range((struct code_range){start, end, (uintptr_t)sites, count});
}

int32_t apus_code_range_add_growing(
    uintptr_t start, uintptr_t end, struct apus_code_directory *directory) {
    return add_range((struct code_range){start, end, (uintptr_t)directory, is_growing});
}

struct apus_code_directory *apus_code_directory_make(uint64_t capacity) {
    struct apus_code_directory *directory = apus_allocate(
        sizeof *directory + capacity * sizeof directory->entries[0]);
    if (directory) directory->capacity = capacity;
    return directory;
}

void apus_code_directory_free(struct apus_code_directory *directory) {
    apus_free(directory);
}

int32_t apus_code_directory_add(
    struct apus_code_directory *directory, uintptr_t start, const struct apus_trap_site *sites,
    uint64_t count) {
    uint64_t place = atomic_load_explicit(&directory->count, memory_order_relaxed);
    if (place == directory->capacity) return 0;
    directory->entries[place].start = start;
    atomic_store_explicit(
        &directory->entries[place].sites, (uintptr_t)sites, memory_order_relaxed);
    atomic_store_explicit(&directory->entries[place].site_count, count, memory_order_relaxed);
    atomic_store_explicit(&directory->count, place + 1, memory_order_release);
    return 1;
}

/// The function that `address` is in or behind; null if it is before the first.
static struct directory_entry *entry_at(
    struct apus_code_directory *directory, uintptr_t address) {
    uint64_t low = 0;
    uint64_t high = atomic_load_explicit(&directory->count, memory_order_acquire);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (directory->entries[middle].start > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low > 0 ? &directory->entries[low - 1] : NULL;
}

void apus_code_directory_drop(struct apus_code_directory *directory, uintptr_t start) {
    struct directory_entry *entry = entry_at(directory, start);
    if (entry && entry->start == start) {
        atomic_store_explicit(&entry->site_count, 0, memory_order_relaxed);
    }
}

/// What is known of `pc`, which is in a range that grows.
static struct apus_code_slice slice_at(
    struct apus_code_directory *directory, uintptr_t start, uintptr_t pc) {
    struct apus_code_slice slice = {.start = start};
    struct directory_entry *entry = entry_at(directory, pc);
    if (!entry) return slice;
    slice.start = entry->start;
    slice.sites = (const struct apus_trap_site *)atomic_load_explicit(
        &entry->sites, memory_order_relaxed);
    slice.count = atomic_load_explicit(&entry->site_count, memory_order_relaxed);
    return slice;
}

void apus_code_range_remove(uintptr_t start) {
    pthread_mutex_lock(&ranges_lock);
    struct range_table *table = atomic_load(&present_table);
    struct range_list *list = atomic_load(&table->list);
    uint64_t position = position_of(list, atomic_load(&table->count), start);
    if (position > 0 && atomic_load(&list->ranges[position - 1].start) == start) {
        // This needs no memory: one change ago the other table was as long, or longer.
        replace_table(position - 1, NULL);
    }
    pthread_mutex_unlock(&ranges_lock);
}

uint64_t apus_code_range_count(void) {
    pthread_mutex_lock(&ranges_lock);
    uint64_t count = atomic_load(&atomic_load(&present_table)->count);
    pthread_mutex_unlock(&ranges_lock);
    return count;
}

struct apus_code_slice apus_code_at(uintptr_t pc) {
    for (;;) {
        struct apus_code_slice slice = {0};
        struct range_table *table = atomic_load(&present_table);
        uint64_t version = atomic_load(&table->version);
        struct range_list *list = atomic_load(&table->list);
        uint64_t count = atomic_load(&table->count);
        if (count > list->capacity) count = list->capacity;
        uint64_t position = position_of(list, count, pc);
        if (position > 0) {
            struct code_range *range = &list->ranges[position - 1];
            if (pc < atomic_load_explicit(&range->end, memory_order_relaxed)) {
                slice.start = atomic_load_explicit(&range->start, memory_order_relaxed);
                slice.sites = (const struct apus_trap_site *)atomic_load_explicit(
                    &range->sites, memory_order_relaxed);
                slice.count = atomic_load_explicit(&range->count, memory_order_relaxed);
            }
        }
        atomic_thread_fence(memory_order_acquire);
        if (version % 2 != 0 || atomic_load(&table->version) != version) continue;
        // A thread that is in this code keeps its range, and the directory with it.
        return slice.count == is_growing
            ? slice_at((struct apus_code_directory *)slice.sites, slice.start, pc) : slice;
    }
}

int32_t apus_code_covers(uintptr_t pc) {
    return apus_code_at(pc).start != 0;
}
