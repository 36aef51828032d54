#define _GNU_SOURCE
#include "apus_sampler.h"

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#include "apus_code_ranges.h"
#include "apus_interrupt.h"
#include "apus_mapping.h"
#include "apus_traps.h"

#if defined(__linux__) && defined(__x86_64__)
#include <ucontext.h>
#define APUS_CAN_SAMPLE 1
#else
#define APUS_CAN_SAMPLE 0
#endif

enum { ring_words = 1 << 16 };

// A ring of words: the handler writes on the thread of the guest, one other thread reads. Each
// sample is a word that says how many follow.
struct apus_sampler {
    struct apus_store_context *store;
    _Atomic uint64_t written;
    _Atomic uint64_t read;
    _Atomic uint64_t lost;
    uintptr_t words[ring_words];
};

struct apus_sampler *apus_sampler_make(struct apus_store_context *store) {
    struct apus_sampler *sampler = apus_allocate(sizeof *sampler);
    if (sampler) sampler->store = store;
    return sampler;
}

void apus_sampler_free(struct apus_sampler *sampler) {
    apus_free(sampler);
}

void apus_sampler_ask(struct apus_sampler *sampler, struct apus_thread *thread) {
    __atomic_store_n(&thread->sampler, sampler, __ATOMIC_RELEASE);
    apus_interrupt_sample(thread);
}

void apus_sampler_leave(struct apus_thread *thread) {
    __atomic_store_n(&thread->sampler, NULL, __ATOMIC_SEQ_CST);
    // The handler takes no lock, so it ends soon.
    while (__atomic_load_n(&thread->is_sampling, __ATOMIC_SEQ_CST)) sched_yield();
}

uint64_t apus_sampler_lost(const struct apus_sampler *sampler) {
    return atomic_load_explicit(&sampler->lost, memory_order_relaxed);
}

uint32_t apus_sampler_take(struct apus_sampler *sampler, uintptr_t *counters) {
    uint64_t read = atomic_load_explicit(&sampler->read, memory_order_relaxed);
    if (read == atomic_load_explicit(&sampler->written, memory_order_acquire)) return 0;
    uint32_t count = (uint32_t)sampler->words[read++ % ring_words];
    for (uint32_t place = 0; place < count; place++) {
        counters[place] = sampler->words[read++ % ring_words];
    }
    atomic_store_explicit(&sampler->read, read, memory_order_release);
    return count;
}

#if APUS_CAN_SAMPLE
static void keep(struct apus_sampler *sampler, const uintptr_t *counters, uint32_t count) {
    uint64_t written = atomic_load_explicit(&sampler->written, memory_order_relaxed);
    uint64_t read = atomic_load_explicit(&sampler->read, memory_order_acquire);
    if (ring_words - (written - read) < (uint64_t)count + 1) {
        atomic_fetch_add_explicit(&sampler->lost, 1, memory_order_relaxed);
        return;
    }
    sampler->words[written++ % ring_words] = count;
    for (uint32_t place = 0; place < count; place++) {
        sampler->words[written++ % ring_words] = counters[place];
    }
    atomic_store_explicit(&sampler->written, written, memory_order_release);
}

/// Adds the frames from `fp` on, up to the activation's entry.
static uint32_t add_frames(
    uintptr_t fp, uintptr_t low, uintptr_t end, uintptr_t *counters, uint32_t count) {
    return count + apus_trace_walk(fp, low, end, counters + count, apus_sample_limit - count);
}

static void take_sample(struct apus_sampler *sampler, const void *machine) {
    const struct apus_store_context *store = sampler->store;
    // The call has not entered wasm yet, or has left it.
    if (store->entry_sp == 0) return;
    const greg_t *registers = ((const ucontext_t *)machine)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    uintptr_t low = (uintptr_t)registers[REG_RSP];
    uintptr_t counters[apus_sample_limit];
    uintptr_t end = store->entry_fp;
    uint32_t count = 0;
    // Another store's guest is the host's business.
    if (apus_this_thread.current == store && apus_code_covers(pc)) {
        counters[count++] = pc;
        count = add_frames((uintptr_t)registers[REG_RBP], low, end, counters, count);
    } else {
        counters[count++] = 0;
        // Until it is left for the first time, an activation has the exit of another.
        if (store->exit_fp >= low && store->exit_fp < end) {
            counters[count++] = store->exit_pc;
            count = add_frames(store->exit_fp, low, end, counters, count);
        }
    }
    // Guests that have called the host, which has called guests.
    const struct apus_outer_activation *outer = __atomic_load_n(&store->outer, __ATOMIC_ACQUIRE);
    for (; outer && count + 2 < apus_sample_limit; outer = outer->next) {
        // Frames of one stack lie ever higher; what waits on another stack is left out.
        if (outer->exit_fp <= end || outer->entry_fp < outer->exit_fp) break;
        counters[count++] = 0;
        counters[count++] = outer->exit_pc;
        count = add_frames(outer->exit_fp, end, outer->entry_fp, counters, count);
        end = outer->entry_fp;
    }
    keep(sampler, counters, count);
}

void apus_sampler_answer(void *machine) {
    struct apus_thread *thread = &apus_this_thread;
    __atomic_store_n(&thread->is_sampling, 1, __ATOMIC_SEQ_CST);
    struct apus_sampler *sampler = __atomic_load_n(&thread->sampler, __ATOMIC_SEQ_CST);
    if (sampler) take_sample(sampler, machine);
    __atomic_store_n(&thread->is_sampling, 0, __ATOMIC_SEQ_CST);
}
#else
void apus_sampler_answer(void *machine) {
    (void)machine;
}
#endif
