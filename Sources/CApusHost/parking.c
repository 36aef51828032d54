#define _GNU_SOURCE
#include "apus_parking.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "apus_interrupt.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <os/os_sync_wait_on_address.h>
#endif

/// Those who wait for places of the same hash, in the order in which they came. They are only
/// touched with the lock held.
struct bucket {
    pthread_mutex_t lock;
    struct apus_waiter *first;
    struct apus_waiter *last;
    // How many there are, and how many are about to be; without the lock. Whoever notifies and
    // finds none has nothing to do.
    uint32_t count;
} __attribute__((aligned(64)));

enum { bucket_count = 64 };
static struct bucket buckets[bucket_count];
static pthread_once_t prepare_once = PTHREAD_ONCE_INIT;

/// At first, and in a child process, in which nobody waits.
static void empty_buckets(void) {
    for (int index = 0; index < bucket_count; index++) {
        pthread_mutex_init(&buckets[index].lock, NULL);
        buckets[index].first = NULL;
        buckets[index].last = NULL;
        __atomic_store_n(&buckets[index].count, 0, __ATOMIC_RELAXED);
    }
}

static void prepare(void) {
    empty_buckets();
    pthread_atfork(NULL, NULL, empty_buckets);
}

static struct bucket *bucket_of(const void *place) {
    uint64_t hash = (uint64_t)(uintptr_t)place * 0x9E3779B97F4A7C15u;
    return &buckets[hash >> 58];
}

static void append(struct bucket *bucket, struct apus_waiter *waiter) {
    waiter->next = NULL;
    waiter->previous = bucket->last;
    *(bucket->last ? &bucket->last->next : &bucket->first) = waiter;
    bucket->last = waiter;
}

static void take_out(struct bucket *bucket, struct apus_waiter *waiter) {
    *(waiter->previous ? &waiter->previous->next : &bucket->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &bucket->last) = waiter->previous;
    __atomic_fetch_sub(&bucket->count, 1, __ATOMIC_RELAXED);
}

// MARK: The system's waits

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// Waits while `*word` is `value`, until `deadline` at most. May return for no reason.
static void wait_for_change(uint32_t *word, uint32_t value, uint64_t deadline) {
#if defined(__linux__)
    // Absolute, so that nothing is lost when a signal comes.
    struct timespec time = {
        .tv_sec = (time_t)(deadline / 1000000000u), .tv_nsec = (long)(deadline % 1000000000u)};
    syscall(
        SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
        deadline == UINT64_MAX ? NULL : &time, NULL, FUTEX_BITSET_MATCH_ANY);
#elif defined(__APPLE__)
    uint64_t present = now();
    if (deadline == UINT64_MAX) {
        os_sync_wait_on_address(word, value, sizeof *word, OS_SYNC_WAIT_ON_ADDRESS_NONE);
    } else if (deadline > present) {
        os_sync_wait_on_address_with_timeout(
            word, value, sizeof *word, OS_SYNC_WAIT_ON_ADDRESS_NONE, OS_CLOCK_MACH_ABSOLUTE_TIME,
            deadline - present);
    }
#endif
}

/// Ends the wait of the thread that waits for `word`, if one does. The address may lead nowhere by
/// now.
static void wake(uint32_t *word) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
#elif defined(__APPLE__)
    os_sync_wake_by_address_any(word, sizeof *word, OS_SYNC_WAKE_BY_ADDRESS_NONE);
#endif
}

void apus_thread_wake(struct apus_thread *thread) {
    __atomic_fetch_add(&thread->wakes, 1, __ATOMIC_RELEASE);
    wake(&thread->wakes);
}

// MARK: Waiting and notifying

static int has_value(const void *place, uint32_t bytes, uint64_t expected) {
    if (bytes == 8) return __atomic_load_n((const uint64_t *)place, __ATOMIC_SEQ_CST) == expected;
    return __atomic_load_n((const uint32_t *)place, __ATOMIC_SEQ_CST) == (uint32_t)expected;
}

/// Waits once. Returns whether the wait is over, and how it has ended in `*outcome`.
static int wait_once(
    struct bucket *bucket, struct apus_waiter *waiter, uint64_t deadline,
    enum apus_parking *outcome) {
    struct apus_thread *thread = waiter->thread;
    uint32_t wakes = __atomic_load_n(&thread->wakes, __ATOMIC_ACQUIRE);
    int is_interrupted = apus_this_thread_is_interrupted();
    int is_late = deadline != UINT64_MAX && now() >= deadline;
    // Whoever notifies has left this record alone when the lock is had.
    pthread_mutex_lock(&bucket->lock);
    int is_notified = waiter->is_notified;
    int is_over = is_notified || is_interrupted || is_late;
    if (is_over && !is_notified) take_out(bucket, waiter);
    pthread_mutex_unlock(&bucket->lock);
    if (!is_over) {
        wait_for_change(&thread->wakes, wakes, deadline);
        return 0;
    }
    *outcome = is_notified ? apus_parking_notified
        : is_interrupted   ? apus_parking_interrupted
                           : apus_parking_timed_out;
    return 1;
}

/// Whether it waits now: the place has the value.
static int begin(
    struct bucket *bucket, struct apus_waiter *waiter, uint32_t bytes, uint64_t expected) {
    // Before the place is read, as those who notify have written it before they read this: one of
    // the two sees what the other has done.
    __atomic_fetch_add(&bucket->count, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&bucket->lock);
    int waits = has_value(waiter->place, bytes, expected);
    if (waits) {
        append(bucket, waiter);
    } else {
        __atomic_fetch_sub(&bucket->count, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&bucket->lock);
    return waits;
}

enum apus_parking apus_park(
    const void *place, uint32_t bytes, uint64_t expected, uint64_t deadline) {
    pthread_once(&prepare_once, prepare);
    struct bucket *bucket = bucket_of(place);
    struct apus_waiter waiter = {.place = place, .thread = apus_thread_record()};
    if (!begin(bucket, &waiter, bytes, expected)) return apus_parking_differs;
    enum apus_parking outcome;
    while (!wait_once(bucket, &waiter, deadline, &outcome)) {}
    return outcome;
}

int32_t apus_park_begin(
    struct apus_waiter *waiter, const void *place, uint32_t bytes, uint64_t expected,
    void (*notified)(void *state), void *state) {
    pthread_once(&prepare_once, prepare);
    *waiter = (struct apus_waiter){.place = place, .notified = notified, .state = state};
    return begin(bucket_of(place), waiter, bytes, expected);
}

int32_t apus_park_end(struct apus_waiter *waiter) {
    struct bucket *bucket = bucket_of(waiter->place);
    pthread_mutex_lock(&bucket->lock);
    int is_notified = waiter->is_notified;
    if (!is_notified) take_out(bucket, waiter);
    pthread_mutex_unlock(&bucket->lock);
    return is_notified;
}

/// What is left to do for a wait that has ended, without the lock and without its record.
struct notice {
    uint32_t *word;
    void (*notified)(void *state);
    void *state;
};

static struct notice notice_of(struct apus_waiter *waiter) {
    waiter->is_notified = 1;
    if (!waiter->thread) {
        return (struct notice){.notified = waiter->notified, .state = waiter->state};
    }
    __atomic_fetch_add(&waiter->thread->wakes, 1, __ATOMIC_RELEASE);
    return (struct notice){.word = &waiter->thread->wakes};
}

static void serve(const struct notice *notice) {
    if (notice->word) {
        wake(notice->word);
    } else {
        notice->notified(notice->state);
    }
}

// So many are told of at once.
enum { notice_capacity = 32 };

/// What the thread has written before comes before what it reads behind.
static void order(void) {
#if defined(__x86_64__)
    // As a fence does, in half its time.
    __asm__ volatile("lock orl $0, (%%rsp)" ::: "memory", "cc");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

uint32_t apus_unpark(const void *place, uint32_t most) {
    struct bucket *bucket = bucket_of(place);
    order();
    if (__atomic_load_n(&bucket->count, __ATOMIC_SEQ_CST) == 0) return 0;
    pthread_once(&prepare_once, prepare);
    struct notice notices[notice_capacity];
    uint32_t total = 0;
    uint32_t count;
    do {
        count = 0;
        pthread_mutex_lock(&bucket->lock);
        struct apus_waiter *waiter = bucket->first;
        while (waiter && count < notice_capacity && total < most) {
            struct apus_waiter *next = waiter->next;
            if (waiter->place == place) {
                take_out(bucket, waiter);
                notices[count++] = notice_of(waiter);
                total++;
            }
            waiter = next;
        }
        pthread_mutex_unlock(&bucket->lock);
        for (uint32_t index = 0; index < count; index++) serve(&notices[index]);
    } while (count == notice_capacity && total < most);
    return total;
}

uint64_t apus_parked_count(const void *place) {
    pthread_once(&prepare_once, prepare);
    struct bucket *bucket = bucket_of(place);
    uint64_t count = 0;
    pthread_mutex_lock(&bucket->lock);
    for (struct apus_waiter *waiter = bucket->first; waiter; waiter = waiter->next) {
        if (waiter->place == place) count++;
    }
    pthread_mutex_unlock(&bucket->lock);
    return count;
}
